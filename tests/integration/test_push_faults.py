"""Receivers that hang, drip, close half way, refuse for an hour, redirect, show a wrong certificate or are gone: what
weir does in each case, and that nobody else has to wait for it."""

import email.utils
import os
import statistics
import time

import harness
from endpoint import resident_kib
from fault_engine import Container
from harness import wait_for
from pushing import INTERVAL_MS, TIMEOUT_MS, PushCase, destination
from receiver import Answer, Receiver, certificates, server_tls
from weir import free_port, is_sanitized, run_weir

SCRAPE_LIMIT_S = 0.5
QUARANTINE_KIB = 256 << 10  # freed memory that the address sanitizer keeps by default


class Faults(PushCase):
    def all_came_in_order(self):
        self.nothing_is_lost()
        self.assertEqual((self.receiver.inversions, self.receiver.conflicts), (0, []))

    def outlives(self, answer, count=1, limit_s=60, **more):
        """All rounds come in the end, in order, though `count` requests are answered like that."""
        self.receiver.answers = [Answer(), *[answer] * count]
        self.start(**more)
        self.receiver.wait_stored(8 + count, limit_s)
        self.all_came_in_order()

    def test_hang(self):
        self.outlives(Answer(fault="hang", stored=False))
        stuck = next(request for request in self.receiver.of() if request.answer.fault)
        again = next(request for request in self.receiver.of() if request.number > stuck.number)
        self.assertEqual(stuck.body, again.body)
        waited = again.arrived - stuck.arrived
        self.assertTrue(TIMEOUT_MS / 1000 <= waited <= TIMEOUT_MS / 1000 + 1.5, waited)
        self.assertEqual(self.counter("responses_total", code="none"), 1)

    def test_drip(self):
        """One byte a second is no answer within the timeout either."""
        self.outlives(Answer(fault="drip", stored=False))

    def test_half_an_answer(self):
        """The status came, its body not: it counts as said or is tried again; no round is lost, none comes too late."""
        self.outlives(Answer(fault="half"))
        cut = next(request for request in self.receiver.of() if request.answer.fault)
        self.assertLessEqual(self.receiver.duplicates, len(cut.message.samples))

    def test_close(self):
        self.outlives(Answer(fault="close", stored=False), 3)

    def test_reset(self):
        self.outlives(Answer(fault="reset", stored=False), 3)

    def test_lost_answer_is_a_duplicate(self):
        """It was stored, the answer was lost, and the next try is refused as out of order: not an error, not a loss."""
        self.receiver.answers = [Answer(), Answer(fault="close", stored=True),
                                 Answer(400, b"out of order sample\n", stored=False)]
        self.start()
        self.receiver.wait_stored(8, 30)
        self.all_came_in_order()
        self.assertGreater(self.counter("samples_duplicate_total"), 10)
        self.assertEqual(self.counter("samples_dropped_total"), 0)

    def test_429_with_retry_after_in_seconds(self):
        self.receiver.answers = [Answer(), Answer(429, b"slower", {"Retry-After": "3"})]
        self.start()
        requests = self.receiver.wait(3)
        waited = requests[2].arrived - requests[1].arrived
        self.assertTrue(2.95 <= waited <= 4.5, waited)
        self.assertEqual(requests[1].body, requests[2].body)

    def test_429_with_retry_after_as_a_date(self):
        date = email.utils.formatdate(time.time() + 6, usegmt=True)
        self.receiver.rule = lambda request: Answer(429, b"slower", {"Retry-After": date}) \
            if request.kind() == "samples" and not self.receiver.of() else None
        begin = time.time()
        self.start()
        requests = self.receiver.wait(2)
        self.assertTrue(begin + 4.9 <= requests[1].arrived <= begin + 9, requests[1].arrived - begin)

    def test_a_retry_after_of_a_year_is_cut(self):
        """At most an hour, and the log says what the receiver asked for."""
        self.receiver.usual = Answer(503, b"", {"Retry-After": "31536000"})
        self.start()
        self.receiver.wait(1)
        time.sleep(2)
        self.assertEqual(len(self.receiver.of()), 1)

    def test_500_until_it_is_well_again(self):
        """Back-off grows to a minute (an hour of it, with a given clock, is the unit tests'); then oldest first."""
        self.receiver.usual = Answer(500, b"no")
        self.start()
        refused = self.receiver.wait(4, limit_s=20)
        self.assertEqual(len({request.body for request in refused}), 1)
        self.receiver.usual = Answer()
        self.receiver.wait_stored(15, 30)
        self.assertEqual(self.receiver.stored()[0].body, refused[0].body)
        self.all_came_in_order()
        page = self.weir.scrape()
        self.assertEqual(page.total("weir_push_samples_dropped_total") or 0, 0)
        self.assertLess(page.value("weir_push_queue_oldest_age_seconds"), 5)

    def test_redirect_elsewhere(self):
        """Not followed: with its headers would go the secrets."""
        elsewhere = Receiver()
        self.addCleanup(elsewhere.stop)
        for status in (301, 302, 307, 308):
            self.receiver.answers.append(Answer(status, b"", {"Location": elsewhere.url()}))
        path = self.path("token")
        with open(path, "w", encoding="ascii") as file:
            file.write("secret\n")
        os.chmod(path, 0o600)
        self.start(bearer_token_file=path)
        self.assertEqual(self.receiver.wait(1)[0].header("authorization"), "Bearer secret")
        wait_for(lambda: self.weir.log_lines(r"\b30[1278]\b"), 10, "a line about it")
        self.receiver.wait_stored(1, 20)  # it waited, and all four were answers of this receiver
        self.assertEqual(elsewhere.requests, [])
        self.assertNotIn("secret", self.weir.log())

    def test_gone_and_back(self):
        self.start()
        for _ in range(3):
            self.receiver.wait_more(2, 30)
            failed = self.counter("responses_total", code="none")
            self.receiver.stop()
            self.wait_counter("responses_total", failed + 1, code="none")
            self.receiver.start()
        self.receiver.wait_more(10, 30)
        self.all_came_in_order()


