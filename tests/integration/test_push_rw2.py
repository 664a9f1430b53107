"""Every MUST and SHOULD of the Prometheus project's suite for senders of remote write 2 that concerns floats, labels,
symbols, metadata, protocol, retry and errors, by its names; against the strict receiver, which checks every request.

docs/PUSH_CONFORMANCE.md lists them all, with those that do not apply.
"""

import time

import harness
from fault_engine import Container
from harness import wait_for
from protobuf_wire import bits_of, double
from pushing import EXTERNAL, INTERVAL_MS, PushCase
from receiver import Answer, LARGE_BODY

MEMORY = "container_memory_usage_bytes"


class Version2(PushCase):
    protocol = "remote-write-2"

    def taken(self, count=3):
        """So many requests with samples, all of them of version 2."""
        found = self.receiver.wait_stored(count)
        self.assertEqual({request.message.protocol for request in found}, {"remote-write-2"})
        return found


class Protocol(Version2):
    """content_type_protobuf, content_type_with_proto_param, content_encoding_snappy, version_header_present,
    version_header_value, user_agent_present, snappy_block_format, protobuf_parseable and HTTPMethod are checked in
    every request by the receiver; here once more by name."""

    def test_protocol(self):
        self.start()
        request = self.taken()[0]
        self.assertEqual(request.header("content-type"), "application/x-protobuf;proto=io.prometheus.write.v2.Request")
        self.assertEqual(request.header("content-encoding"), "snappy")
        self.assertEqual(request.header("x-prometheus-remote-write-version"), "2.0.0")
        self.assertTrue(request.header("user-agent"))


class Symbols(Version2):
    def test_empty_string_at_index_zero_and_string_deduplication(self):
        self.start()
        for request in self.taken():
            self.assertEqual(request.message.symbols[0], "")
            self.assertEqual(len(set(request.message.symbols)), len(request.message.symbols))

    def test_efficient_symbol_reuse(self):
        """A second container adds its own few words, not the whole table again."""
        self.start(containers=[Container("one")])
        one = len(self.taken()[-1].message.symbols)
        self.fake.add(Container("two"))
        wait_for(lambda: "two" in self.receiver.stored()[-1].message.symbols, 10, "the second comes")
        two = self.receiver.stored()[-1].message
        self.assertLess(len(two.symbols) - one, 10)

    def test_labels_refs_valid_indices_and_even_length(self):
        self.start()
        self.taken(5)  # by the receiver


class Labels(Version2):
    TEXTS = ("größe 数 🐋", 'a "quote" \\ and\nlines', "{}=,;", " spaces ", "x" * 900)

    def test_unicode_and_special_chars_in_label_values(self):
        self.start(containers=[Container(f"c{at}", labels={"text": text}) for at, text in enumerate(self.TEXTS)])
        self.taken()
        found = {have["container_label_text"] for have, _ in self.of_metric(MEMORY)}
        self.assertEqual(found, set(self.TEXTS))

    def test_label_values_may_not_be_empty(self):
        """The suite's label_values_may_be_empty contradicts the specification, which forbids them."""
        self.start(containers=[Container("web", labels={"nothing": ""})], external_labels={**EXTERNAL, "none": ""})
        self.taken()
        self.assertNotIn("none", self.of_metric(MEMORY)[0][0])

    def test_metric_and_label_names(self):
        """metric_name_format_valid, label_name_format_valid, no_duplicate_label_names, reserved_label_prefix."""
        self.start(containers=[Container("web", labels={"__meta": "1", "a.b": "1", "a-b": "2", "9": "3", "ü": "4"})])
        self.taken()
        self.assertEqual(len(self.of_metric(MEMORY)), 1)

    def test_many_labels_per_series_and_very_long_label_names(self):
        labels = {f"label{number}": str(number) for number in range(60)}
        self.start(containers=[Container("web", labels={**labels, "n" * 200: "long"})])
        self.taken()
        have = self.of_metric(MEMORY)[0][0]
        self.assertEqual([have.get(f"container_label_label{number}") for number in range(60)],
                         [str(number) for number in range(60)])
        self.assertEqual(have.get("container_label_" + "n" * 200), "long")

    def test_job_instance_labels_present(self):
        self.start()
        self.taken()
        for series in self.receiver.samples():
            self.assertEqual({name: dict(series).get(name) for name in EXTERNAL}, EXTERNAL)


