"""What the OTLP/HTTP specification says of a client, against the strict receiver, which checks every request: transport,
compression, retries, partial success, and the points of counters, gauges and series that end.

docs/PUSH_CONFORMANCE.md lists the rules.
"""

import email.utils
import time

import harness
from fault_engine import Container
from harness import wait_for
from protobuf_wire import double, put
from pushing import PushCase, destination
from receiver import Answer
from remote_write import STALE
from weir import run_weir

EMPTY = b""
RESOURCE = {"service.name": "weir", "service.instance.id": "testhost:10142"}


def partial(rejected, words):
    """An ExportMetricsServiceResponse with partial_success."""
    body = (put(1, rejected) if rejected else b"") + (put(2, words) if words else b"")
    return Answer(200, put(1, body), {"Content-Type": "application/x-protobuf"})


def status(words):
    """A google.rpc.Status, as failures have it."""
    return put(1, 3) + put(2, words)


class Otlp(PushCase):
    protocol = "otlp"

    def start(self, *destinations, **more):
        return super().start(*destinations, **({} if destinations else {"external_labels": RESOURCE}), **more)

    def of_point(self, name, **attributes):
        """[(series, [(timestamp, bits)])] of that metric with these attributes of resource or point, _ for a dot."""
        found = self.of_metric(name)
        return [(have, values) for have, values in found
                if all(have.get(key.replace("_", ".")) == value for key, value in attributes.items())]

    def rounds(self):
        """Values of weir_rounds_total as they came."""
        found = self.of_metric("weir_rounds_total")
        self.assertEqual(len(found), 1)
        return [double(bits) for _, bits in found[0][1] if bits != STALE]

    def nothing_is_missing(self):
        values = self.rounds()
        self.assertEqual(values, [values[0] + step for step in range(len(values))], "no round is missing or comes twice")


class Transport(Otlp):
    def test_request(self):
        """POST, application/x-protobuf, gzip by default, a user agent, no Expect and nothing of remote write."""
        self.start(headers={"X-Tenant": "shop"})
        for request in self.receiver.wait_stored(3):
            self.assertEqual(request.header("content-type"), "application/x-protobuf")
            self.assertEqual(request.header("content-encoding"), "gzip")
            self.assertEqual(request.header("x-tenant"), "shop")
            self.assertTrue(request.body.startswith(b"\x1f\x8b"))
            self.assertIsNone(request.header("expect"))

    def test_without_compression(self):
        self.start(compression="none")
        for request in self.receiver.wait_stored(3):
            self.assertIsNone(request.header("content-encoding"))

    def test_success_is_200_with_an_empty_or_a_whole_response(self):
        self.receiver.answers = [Answer(200, EMPTY), Answer(200, put(1, b"")), Answer(200, b"no message at all \xff")]
        self.start()
        self.receiver.wait_stored(6)
        self.nothing_is_missing()
        self.assertEqual(self.counter("samples_dropped_total"), 0)

    def test_no_empty_envelope(self):
        """Two containers of which a filter leaves nothing: no resource of theirs; `up` alone is always sent."""
        self.start(destination(self.receiver, "otlp", external_labels=RESOURCE, metrics={"include": ["no_such_*"]}))
        for request in self.receiver.wait_stored(3):
            self.assertEqual([dict(series).get("__name__") for series, _, _ in request.message.samples], ["up"])


class Retry(Otlp):
    """429, 502, 503 and 504 alone may be retried; Retry-After is kept to; a lost connection is retried."""

    def first_two(self, answer, limit_s=30):
        """The request that got this answer, and those of the same bytes."""
        self.receiver.answers = [Answer(), answer]
        self.start()
        self.receiver.wait_stored(4, limit_s)
        first = self.receiver.of()[1]
        return first, [request for request in self.receiver.of() if request.body == first.body]

    def again(self, answer):
        first, same = self.first_two(answer)
        self.assertEqual([request.number for request in same], [first.number, first.number + 1], "before anything newer")
        self.nothing_is_missing()
        self.assertEqual(self.counter("samples_dropped_total"), 0)
        return same[1].arrived - first.arrived

    def never_again(self, answer):
        first, same = self.first_two(answer)
        self.assertEqual(len(same), 1, "the same bytes never again")
        samples = len(first.message.samples)
        self.wait_counter("samples_dropped_total", samples)
        self.assertEqual(self.counter("samples_dropped_total"), samples)

    def test_retried(self):
        for code in (429, 502, 503, 504):
            with self.subTest(code):
                self.again(Answer(code, status("not now")))
                self.doCleanups()
                self.setUp()

    def test_not_retried(self):
        """500 too: the opposite of remote write."""
        for code in (400, 408, 422, 500, 501, 505):
            with self.subTest(code):
                self.never_again(Answer(code, status("never"), {"Content-Type": "application/x-protobuf"}))
                self.doCleanups()
                self.setUp()

    def test_retry_after_in_seconds(self):
        for code in (429, 503):
            with self.subTest(code):
                waited = self.again(Answer(code, b"", {"Retry-After": "2"}))
                self.assertTrue(1.95 <= waited <= 3.5, waited)
                self.doCleanups()
                self.setUp()

    def test_retry_after_as_a_date(self):
        date = email.utils.formatdate(time.time() + 6, usegmt=True)
        begin = time.time()
        self.receiver.answers = [Answer(503, b"", {"Retry-After": date})]
        self.start()
        requests = self.receiver.wait(2)
        self.assertEqual(requests[0].body, requests[1].body)
        self.assertTrue(begin + 4.9 <= requests[1].arrived <= begin + 9, requests[1].arrived - begin)

    def test_a_lost_connection_is_retried(self):
        for fault in ("close", "reset", "hang", "garbage"):
            with self.subTest(fault):
                self.again(Answer(fault=fault, stored=False))
                self.doCleanups()
                self.setUp()

    def test_too_large_is_halved(self):
        first, same = self.first_two(Answer(413))
        self.assertEqual(len(same), 1)
        halves = self.receiver.of()[2:4]
        self.assertEqual(sorted(half_sample[:2] for half in halves for half_sample in half.message.samples),
                         sorted(sample[:2] for sample in first.message.samples))

    def test_the_words_of_a_status_are_logged(self):
        self.receiver.answers = [Answer(), Answer(400, status("attribute 17 of point 3 is no good"),
                                                  {"Content-Type": "application/x-protobuf"})]
        self.start()
        self.receiver.wait_stored(3)
        self.assertEqual(len(wait_for(lambda: self.weir.log_lines("attribute 17 of point 3"), 5, "its words")), 1)