class Others(PushCase):
    """A destination that is dead holds up no scrape, no other destination and not the next round."""

    def test_nobody_waits(self):
        bad = [Receiver() for _ in range(3)]
        for each, answer in zip(bad, (Answer(fault="hang"), Answer(fault="drip"), Answer(500))):
            each.usual = answer
            self.addCleanup(each.stop)
        dead = Receiver()
        dead.stop()
        everyone = [destination(each, name=f"bad{at}") for at, each in enumerate((*bad, dead))]
        self.start(destination(self.receiver, name="good"), *everyone)
        self.receiver.wait_stored(5)
        durations = []
        end = time.monotonic() + 8
        while time.monotonic() < end:
            durations.append(self.weir.get("/metrics")[2])
            time.sleep(0.1)
        self.assertLess(max(durations), SCRAPE_LIMIT_S * (4 if is_sanitized() else 1), statistics.median(durations))
        moments = [moment for moment, _ in self.values("up")]
        steps = [after - before for before, after in zip(moments, moments[1:])]
        self.assertLess(max(steps), 1.9 * INTERVAL_MS, steps)
        self.assertGreater(len(moments), 30)

    def test_memory_is_bounded(self):
        """A queue of 1 MiB in memory, refused for so long that it is filled many times over."""
        self.receiver.usual = Answer(500)
        self.start(containers=[Container(f"c{number}") for number in range(100)], interval="100ms",
                   queue={"max-bytes": "1MiB"})
        self.wait_counter("samples_dropped_total", 1, 60, reason="queue_bytes")
        before = resident_kib(self.weir.process.pid)
        self.wait_counter("samples_dropped_total", 100000, 60, reason="queue_bytes")
        self.assertLess(resident_kib(self.weir.process.pid) - before, 6000 + QUARANTINE_KIB * is_sanitized())
        self.assertLessEqual(self.counter("queue_bytes"), 1 << 20)

    def test_nothing_is_uncounted(self):
        """Queued is sent, dropped with a reason, or still waits."""
        self.receiver.rule = lambda _request: Answer((204, 500, 400, 429, 204, 204)[len(self.receiver.requests) % 6])
        self.start()
        self.receiver.wait_stored(10, 60)
        page = self.weir.scrape()
        queued = page.total("weir_push_samples_queued_total")
        ends = {name: page.total(f"weir_push_{name}") or 0 for name in (
            "samples_sent_total", "samples_dropped_total", "samples_duplicate_total", "queue_samples")}
        self.assertEqual(queued, sum(ends.values()), ends)


class Certificates(PushCase):
    """A receiver with TLS; certificates of an authority of its own."""

    def setUp(self):
        super().setUp()
        certificates(self.directory)
        self.receiver.stop()

    def serve(self, **more):
        self.receiver = Receiver(tls=server_tls(self.directory, **more))

    def fails(self, words, **tls):
        self.start(tls={key.replace("_", "-"): value for key, value in tls.items()})
        wait_for(lambda: self.weir.log_lines(words), 10, f"a line with {words}: {self.weir.log()[-1000:]}")
        time.sleep(3 * INTERVAL_MS / 1000)
        self.assertEqual(self.receiver.requests, [], "nothing was said to a stranger")
        self.assertEqual(self.counter("samples_dropped_total"), 0, "it waits")
        self.assertGreater(self.counter("queue_samples"), 0)

    def test_its_own_authority(self):
        self.serve()
        self.start(tls={"ca-file": self.path("ca.pem")})
        self.receiver.wait_stored(3)

    def test_unknown_authority(self):
        self.serve()
        self.fails("(?i)certificate")

    def test_another_authority(self):
        self.serve()
        self.fails("(?i)certificate", ca_file=self.path("other-ca.pem"))

    def test_a_wrong_name(self):
        self.serve()
        entry = destination(self.receiver, tls={"ca-file": self.path("ca.pem")})
        entry["url"] = entry["url"].replace("127.0.0.1", "127.0.0.2")
        self.start(entry)
        self.wait_counter("responses_total", 2, code="none")
        self.assertEqual(self.receiver.requests, [])

    def test_a_client_certificate(self):
        self.serve(client_ca="ca.pem")
        self.start(tls={"ca-file": self.path("ca.pem"), "cert-file": self.path("client.pem"),
                        "key-file": self.path("client.key")})
        self.receiver.wait_stored(3)

    def test_no_client_certificate(self):
        self.serve(client_ca="ca.pem")
        self.fails("(?i)tls|ssl|certificate|alert", ca_file=self.path("ca.pem"))

    def test_verification_switched_off(self):
        self.serve()
        self.start(tls={"insecure-skip-verify": True})
        self.receiver.wait_stored(3)

    def test_a_key_others_may_read(self):
        self.serve()
        os.chmod(self.path("client.key"), 0o600)
        path = self.path("token")
        with open(path, "w", encoding="ascii") as file:
            file.write("secret\n")
        os.chmod(path, 0o644)
        self.write(destination(self.receiver, tls={"ca-file": self.path("ca.pem")}, bearer_token_file=path))
        done = run_weir(f"--config.file={self.path('weir.yaml')}", "--collect.tiers=simulated",
                        f"--web.listen-address=127.0.0.1:{free_port()}")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"chmod o= {path}", done.stderr)


if __name__ == "__main__":
    harness.main(limit_s=420)
