"""What happens to a container and how that is told: states, exit codes, OOM kills, health, restarts, names, and what is left.

First argument: the engine, 20.10 or 26. Prints how long each event took to be seen.
"""

import signal
import sys
import time
import unittest

import engines
import harness
from harness import wait_for
from weir import Weir

VERSION = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("20.10", "26") else "26"
# A second is what is promised of the event, which the engine sends a moment after its command ended or before;
# a busy machine gets more. What was seen is printed.
EVENT_LIMIT_S = 8
SLEEP = ("sleep", "100000")
EATER = ("sh", "-c", "x=a; while :; do x=$x$x; done")  # runs out of memory within a second
PROJECT = ("--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=web")
LABELS = {"container_label_com_docker_compose_project": "shop", "container_label_com_docker_compose_service": "web"}
# Families of a container that does not run.
LIFE = {"weir_container_state", "weir_container_exit_code", "weir_container_oom_killed", "weir_container_info",
        "weir_container_created_time_seconds", "weir_container_finished_time_seconds", "weir_container_restarts_total"}

engine = None
delays = {}


def setUpModule():
    global engine
    engine = engines.docker(VERSION)


def tearDownModule():
    print("seen after (s): " + ", ".join(f"{what} {seconds:.2f}" for what, seconds in delays.items()))


def turn(verb, name):
    """Pauses or unpauses a container; the state it is in then. The engine refuses where its word of the turn before, which
    comes by an event of its own, has overtaken this one."""
    try:
        engine.api("POST", f"/containers/{name}/{verb}")
    except RuntimeError as error:
        if "paused" not in str(error):
            raise
    return engine.inspect(name)["State"]["Status"]