class Samples(Version2):
    def test_float_integer_zero_and_negative_values(self):
        """precision_preservation: test_push_values.py compares all bits; here the kinds of values there are. -1 is the
        health of a container without a check."""
        web = Container("web")
        web.rx, web.tx, web.memory["usage"] = 0, (1 << 53) + 2, (1 << 50) + 1
        self.start(containers=[web])
        self.taken()
        self.assertEqual({double(bits) for have, values in self.of_metric("container_network_receive_bytes_total")
                          for _, bits in values}, {0.0})
        self.assertEqual({double(bits) for have, values in self.of_metric("container_network_transmit_bytes_total")
                          for _, bits in values}, {float((1 << 53) + 2)})
        self.assertIn(bits_of(-1.0), {bits for have, values in self.of_metric("container_health_state")
                                      for _, bits in values})

    def test_timestamp_milliseconds_format_recent_and_ordering(self):
        begin = time.time() * 1000
        self.start()
        self.taken(8)
        for values in self.receiver.samples().values():
            moments = [moment for moment, _ in values]
            self.assertEqual(moments, sorted(set(moments)))
            self.assertTrue(begin <= moments[0] <= moments[-1] <= time.time() * 1000 + 1)

    def test_start_timestamp(self):
        """start_timestamp_for_counters, _zero_handling, _before_sample_timestamp: of weir's own counters its start, of
        a container's counters the container's; gauges need none."""
        begin = int(time.time() * 1000)
        web = Container("web")
        web.started -= 3600
        self.start(containers=[web])
        starts = {}
        for request in self.taken():
            starts.update({(dict(series)["__name__"], dict(series).get("name")): start
                           for (series, _), start in request.message.starts.items()})
        self.assertLess(abs(starts[("weir_rounds_total", None)] - begin), 5000)
        self.assertLess(abs(starts[("container_cpu_usage_seconds_total", "web")] - web.started * 1000), 2)

    def test_stale_marker(self):
        self.start(containers=[Container("stays"), Container("goes")])
        self.taken()
        self.fake.remove(next(each for each in self.fake.containers.values() if each.name == "goes"))
        self.wait_marker(MEMORY, name="goes")


class MetadataOf(Version2):
    """metadata type, help_text, unit, help_refs_valid, consistent_across_series, empty_help_allowed,
    help_with_special_chars; complete_metric_family, samples_with_metadata."""

    def test_metadata_is_the_pages(self):
        self.start()
        message = self.taken()[-1].message
        page = self.weir.scrape()
        for name, metadata in message.metadata.items():
            if name == "up":
                continue
            family = page.families.get(name) or page.families.get(name.removesuffix("_total"))
            self.assertIsNotNone(family, name)
            self.assertEqual(metadata.kind, {"unknown": "gauge"}.get(family.type, family.type), name)
            self.assertEqual(metadata.help, family.documentation, name)
        self.assertIn("bytes", {metadata.unit for metadata in message.metadata.values()})
        self.assertGreater(len(message.metadata), 30)


