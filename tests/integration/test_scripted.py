"""What a real engine does not do on demand: restarts, odd answers, and percentages that are known exactly."""

import time
import unittest

from fault_engine import HOST_CPUS, Container, FaultEngine
import harness
from weir import Weir, is_sanitized

SAMPLE_PERIOD_S = 1.3
# Samples closer together than 150 ms are not kept as baselines.
SPACING_S = 0.2
PERCENT = "weir_container_cpu_usage_percent"
MEMORY = "container_memory_usage_bytes"
# Events get lost; the engine's list is asked again at least this often.
RECONCILE_LIMIT_S = 65
CONCURRENCY = 16


class Scripted(unittest.TestCase):
    def start(self, *containers, **options):
        self.fake = FaultEngine(containers, **options)
        self.weir = Weir(f"--engine.host={self.fake.host}", "--collect.max-age=0s")
        self.addCleanup(self.fake.close)
        self.addCleanup(self.weir.close)

    def percent(self, name):
        value = self.weir.scrape().value(PERCENT, name=name)
        if value is not None:
            self.assertTrue(0 <= value <= 100 * HOST_CPUS * 1.05, value)
        return value

    def test_percent_is_the_rate_and_not_the_life(self):
        self.start(Container("busy", cpu_rate=0.4, cpu_before_s=5000), Container("three", cpu_rate=3))
        self.assertIsNone(self.percent("busy"))
        for pause in (1.2, 1.6, 3):
            time.sleep(pause)
            page = self.weir.scrape()
            self.assertAlmostEqual(page.value(PERCENT, name="busy"), 40, delta=1)
            self.assertAlmostEqual(page.value(PERCENT, name="three"), 300, delta=6)

    def test_baseline_is_at_least_a_second_old(self):
        """Scrapes in quick succession use an older baseline instead of a fresh one."""
        self.start(Container("busy", cpu_rate=0.5))
        begin = time.monotonic()
        while time.monotonic() - begin < 4:
            value = self.percent("busy")
            age = time.monotonic() - begin
            if age < 0.9:
                self.assertIsNone(value)
            elif age > 1.6:
                self.assertAlmostEqual(value, 50, delta=1.5)
            time.sleep(0.2)

    def restarted(self, cpu_before_s, event):
        busy = Container("busy", cpu_rate=0.5, cpu_before_s=50)
        self.start(busy)
        self.percent("busy")
        time.sleep(SAMPLE_PERIOD_S)
        self.assertAlmostEqual(self.percent("busy"), 50, delta=1.5)
        busy.restart(cpu_before_s)
        if event:
            for action in ("kill", "die", "stop", "start", "restart"):
                self.fake.emit(busy, action)
        self.assertIsNone(self.percent("busy"), "a percentage across a restart")
        time.sleep(SAMPLE_PERIOD_S)
        self.assertAlmostEqual(self.percent("busy"), 50, delta=1.5)

    def test_restart_with_a_lower_counter(self):
        self.restarted(0.2, event=True)

    def test_restart_with_a_higher_counter(self):
        self.restarted(54, event=True)

    def test_restart_with_a_lower_counter_and_no_event(self):
        self.restarted(0.2, event=False)

    def test_empty_answer_keeps_the_baseline(self):
        """Case 17: one invalid answer is an error of this round, and the next percentage is no lifetime."""
        busy = Container("busy", cpu_rate=0.5, cpu_before_s=5000)
        self.start(busy)
        self.percent("busy")
        time.sleep(SAMPLE_PERIOD_S)
        self.assertAlmostEqual(self.percent("busy"), 50, delta=1.5)
        busy.empty_stats = True
        page = self.weir.scrape()
        self.assertIsNone(page.value(PERCENT, name="busy"))
        self.assertIsNone(page.value("container_cpu_usage_seconds_total", name="busy"))
        self.assertEqual(page.state("busy"), "running")
        self.assertGreater(sum(page.errors().values()), 0)
        busy.empty_stats = False
        time.sleep(SAMPLE_PERIOD_S)
        self.assertAlmostEqual(self.percent("busy"), 50, delta=1.5)

    def test_paused_is_zero(self):
        busy = Container("busy", cpu_rate=0.5)
        self.start(busy)
        self.percent("busy")
        busy.set_cpu_rate(0)
        busy.state = "paused"
        self.fake.emit(busy, "pause")
        time.sleep(SPACING_S)
        self.weir.scrape()
        time.sleep(SAMPLE_PERIOD_S)
        page = self.weir.scrape()
        self.assertEqual(page.state("busy"), "paused")
        self.assertAlmostEqual(page.value(PERCENT, name="busy"), 0, delta=0.001)
        self.assertEqual(page.value("container_memory_rss", name="busy"), busy.memory["rss"])

    def test_impossible_percentage_is_not_given(self):
        busy = Container("busy", cpu_rate=0.5)
        self.start(busy)
        self.percent("busy")
        time.sleep(SAMPLE_PERIOD_S)
        busy.cpu_base_ns += 10**12  # a thousand seconds in a second
        page = self.weir.scrape()
        self.assertIsNone(page.value(PERCENT, name="busy"))
        self.assertEqual(page.value("weir_cpu_percent_out_of_range_total"), 1)

    def test_values_of_the_engine(self):
        web = Container("web")
        self.start(web)
        page = self.weir.scrape()
        memory = web.memory
        for metric, value in {
                "container_memory_usage_bytes": memory["usage"],
                "container_memory_working_set_bytes": memory["usage"] - memory["inactive_file"],
                "weir_container_memory_usage_bytes": memory["usage"] - memory["inactive_file"],
                "container_memory_rss": memory["rss"],
                "weir_container_network_receive_bytes_total": web.rx,
                "weir_container_network_transmit_bytes_total": web.tx,
                "container_threads": 3}.items():
            self.assertEqual(page.value(metric, name="web"), value, metric)
        # The engine never fills its error counters: weir does not pass its zeros on.
        self.assertEqual(page.all("container_network_receive_errors_total"), [])
        # Nor its block I/O on cgroup v1, which leaves out what nested groups do.
        self.assertEqual(page.all("weir_container_block_read_bytes_total"), [])
        self.assertEqual(page.value("weir_container_absent", name="web", group="diskIO", reason="not_given"), 1)

    def test_only_reads_are_asked(self):
        containers = [Container(f"c{i}") for i in range(20)]
        self.start(*containers)
        for _ in range(3):
            self.weir.scrape()
        self.assertLessEqual({method for _, method, _ in self.fake.requests}, {"GET", "HEAD"})
        self.assertEqual(self.fake.most_in_flight, 1, "calls under way for one container")
        targets = " ".join(target for _, _, target in self.fake.requests)
        for expensive in ("size=1", "size=true", "/top", "/system/df", "/logs"):
            self.assertNotIn(expensive, targets)
        self.assertEqual(len(self.fake.targets("inspect")), len(containers), "one inspect a start, not a round")

    def test_calls_at_once(self):
        """Bounded where answers come at once; all of them where an answer waits for the engine's next second."""
        for version, most in (("25.0.3", CONCURRENCY), ("20.10.24+dfsg1", 40), ("24.0.6", 40), ("24.0.7", CONCURRENCY)):
            self.start(*[Container(f"c{i}") for i in range(40)], version=version, gather=most)
            page = self.weir.scrape(10)
            self.assertEqual(len(page.all(MEMORY)), 40, page.errors())
            # Two more may count what the engine has beside containers.
            self.assertIn(self.fake.most_at_once, range(most, most + 3), version)

    def test_containers_that_come_and_go(self):
        first, second = Container("first"), Container("second")
        self.start(first)
        self.assertEqual(len(self.weir.scrape().all(MEMORY)), 1)
        self.fake.add(second)
        time.sleep(SPACING_S)
        self.assertEqual(len(self.weir.scrape().all(MEMORY)), 2)
        self.fake.remove(first)
        time.sleep(SPACING_S)
        page = self.weir.scrape()
        self.assertEqual(len(page.all(MEMORY)), 1)
        self.assertEqual(page.state("first"), "removed")
        self.assertNotIn(MEMORY, page.metrics_of("first"))

    def test_events_that_were_lost_are_made_good(self):
        first, second = Container("first"), Container("second")
        self.start(first)
        self.weir.scrape()
        del self.fake.containers[first.id]
        self.fake.containers[second.id] = second
        self.weir.scrape_until(lambda page: page.state("second") and page.state("first") == "removed", RECONCILE_LIMIT_S,
                               "the list is asked again")

    def test_list_is_asked_again_when_the_connection_of_the_events_ends(self):
        second = Container("second")
        self.start(Container("first"))
        self.weir.scrape()
        self.fake.containers[second.id] = second
        self.fake.cut_connections()
        self.weir.scrape_until(lambda page: page.state("second"), 10, "the list is asked again")

    def test_two_engines(self):
        one, two = FaultEngine([Container("one")]), FaultEngine([Container("two")])
        self.addCleanup(one.close)
        self.addCleanup(two.close)
        weir = Weir(f"--engine.host={one.host}", f"--engine.host={two.host}", "--collect.max-age=0s")
        self.addCleanup(weir.close)
        page = weir.scrape()
        self.assertEqual({s.labels["name"] for s in page.all(MEMORY)}, {"one", "two"})
        one.fail_all("hang")
        one.cut_connections()
        weir.scrape(2)
        for _ in range(3):
            page = weir.scrape(2)
            self.assertLess(page.seconds, 1)
            self.assertEqual({s.labels["name"] for s in page.all(MEMORY)}, {"two"})
            self.assertEqual(page.value("weir_engine_up", engine=one.host), 0)
            self.assertEqual(page.value("weir_engine_up", engine=two.host), 1)

    def test_descriptors_and_memory_do_not_grow(self):
        self.start(Container("stays"))
        sizes = []
        for turn in range(60):
            visitor = Container(f"visitor{turn}")
            self.fake.add(visitor)
            self.weir.scrape()
            self.fake.remove(visitor)
            page = self.weir.scrape()
            sizes.append((page.value("process_open_fds"), page.value("process_resident_memory_bytes")))
        self.assertLessEqual(sizes[-1][0], sizes[10][0] + 2, "descriptors")
        if not is_sanitized():  # a sanitizer keeps what was freed
            self.assertLess(sizes[-1][1], sizes[10][1] + 2 * (1 << 20), "memory")


if __name__ == "__main__":
    harness.main(limit_s=150)