class Life(unittest.TestCase):
    def setUp(self):
        self.weir = self.start()
        self.weir.scrape()

    def tearDown(self):
        self.weir.close()

    def start(self, *flags, tiers="engine,cgroup"):
        return Weir(f"--engine.host={engine.host}", "--collect.max-age=0s", *flags, tiers=tiers)

    def seen(self, what, condition, weir=None):
        """The first page for which `condition` holds, and how long it took from now."""
        begin = time.monotonic()
        page = (weir or self.weir).scrape_until(condition, EVENT_LIMIT_S, what, pause_s=0.02)
        delays[what] = time.monotonic() - begin
        return page

    def ended(self, what, name, code, state="exited"):
        page = self.seen(what, lambda page: page.state(name) == state
                         and page.value("weir_container_exit_code", name=name) is not None)
        self.assertEqual(page.value("weir_container_exit_code", name=name), code)
        return page

    def restarts(self, page, name):
        return page.value("weir_container_restarts_total", name=name)

    def test_start_stop_and_again(self):
        before = time.time()
        engine.run("web", *SLEEP, options=PROJECT)
        page = self.seen("start", lambda page: page.state("web") == "running")
        running = page.all("container_memory_usage_bytes", name="web")[0].labels
        self.assertEqual({key: running[key] for key in LABELS}, LABELS)
        self.assertIsNone(page.value("weir_container_exit_code", name="web"))
        self.assertAlmostEqual(page.value("weir_container_created_time_seconds", name="web"), before, delta=20)
        engine.cli("stop", "--time", "0", "web")
        page = self.ended("stop", "web", 137)
        stopped = page.all("weir_container_exit_code", name="web")[0].labels
        self.assertEqual(stopped, running, "the same labels, running and stopped")
        self.assertEqual(page.value("weir_container_oom_killed", name="web"), 0)
        self.assertAlmostEqual(page.value("weir_container_finished_time_seconds", name="web"), time.time(), delta=20)
        families = page.metrics_of("web")
        self.assertLessEqual(LIFE, families)
        self.assertEqual(families - LIFE, {"container_last_seen", "container_oom_events_total"},
                         "its resource series end, container_last_seen stays")
        # Still there after weir's own restart, with the same labels.
        frozen = page.value("container_last_seen", name="web")
        self.weir.close()
        self.weir = self.start()
        page = self.ended("stopped, after weir's restart", "web", 137)
        self.assertEqual(page.all("weir_container_exit_code", name="web")[0].labels, running)
        self.assertAlmostEqual(page.value("container_last_seen", name="web"), frozen, delta=20)
        engine.cli("start", "web")
        page = self.seen("start again", lambda page: page.state("web") == "running")
        self.assertIsNone(page.value("weir_container_exit_code", name="web"))
        engine.cli("rm", "--force", "web")

    def test_exit_code_and_kill(self):
        engine.run("job", "sh", "-c", "exit 3")
        self.ended("exit", "job", 3)
        engine.run("killed", *SLEEP)
        self.seen("killed runs", lambda page: page.state("killed") == "running")
        engine.cli("kill", "--signal", "KILL", "killed")
        self.ended("kill", "killed", 137)
        engine.cli("rm", "job", "killed")

    def test_removed_at_once(self):
        """docker run --rm: who ended it and how is told by events alone."""
        engine.run("fleeting", "sh", "-c", "sleep 1; exit 4", options=("--rm", *PROJECT))
        self.seen("fleeting runs", lambda page: page.state("fleeting") == "running")
        page = self.ended("removed by itself", "fleeting", 4, state="removed")
        labels = page.all("weir_container_exit_code", name="fleeting")[0].labels
        self.assertEqual({key: labels[key] for key in LABELS}, LABELS)

    def test_removed(self):
        engine.run("gone", *SLEEP)
        self.seen("gone runs", lambda page: page.state("gone") == "running")
        engine.cli("rm", "--force", "gone")
        page = self.seen("remove", lambda page: page.state("gone") == "removed")
        self.assertEqual(page.metrics_of("gone") & {"container_memory_usage_bytes", "container_cpu_usage_seconds_total"}, set())
        self.assertIsNotNone(page.value("container_last_seen", name="gone"))
        # Nothing lingers longer than it was told to.
        brief = self.start("--container.linger=1s")
        engine.run("brief", *SLEEP)
        self.seen("brief runs", lambda page: page.state("brief") == "running", brief)
        engine.cli("rm", "--force", "brief")
        self.seen("nothing left", lambda page: page.metrics_of("brief") == set(), brief)
        brief.close()

    def test_keep_stopped(self):
        brief = self.start("--container.keep-stopped=1s", "--container.linger=0s")
        engine.run("kept", "true")
        self.ended("kept", "kept", 0)
        self.seen("not kept", lambda page: page.metrics_of("kept") == set(), brief)
        self.assertEqual(self.weir.scrape().state("kept"), "exited")
        brief.close()
        engine.cli("rm", "kept")

    def test_oom(self):
        engine.run("eater", *EATER, options=("--memory", "24m", "--memory-swap", "24m"))
        page = self.seen("OOM", lambda page: page.value("weir_container_oom_killed", name="eater") == 1
                         and page.state("eater") == "exited")
        self.assertEqual(page.value("weir_container_exit_code", name="eater"), 137)
        self.assertEqual(page.value("container_oom_events_total", name="eater"), 1)
        engine.cli("start", "eater")
        page = self.seen("second OOM", lambda page: page.value("container_oom_events_total", name="eater") == 2)
        engine.cli("rm", "--force", "eater")
        page = self.seen("OOM kills of one removed", lambda page: page.state("eater") == "removed")
        self.assertEqual(page.value("container_oom_events_total", name="eater"), 2)

    def test_oom_of_runs_that_nobody_saw(self):
        """A restart policy faster than the scrapes: every run counts."""
        engine.run("spike", *EATER, options=("--memory", "24m", "--memory-swap", "24m", "--restart", "on-failure:3"))
        harness.wait_for(lambda: engine.inspect("spike")["RestartCount"] == 3 and not engine.inspect("spike")["State"]["Running"],
                         60, "it was restarted three times")
        page = self.seen("four OOM kills", lambda page: page.state("spike") == "exited")
        self.assertEqual(page.value("container_oom_events_total", name="spike"), 4)
        engine.cli("rm", "spike")

    def test_not_started(self):
        engine.cli("run", "--detach", "--name", "missing", engines.IMAGE, "/no/such/program", check=False)
        page = self.seen("not started", lambda page: page.state("missing") == "created")
        self.assertEqual(page.value("weir_container_exit_code", name="missing"), 127)
        engine.cli("rm", "missing")

    def test_health(self):
        options = ("--health-cmd", "test ! -e /tmp/ill", "--health-interval", "500ms", "--health-retries", "1")
        engine.run("patient", *SLEEP, options=options)
        page = self.seen("healthy", lambda page: page.value("weir_container_health_state", name="patient", state="healthy") == 1)
        self.assertEqual(page.value("container_health_state", name="patient"), 1)
        self.assertEqual(page.value("weir_container_health_failing_streak", name="patient"), 0)
        self.assertEqual(len(page.all("weir_container_health_state", name="patient")), 1)
        engine.cli("exec", "patient", "touch", "/tmp/ill")
        page = self.seen("unhealthy", lambda page: page.value("weir_container_health_state", name="patient", state="unhealthy") == 1)
        self.assertEqual(page.value("container_health_state", name="patient"), 0)
        self.assertGreaterEqual(page.value("weir_container_health_failing_streak", name="patient"), 1)
        engine.run("unchecked", *SLEEP)
        page = self.seen("no health check", lambda page: page.value("weir_container_health_state", name="unchecked", state="none") == 1)
        self.assertEqual(page.value("container_health_state", name="unchecked"), -1)
        self.assertIsNone(page.value("weir_container_health_failing_streak", name="unchecked"))
        engine.cli("rm", "--force", "patient", "unchecked")

    def test_restart_loop(self):
        engine.run("loop", "sh", "-c", "exit 1", options=("--restart", "on-failure:3"))
        page = self.seen("three restarts", lambda page: self.restarts(page, "loop") == 3 and page.state("loop") == "exited")
        self.assertEqual(page.value("weir_container_exit_code", name="loop"), 1)
        engine.cli("rm", "loop")

    def test_pause_and_rename(self):
        engine.run("before", *SLEEP)
        self.seen("before runs", lambda page: page.state("before") == "running")
        engine.cli("pause", "before")
        self.seen("pause", lambda page: page.state("before") == "paused")
        engine.cli("unpause", "before")
        self.seen("unpause", lambda page: page.state("before") == "running")
        engine.cli("rename", "before", "after")
        page = self.seen("rename", lambda page: page.state("after") == "running")
        self.assertEqual(page.metrics_of("before"), set())
        engine.cli("rm", "--force", "after")

    def test_info(self):
        engine.run("informed", *SLEEP, options=("--publish", "127.0.0.1:18080:80", "--volume", "/data", "--tmpfs", "/scratch"))
        page = self.seen("info", lambda page: page.all("weir_container_info", name="informed"))
        labels = page.all("weir_container_info", name="informed")[0].labels
        facts = engine.inspect("informed")
        self.assertEqual(labels["image_id"], facts["Image"])
        self.assertEqual(labels["ports"], "80/tcp->127.0.0.1:18080")
        self.assertIn("volume:/data", labels["mounts"])
        self.assertIn(labels["network_mode"], ("bridge", "default"))
        self.assertEqual(page.value("weir_container_info", name="informed"), 1)
        engine.cli("rm", "--force", "--volumes", "informed")