class Retry(Version2):
    def once(self, answer, again):
        """What the second request is answered with; does it come again, the same bytes, before anything newer?"""
        self.receiver.answers = [Answer(), answer]
        self.start()
        self.receiver.wait_stored(4, limit_s=30)
        first = self.receiver.of()[1]
        same = [request for request in self.receiver.of() if request.body == first.body]
        self.assertEqual(len(same), 2 if again else 1)
        if again:
            self.assertEqual(same[1].number, first.number + 1)
        else:
            self.wait_counter("samples_dropped_total", len(first.message.samples))

    def test_retry_on_500(self):
        self.once(Answer(500), True)

    def test_retry_on_502(self):
        self.once(Answer(502), True)

    def test_retry_on_503(self):
        self.once(Answer(503), True)

    def test_retry_on_504(self):
        self.once(Answer(504), True)

    def test_may_retry_on_429(self):
        self.once(Answer(429), True)

    def test_no_retry_on_400(self):
        self.once(Answer(400, b"no"), False)

    def test_no_retry_on_401(self):
        self.receiver.answers = [Answer(), Answer(401)]
        self.start()
        self.receiver.wait_stored(1)
        self.receiver.wait(2)
        wait_for(lambda: self.weir.log_lines("401"), 10, "a line about it")
        self.receiver.wait_more(1, limit_s=90)

    def test_no_retry_on_404(self):
        self.receiver.answers = [Answer(), Answer(404)]
        self.start()
        self.receiver.wait(2)
        wait_for(lambda: self.weir.log_lines("404"), 10, "a line about it")
        self.receiver.wait_more(1, limit_s=90)

    def test_no_retry_on_413(self):
        """Not the same bytes: two halves, and every sample arrives."""
        self.receiver.answers = [Answer(), Answer(413)]
        self.start()
        self.receiver.wait_stored(5)
        large = self.receiver.of()[1]
        halves = self.receiver.of()[2:4]
        self.assertEqual(sorted((series, moment) for half in halves for series, moment, _ in half.message.samples),
                         sorted((series, moment) for series, moment, _ in large.message.samples))
        for half in halves:
            self.assertGreater(len(half.message.samples), len(large.message.samples) // 4)

    def test_backoff(self):
        """exponential_backoff_on_retries, backoff_required, backoff_max_delay, backoff_with_jitter."""
        self.receiver.answers = [Answer(503)] * 9  # not of the empty request that asks for the version
        self.start()
        requests = self.receiver.wait(5, limit_s=40)
        gaps = [after.arrived - before.arrived for before, after in zip(requests, requests[1:])][:4]
        # Attempt n waits between a half and the whole of 500 ms * 2^(n-1).
        for attempt, gap in enumerate(gaps):
            self.assertTrue(0.25 * 2 ** attempt - 0.02 <= gap <= 0.5 * 2 ** attempt + 0.5, gaps)
        self.assertEqual(len({request.body for request in requests}), 1, "the same bytes")

    def test_retry_after(self):
        self.receiver.answers = [Answer(), Answer(503, b"", {"Retry-After": "3"})]
        self.start()
        requests = self.receiver.wait(3, limit_s=20)
        self.assertTrue(2.95 <= requests[2].arrived - requests[1].arrived <= 4.5)


class Errors(Version2):
    """sender_continues_after_errors, each with another error; nothing that was collected is lost by any."""

    def survives(self, answer, rounds=3, limit_s=40):
        self.receiver.answers = [Answer(), answer]
        self.start()
        self.receiver.wait_stored(rounds + 1, limit_s)
        self.nothing_is_lost()

    def test_malformed_response(self):
        self.survives(Answer(fault="garbage", stored=False))

    def test_invalid_status_code_999(self):
        self.receiver.answers = [Answer(), Answer(999)]
        self.start()
        self.receiver.wait_stored(4, limit_s=40)

    def test_empty_response(self):
        self.survives(Answer(fault="close", stored=False))

    def test_large_error_response(self):
        self.survives(Answer(503, b"x" * LARGE_BODY))
        self.assertLess(len(self.weir.log()), 20000)

    def test_timeout(self):
        self.survives(Answer(fault="hang", stored=False))

    def test_connection_reset(self):
        self.survives(Answer(fault="reset", stored=False))

    def test_connection_refused(self):
        self.start()
        self.receiver.wait_stored(2)
        self.receiver.stop()
        self.wait_counter("responses_total", code="none")
        self.receiver.start()
        self.receiver.wait_more(5, limit_s=30)
        self.nothing_is_lost()

    def test_log_error_messages_verbatim(self):
        self.receiver.answers = [Answer(), Answer(400, b"label <b>\"x\"</b> of series 17 is no good")]
        self.start()
        self.receiver.wait_stored(3)
        lines = wait_for(lambda: self.weir.log_lines("of series 17 is no good"), 5, "the receiver's words")
        self.assertEqual(len(lines), 1)

    def test_handle_large_error_body(self):
        self.receiver.answers = [Answer(), Answer(400, b"begin " + b"y" * LARGE_BODY)]
        self.start()
        self.receiver.wait_stored(3)
        wait_for(lambda: self.weir.log_lines("begin y"), 5, "the begin of it")
        self.assertLess(len(self.weir.log()), 20000)


class Responses(Version2):
    def test_204_and_200_accepted(self):
        self.receiver.answers = [Answer(204), Answer(200), Answer(200, b"a body that is not read"), Answer(202)]
        self.start()
        self.receiver.wait_stored(6)
        self.assertEqual(len({request.body for request in self.receiver.of()}), len(self.receiver.of()), "none again")

    def test_partial_write(self):
        """handle_partial_write_response, process_written_count_headers: what is missing is counted, not sent again."""
        self.receiver.answers = [Answer(), Answer(400, b"one series is out of bounds", written=7)]
        self.start()
        self.receiver.wait_stored(4)
        partial = next(request for request in self.receiver.of() if request.answer.status == 400)
        self.assertEqual([request.number for request in self.receiver.of() if request.body == partial.body],
                         [partial.number])
        samples = len(partial.message.samples)
        self.wait_counter("samples_dropped_total", samples - 7)
        self.assertEqual(self.counter("samples_dropped_total"), samples - 7)


class FallBack(Version2):
    """fallback_on_415, retry_with_different_version, fallback_header_changes, accept_success_after_fallback,
    persistent_fallback_choice, handle_missing_written_headers, NoFallbackOn2xx, ContentTypeNegotiation."""

    def falls_back(self):
        """Everything arrives as version 1, from the first round on; version 2 is not tried again."""
        self.receiver.wait_stored(6)
        self.assertEqual({request.message.protocol for request in self.receiver.stored()}, {"remote-write"})
        tried = [request for request in self.receiver.requests if request.message.protocol == "remote-write-2"]
        self.assertLessEqual(len(tried), 2)
        self.assertLess(max(request.number for request in tried), self.receiver.stored()[0].number)
        values = [value for _, value in self.values("weir_rounds_total")]
        self.assertEqual(values, [values[0] + step for step in range(len(values))])
        self.in_force("remote-write")

    def in_force(self, protocol):
        info = self.weir.scrape().all("weir_push_destination_info")
        self.assertEqual([sample.labels["protocol"] for sample in info], [protocol])

    def same_url(self):
        """A receiver that has both at one address."""
        self.broken_allowed = True

    def test_fallback_on_415(self):
        self.same_url()
        self.receiver.rule = lambda request: Answer(415, b"unsupported") \
            if request.message.protocol == "remote-write-2" else None
        self.start()
        self.falls_back()

    def test_handle_missing_written_headers(self):
        """An older receiver takes it for an empty request of its own: 204, and nothing is stored."""
        self.same_url()
        self.receiver.known = ("remote-write",)
        self.start()
        self.falls_back()

    def test_no_fallback_on_2xx(self):
        self.start()
        self.receiver.wait_stored(6)
        self.assertEqual({request.message.protocol for request in self.receiver.stored()}, {"remote-write-2"})
        self.in_force("remote-write-2")

    def test_no_fallback_on_500(self):
        self.receiver.answers = [Answer(500), Answer(500)]
        self.start()
        self.receiver.wait_stored(3)
        self.assertEqual({request.message.protocol for request in self.receiver.of()}, {"remote-write-2"})


class Batches(Version2):
    SERIES_LIMIT = 10000  # of batch_size_reasonable

    def test_batches(self):
        """multiple_series_per_request, batch_size_reasonable, high_cardinality: a round is a request."""
        self.start(containers=[Container(f"c{number}") for number in range(200)])
        for request in self.taken(5):
            self.assertTrue(1000 < len(request.message.samples) <= self.SERIES_LIMIT, len(request.message.samples))
        self.nothing_is_lost()

    def test_robustness_under_load(self):
        """500 containers, with slow answers and errors between."""
        self.receiver.rule = lambda request: Answer((204, 204, 503)[request.number % 3], delay_s=0.1) \
            if request.kind() == "samples" else None
        self.start(containers=[Container(f"c{number}") for number in range(500)], timeout="20s")
        self.receiver.wait_stored(6, limit_s=60)
        self.nothing_is_lost()

    def test_empty_scrape(self):
        """No container at all: weir's own series and `up` still come."""
        self.start(containers=[])
        self.taken(3)
        self.assertEqual(self.of_metric(MEMORY), [])
        self.assertEqual({value for _, value in self.values("up")}, {1.0})

    def test_huge_label_values_and_very_long_metric_name(self):
        self.start(containers=[Container("web", labels={"huge": "h" * 10240})])
        self.taken(3)  # whole or left out and counted, as on the page


if __name__ == "__main__":
    harness.main(limit_s=400)