class PartialSuccess(Otlp):
    """200, some points are not taken: counted, never sent again; without a count it is a warning."""

    def test_rejected_points(self):
        self.receiver.answers = [Answer(), partial(7, "7 points are too old")]
        self.start()
        self.receiver.wait_stored(4)
        self.nothing_is_missing()
        self.wait_counter("samples_dropped_total", 7)
        self.assertEqual(self.counter("samples_dropped_total"), 7)
        self.assertEqual(len({request.body for request in self.receiver.of()}), len(self.receiver.of()), "none again")
        wait_for(lambda: self.weir.log_lines("7 points are too old"), 5, "its words")

    def test_a_warning(self):
        self.receiver.answers = [Answer(), partial(0, "a name is deprecated")]
        self.start()
        self.receiver.wait_stored(4)
        self.nothing_is_missing()
        self.assertEqual(self.counter("samples_dropped_total"), 0)


class Points(Otlp):
    def test_starts_and_kinds(self):
        """A counter's start is the container's, of weir's own counters weir's; gauges are no sums."""
        begin = int(time.time() * 1000)
        web = Container("web")
        web.started -= 3600
        self.start(containers=[web])
        message = self.receiver.wait_stored(3)[-1].message
        self.assertEqual(message.metadata["container.cpu.time"].kind, "counter")
        self.assertEqual(message.metadata["container.memory.usage"].kind, "updown")
        self.assertEqual(message.metadata["weir_snapshot_timestamp_seconds"].kind, "gauge")
        starts = {dict(series)["__name__"]: start for (series, _), start in message.starts.items()}
        self.assertLess(abs(starts["container.cpu.time"] - web.started * 1000), 2)
        self.assertLess(abs(starts["weir_rounds_total"] - begin), 5000)

    def test_each_container_is_a_resource(self):
        self.start(containers=[Container("web", image="shop/app:1.2"), Container("db")])
        self.receiver.wait_stored(2)
        found = {have["resource.container.name"]: have for have, _ in self.of_metric("container.cpu.time")}
        self.assertEqual(sorted(found), ["db", "web"])
        self.assertRegex(found["web"]["resource.container.id"], r"^[0-9a-f]{64}$")
        self.assertEqual((found["web"]["resource.container.image.name"], found["web"]["resource.container.image.tags"]),
                         ("shop/app", ("1.2",)))
        for have in found.values():
            self.assertEqual({key: have[f"resource.{key}"] for key in RESOURCE}, RESOURCE)

    def test_a_series_that_ends(self):
        """One more point without a value and with NO_RECORDED_VALUE, and then none."""
        self.start(containers=[Container("stays"), Container("goes")])
        self.receiver.wait_stored(3)
        self.fake.remove(next(each for each in self.fake.containers.values() if each.name == "goes"))
        ended = "container.memory.usage"
        wait_for(lambda: any(STALE in [bits for _, bits in values] for have, values in self.of_metric(ended)
                             if have["resource.container.name"] == "goes"), 10, "its last point")
        self.receiver.wait_more(4)
        for have, values in self.of_metric(ended):
            stale = [at for at, (_, bits) in enumerate(values) if bits == STALE]
            self.assertEqual(stale, [len(values) - 1] if have["resource.container.name"] == "goes" else [])

    def test_a_clean_stop(self):
        self.start()
        self.receiver.wait_stored(3)
        self.weir.stop()
        for series, values in self.receiver.samples().items():
            self.assertEqual([bits == STALE for _, bits in values], [False] * (len(values) - 1) + [True], series)


class Check(PushCase):
    protocol = "otlp"

    def test_an_empty_request(self):
        """Of `weir check`: it asks with nothing in it, and says what was answered."""
        self.write(destination(self.receiver, "otlp"))
        done = run_weir("check", f"--config.file={self.path('weir.yaml')}", "--collect.tiers=simulated")
        self.assertEqual([request.kind() for request in self.receiver.requests], ["empty"], done.stdout + done.stderr)
        self.assertIn("200", done.stdout + done.stderr)


if __name__ == "__main__":
    harness.main(limit_s=230)
