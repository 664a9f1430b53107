"""The cases of the Prometheus project's compliance suite for senders of remote write 1 that concern a pushing agent, by
their names there, and what its specification says beside; against the strict receiver, which checks every request.

docs/PUSH_CONFORMANCE.md lists them all, with those that do not apply.
"""

import os
import random
import signal
import time

import harness
from fault_engine import Container
from harness import wait_for
from protobuf_wire import double
from pushing import EXTERNAL, INTERVAL_MS, PushCase, as_remote_write, destination
from receiver import Answer
from remote_write import STALE

NAME = "container_memory_usage_bytes"


class Cases(PushCase):
    """The 12 cases, and three more that the suite has for scrapers alone but weir answers too."""

    def test_counter(self):
        self.start()
        requests = self.receiver.wait_stored(12)
        values = [value for _, value in self.values("weir_rounds_total")]
        self.assertEqual(values, [values[0] + step for step in range(len(values))], "one more each round")
        self.assertGreaterEqual(len(values), len(requests))
        self.nothing_is_lost()

    def test_gauge(self):
        """The time of the snapshot is a gauge of which the right value is known."""
        self.start()
        self.receiver.wait_stored(8)
        for moment, value in self.values("weir_snapshot_timestamp_seconds"):
            self.assertLess(abs(value * 1000 - moment), 1.001)

    def test_up(self):
        self.start()
        self.receiver.wait_stored(5)
        self.assertEqual({value for _, value in self.values("up", **EXTERNAL)}, {1.0})

    def test_job_label_and_instance_label(self):
        self.start()
        self.receiver.wait_stored(2)
        for series in self.receiver.samples():
            self.assertEqual((dict(series).get("job"), dict(series).get("instance")), tuple(EXTERNAL.values()))

    def test_instance_label_by_default(self):
        entry = destination(self.receiver)
        del entry["external-labels"]
        self.start(entry)
        self.receiver.wait_stored(2)
        found = {(dict(series)["job"], dict(series)["instance"]) for series in self.receiver.samples()}
        self.assertEqual(len(found), 1, found)
        job, instance = found.pop()
        self.assertEqual(job, "weir")
        self.assertRegex(instance, rf"^[^:]+:{self.weir.port}$")

    def test_sorted_labels(self):
        """Upper case is before _, lower case behind it."""
        labels = {"zeta": "1", "Alpha": "2", "_under": "3", "beta": "4"}
        self.start(containers=[Container("web", labels=labels)],
                   external_labels={**EXTERNAL, "ZONE": "z", "_x": "u", "aaa": "a", "zzz": "z"})
        self.receiver.wait_stored(2)
        for series in self.receiver.samples():
            names = [name.encode() for name, _ in series]
            self.assertEqual(names, sorted(names))
        self.assertEqual(len(self.of_metric(NAME, ZONE="z", zzz="z", container_label_Alpha="2")), 1)

    def test_repeated_labels(self):
        """A key that becomes the same name as another, and an external label that a series has itself."""
        self.start(containers=[Container("web", labels={"a.b": "dot", "a-b": "dash"})],
                   external_labels={**EXTERNAL, "name": "external", "image": "external"})
        self.receiver.wait_stored(2)
        found = self.of_metric(NAME)
        self.assertEqual([(have["name"], have["image"]) for have, _ in found], [("web", "app:1")], "its own count")
        self.assertEqual(self.of_metric("weir_rounds_total")[0][0]["name"], "external")

    def test_empty_labels(self):
        self.start(containers=[Container("web", labels={"nothing": "", "something": "1"})],
                   external_labels={**EXTERNAL, "empty": "", "full": "1"})
        self.receiver.wait_stored(2)
        have = self.of_metric(NAME, full="1")[0][0]
        self.assertNotIn("empty", have)
        self.assertNotIn("container_label_nothing", have)

    def test_name_label(self):
        self.start(containers=[Container("web", labels={"__name__": "forged"})])
        self.receiver.wait_stored(2)
        for series in self.receiver.samples():
            self.assertEqual([name for name, _ in series].count("__name__"), 1)
        self.assertEqual(self.of_metric("forged"), [])

    def test_staleness(self):
        """A container ends: the marker, once, for each of its series that the page has no more, and for no other. What is
        told of it after its end, e.g. its OOM kills, goes on."""
        self.start(containers=[Container("stays"), Container("goes")])
        self.receiver.wait_stored(3)
        gone = next(each for each in self.fake.containers.values() if each.name == "goes")
        self.fake.remove(gone)
        self.wait_marker(NAME, name="goes")
        self.receiver.wait_more(4)
        shown = as_remote_write(self.weir.scrape(), EXTERNAL)
        last = max(moment for moment, _ in self.values("up"))
        ended = lingering = 0
        for series, values in self.receiver.samples().items():
            stale = [at for at, (_, bits) in enumerate(values) if bits == STALE]
            of_the_gone = dict(series).get("name") == "goes"
            if of_the_gone and series not in shown:
                self.assertEqual(stale, [len(values) - 1], series)
                self.assertLess(values[-1][0], last, "and nothing after it")
                ended += 1
            elif "name" in dict(series):
                self.assertEqual(stale, [], series)
                lingering += of_the_gone
        self.assertGreater(ended, 10)
        self.assertGreater(lingering, 0)

    def test_staleness_of_a_clean_stop(self):
        self.start()
        self.receiver.wait_stored(3)
        self.weir.stop()
        for series, values in self.receiver.samples().items():
            self.assertEqual(values[-1][1], STALE, series)
            self.assertNotIn(STALE, [bits for _, bits in values[:-1]], series)

    def test_no_staleness_after_a_kill(self):
        self.start()
        self.receiver.wait_stored(3)
        self.weir.stop(signal.SIGKILL)
        self.weir = None
        time.sleep(2 * INTERVAL_MS / 1000)
        self.assertNotIn(STALE, [bits for values in self.receiver.samples().values() for _, bits in values])

    def test_timestamp(self):
        begin = int(time.time() * 1000)
        self.start()
        self.receiver.wait_stored(10)
        end = int(time.time() * 1000) + 1
        for series, values in self.receiver.samples().items():
            moments = [moment for moment, _ in values]
            self.assertTrue(begin <= moments[0] and moments[-1] <= end, series)
        moments = [moment for moment, _ in self.values("up")]
        steps = [after - before for before, after in zip(moments, moments[1:])]
        self.assertLess(abs(sorted(steps)[len(steps) // 2] - INTERVAL_MS), 50, steps)

    def test_headers(self):
        """Reserved ones stay as the protocol has them; others are added."""
        self.start(headers={"X-Scope-OrgID": "tenant", "X-Other": "1"})
        for request in self.receiver.wait_stored(3):
            self.assertEqual(request.header("x-scope-orgid"), "tenant")
            self.assertRegex(request.header("user-agent"), r"^weir/\d")
            self.assertIsNone(request.header("expect"))

    def test_ordering(self):
        """200 containers, answers that take up to ten rounds: strictly rising times, and nothing is left out. None takes
        as long as the timeout: else it would be right to send the request again."""
        chance = random.Random(1)
        self.receiver.rule = lambda _request: Answer(delay_s=chance.random() ** 4 * 10 * INTERVAL_MS / 1000)
        self.start(containers=[Container(f"c{number}") for number in range(200)], timeout="30s",
                   queue={"max-bytes": "256MiB"})  # the receiver is slower than the rounds come
        requests = self.receiver.wait_stored(25, limit_s=60)
        self.assertEqual((self.receiver.inversions, self.receiver.duplicates, self.receiver.conflicts), (0, 0, []))
        for before, after in zip(requests, requests[1:]):
            self.assertGreaterEqual(after.arrived, before.arrived + before.answer.delay_s, "one at a time")
        for request in requests:
            self.assertEqual(len({moment for _, moment, _ in request.message.samples}), 1, "one round a request")
        self.nothing_is_lost()

    def test_retries_500(self):
        self.receiver.answers = [Answer(500, b"broken")]
        self.start()
        self.receiver.wait_stored(3)
        first = self.receiver.of()[0]
        again = [request for request in self.receiver.stored() if request.body == first.body]
        self.assertEqual(len(again), 1, "the same bytes once more, and taken once")
        self.assertEqual(again[0].number, first.number + 1, "before anything newer")
        self.wait_counter("samples_retried_total", len(first.message.samples))
        self.assertEqual(self.counter("samples_retried_total"), len(first.message.samples))

    def test_retries_400(self):
        self.receiver.answers = [Answer(), Answer(400, b"invalid labels: the receiver's own words")]
        self.start()
        self.receiver.wait_stored(4)
        refused = next(request for request in self.receiver.of() if request.answer.status == 400)
        self.assertEqual([request.number for request in self.receiver.of() if request.body == refused.body],
                         [refused.number])
        moments = set(refused.values("up"))
        self.assertFalse(moments & {moment for moment, _ in self.values("up")}, "none of it comes again")
        self.wait_counter("samples_dropped_total", len(refused.message.samples), reason="refused")
        self.assertEqual(len(self.weir.log_lines("the receiver's own words")), 1)


class Specification(PushCase):
    """What the specification says that the suite has no case for."""

    def test_values_of_every_kind_are_the_pages(self):
        self.start()
        self.receiver.wait_stored(3)
        kinds = {type(double(bits)) for values in self.receiver.samples().values() for _, bits in values}
        self.assertEqual(kinds, {float})

    def test_redirects_are_not_followed(self):
        other = type(self.receiver)()
        self.receiver.rule = lambda _request: Answer(307, b"", {"Location": other.url()})
        self.start()
        self.receiver.wait(1)
        time.sleep(5 * INTERVAL_MS / 1000)
        self.assertEqual(other.requests, [])
        self.assertTrue(wait_for(lambda: self.weir.log_lines("30[0-9]|redirect"), 5, "a line about it"))

    def test_an_empty_request_is_no_sample(self):
        """Of `weir check`: nothing is stored, and nothing is broken."""
        import weir as weir_module
        self.write(destination(self.receiver))
        done = weir_module.run_weir("check", f"--config.file={self.path('weir.yaml')}", "--collect.tiers=simulated")
        self.assertEqual([request.kind() for request in self.receiver.requests], ["empty"], done.stdout + done.stderr)
        self.assertIn("204", done.stdout + done.stderr)

    def test_metadata(self):
        """In requests of its own: type, help and unit of each family."""
        self.start()
        found = {}
        for request in self.receiver.wait(1, "metadata", limit_s=30):
            found.update(request.message.metadata)
        self.receiver.wait_stored(2)
        page = self.weir.scrape()
        for family in page.families.values():
            name = family.name + ("_total" if f"# TYPE {family.name}_total counter" in page.text else "")
            if name in found:
                self.assertEqual(found[name].kind, family.type.replace("unknown", "gauge"), name)
                self.assertEqual(found[name].help, family.documentation, name)
        self.assertGreater(len(found), 20)

    def test_secret_files(self):
        path = self.path("token")
        with open(path, "w", encoding="ascii") as file:
            file.write("secret-1\n")
        os.chmod(path, 0o600)
        self.start(bearer_token_file=path)
        self.assertEqual(self.receiver.wait_stored(1)[0].header("authorization"), "Bearer secret-1")
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write("secret-2\n")
        os.chmod(path + ".new", 0o600)
        os.rename(path + ".new", path)
        wait_for(lambda: self.receiver.requests[-1].header("authorization") == "Bearer secret-2", 10, "the new one")
        self.assertNotIn("secret-", self.weir.log())


if __name__ == "__main__":
    harness.main(limit_s=200)
