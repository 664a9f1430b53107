"""Containers that stop, pause, restart, change their name and go away.

First argument: the engine, 20.10 or 26.
"""

import os
import sys
import time
import unittest

import engines
import harness
from weir import Weir

VERSION = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("20.10", "26") else "26"
SAMPLE_PERIOD_S = 1.3
# Samples closer together than 150 ms are not kept as baselines.
SPACING_S = 0.2
# The engine answers a command a moment before or after it sends the event: within this a page must know of it.
EVENT_LIMIT_S = 5
# What a container that is not live has none of.
NUMBERS = {"container_cpu_usage_seconds_total", "container_memory_usage_bytes", "weir_container_cpu_usage_percent",
           "container_network_receive_bytes_total", "container_start_time_seconds", "container_threads"}
BUSY = ("sh", "-c", "while :; do :; done")
PERCENT = "weir_container_cpu_usage_percent"

engine = None


def setUpModule():
    global engine
    engine = engines.docker(VERSION)


class Lifecycle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name in ("stopped", "paused", "restarted", "renamed", "removed"):
            engine.run(name, *BUSY, options=("--cpus", "0.1"))
        # Every scrape a round of its own: these scrapes come faster than the bucket of rounds fills.
        cls.weir = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s")

    @classmethod
    def tearDownClass(cls):
        cls.weir.close()

    def setUp(self):
        self.percent_limit = 100 * os.cpu_count() * 1.05

    def page_when(self, condition, what):
        """The first page that knows of a change; those before it must be possible too."""
        def look():
            page = self.weir.scrape()
            self.percents(page)
            return [page] if condition(page) else None
        return harness.wait_for(look, EVENT_LIMIT_S, what)[0]

    def page_of_state(self, name, state):
        return self.page_when(lambda page: page.state(name) == state, f"{name} is {state}")

    def percents(self, page):
        """Every percentage of the page is possible; name -> percent."""
        found = {sample.labels["name"]: sample.value for sample in page.all(PERCENT)}
        for name, value in found.items():
            self.assertTrue(0 <= value <= self.percent_limit, f"{name}: {value}")
        return found

    def assert_percent(self, name):
        """A percentage from a baseline made now, beside the kernel's own counter."""
        time.sleep(SPACING_S)
        meter = engine.meter(name)
        self.weir.scrape()
        time.sleep(engines.TENTH_WINDOW_S)
        value = self.percents(self.weir.scrape()).get(name)
        used = meter.percent()
        self.assertIsNotNone(value)
        self.assertAlmostEqual(value, used, delta=engines.tolerance(used))

    def test_stopped(self):
        self.assert_percent("stopped")
        engine.cli("stop", "--time", "0", "stopped")
        page = self.page_of_state("stopped", "exited")
        self.assertEqual(page.metrics_of("stopped") & NUMBERS, set())
        engine.cli("start", "stopped")
        page = self.page_of_state("stopped", "running")
        self.assertNotIn("stopped", self.percents(page))
        self.assertLess(page.value("container_cpu_usage_seconds_total", name="stopped"), 5)
        self.assert_percent("stopped")

    def test_paused(self):
        self.assert_percent("paused")
        engine.cli("pause", "paused")
        self.page_of_state("paused", "paused")
        time.sleep(SPACING_S)
        self.weir.scrape()
        time.sleep(SAMPLE_PERIOD_S)
        page = self.weir.scrape()
        self.assertEqual(page.state("paused"), "paused")
        self.assertAlmostEqual(page.value(PERCENT, name="paused"), 0, delta=0.001)
        self.assertGreater(page.value("container_memory_usage_bytes", name="paused"), 0)
        self.assertGreater(page.value("container_cpu_usage_seconds_total", name="paused"), 0)
        engine.cli("unpause", "paused")
        self.page_of_state("paused", "running")
        self.assert_percent("paused")

    def test_restarted_twice_between_two_scrapes(self):
        self.assert_percent("restarted")
        for _ in range(2):
            since = time.time()
            engine.cli("restart", "--time", "0", "restarted")
        page = self.page_when(lambda page: (page.value("container_start_time_seconds", name="restarted") or 0) >= since,
                              "the second restart")
        self.assertEqual(page.state("restarted"), "running")
        self.assertNotIn("restarted", self.percents(page), "a percentage right after a restart")
        started = page.value("container_start_time_seconds", name="restarted")
        self.assertAlmostEqual(started, time.time(), delta=20)
        self.assert_percent("restarted")

    def test_renamed(self):
        self.weir.scrape()
        engine.cli("rename", "renamed", "another")
        page = self.page_of_state("another", "running")
        self.assertIsNone(page.state("renamed"))
        self.assertEqual(page.metrics_of("renamed"), set())
        samples = page.all("container_memory_usage_bytes", name="another")
        self.assertEqual(len(samples), 1)
        same = page.all("container_memory_usage_bytes", id=samples[0].labels["id"])
        self.assertEqual(len(same), 1, "one series for one container")
        self.assert_percent("another")

    def test_removed(self):
        self.weir.scrape()
        engine.cli("rm", "--force", "removed")
        page = self.page_of_state("removed", "removed")
        self.assertEqual(page.metrics_of("removed") & NUMBERS, set())

    def test_added_is_there_at_the_next_scrape(self):
        self.weir.scrape()
        engine.run("added", "sleep", "100000")
        page = self.page_of_state("added", "running")
        self.assertIsNotNone(page.value("container_memory_usage_bytes", name="added"))
        self.assertIsNone(page.value(PERCENT, name="added"))

    def test_created_only(self):
        engine.cli("create", "--name", "created", engines.IMAGE, "sleep", "1")
        page = self.page_of_state("created", "created")
        self.assertEqual(page.metrics_of("created") & NUMBERS, set())


if __name__ == "__main__":
    harness.main()
