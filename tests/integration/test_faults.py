"""An engine that fails in every way: weir stays up, keeps its deadlines, says why, and recovers by itself."""

import concurrent.futures
import grp
import os
import signal
import time
import unittest

import engines
import harness
import weir as weir_module
from fault_engine import Container, FaultEngine
from weir import Weir, is_sanitized

DEADLINE_S = 2
# From the second scrape on nobody waits for an engine that does not answer.
PROMPT_S = 1.0
REASON_LIMIT_S = 8
RECOVERY_LIMIT_S = 35
SCRAPES = 4
WORKERS = 4
NOBODY = 65534
MEMORY = "container_memory_usage_bytes"
# More than a body limit worth the name, less than the body of 64 MiB.
PEAK_LIMIT_KIB = 40 * 1024

REASONS = {
    "hang": "timeout", "hang_after_header": "timeout", "slow": "timeout", "cut": "ended_early",
    "cut_chunked": "ended_early", "garbage": "malformed", "wrong_shape": "malformed", "not_http": "malformed",
    "500": "http_status", "huge": "too_large", "empty": "empty_answer",
}
# Faults there from the start, on the calls nothing works without.
AT_START = [("list", fault) for fault in REASONS] + [
    ("version", "hang"), ("version", "garbage"), ("version", "500"), ("inspect", "hang"),
    ("inspect", "cut"), ("inspect", "garbage"), ("stats", "hang")]
# Faults that come after a good round.
LATER = [("stats", fault) for fault in REASONS]
# Calls that help but are not needed: only the promises about time and recovery are looked at.
OPTIONAL = [("info", "hang"), ("info", "garbage"), ("info", "500"), ("events", "hang"), ("events", "garbage"),
            ("events", "500"), ("events", "cut_chunked"), ("ping", "hang"), ("ping", "500"), ("ping", "empty"),
            ("ping", "not_http")]


def log_count(weir, reason):
    """Log lines that give `reason`, as logfmt or JSON."""
    return len(weir.log_lines(rf'reason"?[=:]"?{reason}\b'))