class Lost(unittest.TestCase):
    """The event stream is lost and comes back: what happened meanwhile is told all the same, and no counter falls."""

    def counters(self, page):
        kinds = {sample.name: family.type for family in page.families.values() for sample in family.samples}
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in page.samples
                if kinds[s.name] == "counter" and s.name.startswith(("weir_", "container_oom"))}

    def assert_grown(self, before, after):
        for key, value in before.items():
            self.assertGreaterEqual(after.get(key, value), value, key)

    def test_overflow(self):
        """More events than the engine keeps, and more than weir reads while it is stopped."""
        weir = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s", tiers="engine,cgroup")
        engine.run("changed", *SLEEP)
        page = weir.scrape_until(lambda page: page.state("changed") == "running", EVENT_LIMIT_S, "changed runs")
        before = self.counters(page)
        weir.process.send_signal(signal.SIGSTOP)
        try:
            for _ in range(150):  # two events each, and the ring holds 256
                turn("pause", "changed")
                turn("unpause", "changed")
            wait_for(lambda: turn("unpause", "changed") == "running", EVENT_LIMIT_S, "it runs again", pause_s=0.05)
            engine.cli("stop", "--time", "0", "changed")
        finally:
            weir.process.send_signal(signal.SIGCONT)
        page = weir.scrape_until(lambda page: page.state("changed") == "exited", EVENT_LIMIT_S, "it stopped")
        self.assertEqual(page.value("weir_container_exit_code", name="changed"), 137)
        self.assert_grown(before, self.counters(page))
        engine.cli("rm", "changed")
        weir.close()

    def test_engine_restart(self):
        weir = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s", tiers="engine,cgroup")
        engine.run("stays", "sh", "-c", "sleep 1; exit 5")
        engine.run("eater", *EATER, options=("--memory", "24m", "--memory-swap", "24m"))
        page = weir.scrape_until(lambda page: page.value("container_oom_events_total", name="eater") == 1
                                 and page.value("weir_container_exit_code", name="stays") == 5, EVENT_LIMIT_S, "they ended")
        before = self.counters(page)
        self.assertTrue(any(name == "weir_engine_events_total" for name, _ in before))
        engine.kill_daemon()
        self.assert_grown(before, self.counters(weir.scrape()))
        engine.start_daemon()
        engine.cli("rm", "stays")
        engine.run("new", "sh", "-c", "exit 6")
        page = weir.scrape_until(lambda page: page.value("weir_container_exit_code", name="new") == 6
                                 and page.value("weir_engine_up") == 1, 30, "the engine is back")
        self.assertNotEqual(page.state("stays"), "exited", "removed while nobody told")
        self.assertEqual(page.value("container_oom_events_total", name="eater"), 1)
        self.assert_grown(before, self.counters(page))
        engine.cli("rm", "new", "eater")
        weir.close()


if __name__ == "__main__":
    harness.main(limit_s=280)