def peak_memory_kib(weir):
    with open(f"/proc/{weir.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def whole(fake):
    """A condition: every container of the engine has its values and nothing is wrong."""
    def condition(page):
        return page.value("weir_engine_up") == 1 and len(page.all(MEMORY)) == len(fake.containers)
    return condition


class Case:
    """One fault from its beginning to the recovery."""

    def __init__(self, endpoint, fault, from_start):
        self.name = f"{fault} at {endpoint} {'from the start' if from_start else 'after a good round'}"
        self.endpoint, self.fault, self.from_start = endpoint, fault, from_start
        self.reason = REASONS.get(fault)

    def run(self, required=True):
        fake = FaultEngine([Container("web"), Container("db"), Container("cache")])
        if self.from_start:
            fake.fail(self.endpoint, self.fault)
        weir = Weir(f"--engine.host={fake.host}")
        if not self.from_start:
            weir.scrape_until(whole(fake), REASON_LIMIT_S, "a good round first")
            fake.fail(self.endpoint, self.fault)
            time.sleep(0.2)  # past the age at which a snapshot is given again
        try:
            self.during(weir, required)
            fake.heal()
            weir.scrape_until(whole(fake), RECOVERY_LIMIT_S, "values return", timeout_s=DEADLINE_S)
            weir.close()
        finally:
            weir.kill()
            fake.close()

    def during(self, weir, required):
        seconds = [weir.scrape(DEADLINE_S).seconds]
        for _ in range(SCRAPES):
            time.sleep(0.3)
            seconds.append(weir.scrape(DEADLINE_S).seconds)
        self.expect(max(seconds) < DEADLINE_S, f"a scrape took too long: {seconds}")
        self.expect(max(seconds[1:]) < PROMPT_S, f"a later scrape waited: {seconds}")
        if not required:
            return
        weir.scrape_until(lambda page: page.errors().get(self.reason, 0) > 0, REASON_LIMIT_S,
                          f"reason {self.reason} is counted")
        page = weir.scrape(DEADLINE_S)
        self.expect(page.value("weir_collector_success", collector="engine") == 0, "the collector calls it success")
        if self.endpoint in ("list", "version"):
            self.expect(page.value("weir_engine_up") == 0, f"weir_engine_up is {page.value('weir_engine_up')}")
        self.expect(page.all(MEMORY) == [], "values although the engine gives none")
        if not self.from_start:
            self.expect(page.state("web") == "running", "identity and state are kept")
        self.expect(log_count(weir, self.reason) == 1,
                    f"{self.reason} is logged {log_count(weir, self.reason)} times:\n{weir.log()}")
        if self.fault == "huge" and not is_sanitized():
            self.expect(peak_memory_kib(weir) < PEAK_LIMIT_KIB, f"{peak_memory_kib(weir)} KiB of memory")

    @staticmethod
    def expect(truth, what):
        if not truth:
            raise AssertionError(what)


class Scripted(unittest.TestCase):
    def run_cases(self, cases, required=True):
        weir_module.need_binary()
        failures = []
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            futures = {pool.submit(case.run, required): case for case in cases}
            for future in concurrent.futures.as_completed(futures):
                error = future.exception()
                if error is not None:
                    failures.append(f"{futures[future].name}: {error!r}")
        self.assertEqual(failures, [], "\n".join([""] + failures))

    def test_faults_from_the_start(self):
        self.run_cases([Case(endpoint, fault, True) for endpoint, fault in AT_START])

    def test_faults_after_a_good_round(self):
        self.run_cases([Case(endpoint, fault, False) for endpoint, fault in LATER])

    def test_faults_of_calls_that_are_not_needed(self):
        self.run_cases([Case(endpoint, fault, True) for endpoint, fault in OPTIONAL], required=False)

    def start(self, *containers, **options):
        fake = FaultEngine(containers, **options)
        self.addCleanup(fake.close)
        weir = Weir(f"--engine.host={fake.host}")
        self.addCleanup(weir.close)
        return fake, weir

    def test_one_container_hangs(self):
        containers = [Container(name) for name in ("one", "two", "stuck")]
        fake, weir = self.start(*containers)
        weir.scrape_until(whole(fake), REASON_LIMIT_S, "a good round first")
        fake.fail(f"stats:{containers[2].id}", "hang")
        time.sleep(0.2)
        self.assertLess(weir.scrape(DEADLINE_S).seconds, DEADLINE_S)
        for _ in range(SCRAPES):
            time.sleep(0.3)
            page = weir.scrape(DEADLINE_S)
            self.assertLess(page.seconds, PROMPT_S)
            self.assertEqual(page.value("weir_engine_up"), 1)
            self.assertIsNotNone(page.value(MEMORY, name="one"), "the others are read")
            self.assertIsNotNone(page.value(MEMORY, name="two"))
            self.assertIsNone(page.value(MEMORY, name="stuck"))
            self.assertEqual(page.state("stuck"), "running")
        weir.scrape_until(lambda p: p.errors().get("timeout", 0) > 0, REASON_LIMIT_S, "timeout is counted")
        self.assertEqual(fake.most_in_flight, 1)
        self.assertEqual(log_count(weir, "timeout"), 1, weir.log())
        fake.heal()
        weir.scrape_until(whole(fake), RECOVERY_LIMIT_S, "the stuck one is read again")

    def test_kept_connections_that_close_are_no_error(self):
        for fault in ("close_after", "close_kept"):
            fake = FaultEngine([Container("web"), Container("db")])
            fake.fail_all(fault)
            fake.faults.pop("events")
            weir = Weir(f"--engine.host={fake.host}", "--collect.max-age=0s")
            for _ in range(SCRAPES):
                page = weir.scrape(DEADLINE_S)
                self.assertEqual(len(page.all(MEMORY)), 2, fault)
            self.assertEqual(sum(page.errors().values()), 0, f"{fault}: {page.errors()}")
            weir.close()
            fake.close()

    def test_every_version_that_can_be_spoken(self):
        for api, minimum in (("1.24", "1.12"), ("1.41", "1.12"), ("1.52", "1.44"), ("1.99", "1.90")):
            fake = FaultEngine([Container("web")], api=api, min_api=minimum)
            weir = Weir(f"--engine.host={fake.host}")
            page = weir.scrape(10)
            self.assertEqual(len(page.all(MEMORY)), 1, f"API {minimum} to {api}: {page.errors()} {weir.log()}")
            weir.close()
            fake.close()

    def test_engine_replaced_by_one_that_refuses_the_old_version(self):
        fake, weir = self.start(Container("web"), api="1.41")
        weir.scrape_until(whole(fake), REASON_LIMIT_S, "a good round first")
        fake.deafen()
        fake.api, fake.min_api, fake.version = "1.99", "1.90", "99.0.1"
        weir.scrape(DEADLINE_S)
        fake.listen()
        weir.scrape_until(whole(fake), RECOVERY_LIMIT_S, "the new version is spoken")

    def test_sockets_one_cannot_use(self):
        """Absent, nobody listening: the reason, no waiting, and recovery when the engine comes."""
        for unlink, reason in ((True, "no_socket"), (False, "connection_refused")):
            fake = FaultEngine([Container("web")])
            fake.deafen(unlink=unlink)
            weir = Weir(f"--engine.host={fake.host}")
            for _ in range(SCRAPES):
                page = weir.scrape(DEADLINE_S)
                self.assertLess(page.seconds, PROMPT_S)
                self.assertEqual(page.value("weir_engine_up"), 0)
                self.assertGreater(page.errors().get(reason, 0), 0, page.errors())
                time.sleep(0.2)
            self.assertEqual(log_count(weir, reason), 1, weir.log())
            self.assertEqual(len(weir.log_lines(fake.path)) > 0, True, "the log names the socket")
            fake.listen()
            weir.scrape_until(whole(fake), RECOVERY_LIMIT_S, "the engine has come")
            weir.close()
            fake.close()

    def test_forbidden_socket(self):
        engines.need_root()
        engines.need_program("setpriv", "util-linux")
        group = next(g for g in grp.getgrall() if g.gr_gid not in (0, NOBODY))
        fake = FaultEngine([Container("web")])
        os.chown(fake.path, 0, group.gr_gid)
        os.chmod(fake.path, 0o660)
        weir = Weir(f"--engine.host={fake.host}", user=NOBODY)
        for _ in range(SCRAPES):
            page = weir.scrape(DEADLINE_S)
            self.assertLess(page.seconds, PROMPT_S)
            self.assertEqual(page.value("weir_engine_up"), 0)
            self.assertGreater(page.errors().get("permission_denied", 0), 0, page.errors())
        lines = weir.log_lines("permission_denied")
        self.assertEqual(len(lines), 1, weir.log())
        self.assertIn(group.gr_name, lines[0], "the line names the group that may")
        self.assertRegex(lines[0], "SupplementaryGroups=|usermod|--group-add")
        weir.close()
        # The same with the group works.
        weir = Weir(f"--engine.host={fake.host}", user=NOBODY, groups=str(group.gr_gid))
        self.assertEqual(weir.scrape(10).value("weir_engine_up"), 1)
        weir.close()
        fake.close()


class Real(unittest.TestCase):
    """dockerd itself killed and frozen."""

    @classmethod
    def setUpClass(cls):
        cls.engine = engines.docker_26(live_restore=True)
        cls.engine.run("keeper", "sh", "-c", "while :; do :; done", options=("--cpus", "0.1"))

    def setUp(self):
        self.weir = Weir(f"--engine.host={self.engine.host}")
        self.assert_percent()

    def tearDown(self):
        self.weir.close()

    def assert_percent(self):
        meter = self.engine.meter("keeper")
        self.weir.scrape()
        time.sleep(engines.TENTH_WINDOW_S)
        value = self.weir.scrape().value("weir_container_cpu_usage_percent", name="keeper")
        used = meter.percent()
        self.assertIsNotNone(value)
        self.assertAlmostEqual(value, used, delta=engines.tolerance(used))

    def away(self, reason):
        time.sleep(0.2)  # past the age at which a snapshot is given again
        for number in range(SCRAPES):
            page = self.weir.scrape(DEADLINE_S)
            self.assertLess(page.seconds, PROMPT_S if number else DEADLINE_S)
            self.assertIsNone(page.value(MEMORY, name="keeper"))
            self.assertEqual(page.state("keeper"), "running", "what is known is kept")
            time.sleep(0.3)
        page = self.weir.scrape_until(lambda p: p.errors().get(reason, 0) > 0, REASON_LIMIT_S, f"{reason} is counted")
        self.assertEqual(page.value("weir_engine_up"), 0)
        self.assertEqual(log_count(self.weir, reason), 1, self.weir.log())

    def back(self):
        self.weir.scrape_until(lambda p: p.value("weir_engine_up") == 1 and p.value(MEMORY, name="keeper"),
                               RECOVERY_LIMIT_S, "values return")
        self.assert_percent()

    def test_killed_and_started_again(self):
        self.engine.kill_daemon()
        self.away("connection_refused")
        self.engine.start_daemon()
        self.back()

    def test_frozen(self):
        os.kill(self.engine.daemon.pid, signal.SIGSTOP)
        try:
            self.away("timeout")
        finally:
            os.kill(self.engine.daemon.pid, signal.SIGCONT)
        self.back()


if __name__ == "__main__":
    harness.main(limit_s=230)
