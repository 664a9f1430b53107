"""The light order cgroup,engine: numbers from the kernel, names from the engine, which is left in peace.

First argument: the engine, 20.10 or 26.
"""

import os
import sys
import time
import unittest

import engines
import harness
import series
from proxy import RecordingProxy
from test_many import start_many
from weir import Weir

VERSION = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("20.10", "26") else "26"
COUNT = 20
ROUNDS = 20
PERIOD_S = 1.0  # also what a round costs in time with the engine of 20.10
# Of what the engine order costs the engine; its own idle life is in both.
MOST_OF_ENGINE_ORDER = 0.25
CPU = "container_cpu_usage_seconds_total"
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

engine = None


def setUpModule():
    global engine
    engine = engines.docker(VERSION)
    start_many(engine, COUNT)


def light_weir(host):
    return Weir(f"--engine.host={host}", "--collect.max-age=0s", tiers="cgroup,engine")


def names_to_ids():
    return {row["Names"][0].lstrip("/"): row["Id"] for row in engine.api("GET", "/containers/json")}


def engine_cpu_s():
    """What dockerd and containerd have used."""
    used = 0
    for process in (engine.daemon, engine.containerd):
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        used += int(fields[11]) + int(fields[12])
    return used / TICKS_A_SECOND


class Light(unittest.TestCase):
    def setUp(self):
        self.proxy = RecordingProxy(os.path.join(engine.directory, "proxy.sock"), engine.socket)

    def tearDown(self):
        self.proxy.close()

    def assert_whole(self, page, wanted):
        """Names from the engine, numbers from the kernel."""
        for name, container in wanted.items():
            samples = page.all(CPU, name=name)
            self.assertEqual(len(samples), 1, name)
            self.assertEqual(samples[0].labels["id"], f"{engine.group_parent}/{container}")
            self.assertEqual(samples[0].labels["image"], engines.IMAGE)
            self.assertEqual(page.state(name), "running")
            self.assertIsNotNone(page.value("container_start_time_seconds", name=name), name)
        tiers = series.tiers_of(page, set(wanted.values()))
        self.assertEqual(tiers, {container: "cgroup" for container in wanted.values()})
        self.assertEqual(sum(page.errors().values()), 0, page.errors())

    def test_engine_is_never_asked_for_numbers(self):
        weir = light_weir(self.proxy.host)
        wanted = names_to_ids()
        self.assertGreaterEqual(len(wanted), COUNT)
        for _ in range(5):
            self.assert_whole(weir.scrape(10), wanted)
        self.assertEqual(self.proxy.targets("/stats"), [], "no stats call at all, not in the first round either")
        self.assertTrue(self.proxy.targets("/events"), "the requests are seen")
        self.assertEqual(len(self.proxy.targets("/containers/json")), 1)
        self.assertLessEqual(len([t for t in self.proxy.targets("/containers/") if t.endswith("/json")]) - 1, len(wanted))
        # What follows costs the engine nothing while nothing changes.
        self.proxy.forget()
        for _ in range(10):
            self.assert_whole(weir.scrape(10), wanted)
        self.assertEqual(self.proxy.requests, [])
        weir.close()

    def test_new_container_is_right_in_the_next_scrape(self):
        weir = light_weir(self.proxy.host)
        weir.scrape(10)
        for number in range(5):
            name = f"new{number}"
            container = engine.run(name, "sleep", "100000", options=("--cpus", "0.5", "--memory", "64m"))
            page = weir.scrape(10)
            self.assert_whole(page, {name: container})
            self.assertEqual(page.value("container_spec_cpu_quota", name=name), 50000)
            self.assertEqual(page.value("container_spec_memory_limit_bytes", name=name), 64 << 20)
            self.assertIsNone(page.value("weir_container_cpu_usage_percent", name=name))
            engine.cli("rm", "--force", name)
            page = weir.scrape(10)
            self.assertEqual(page.state(name), "removed")
            self.assertFalse({"container_cpu_usage_seconds_total", "container_memory_usage_bytes"} & page.metrics_of(name))
        self.assertEqual(self.proxy.targets("/stats"), [])
        weir.close()

    def test_both_orders_name_everything_the_same(self):
        light, heavy = light_weir(self.proxy.host), Weir(f"--engine.host={engine.host}", tiers="engine,cgroup")
        ids = set(names_to_ids().values())
        pages = [weir.scrape_until(lambda page: len(page.all("weir_container_cpu_usage_percent")) >= len(ids), 10,
                                   "a second sample of each", timeout_s=10) for weir in (light, heavy)]
        keys = [{key for key in series.series_of(page, ids) if key[0] not in series.ABOUT_SOURCES} for page in pages]
        self.assertEqual(keys[0], keys[1])
        for weir in (light, heavy):
            weir.close()

    def test_costs_the_engine_a_fraction(self):
        costs = {}
        for tiers in ("engine", "engine,cgroup", "cgroup,engine"):
            weir = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s", tiers=tiers)
            weir.scrape(10)  # the first one inspects every container
            begin, next_round = engine_cpu_s(), time.monotonic()
            for _ in range(ROUNDS):
                weir.scrape(10)
                next_round += PERIOD_S
                time.sleep(max(0, next_round - time.monotonic()))
            costs[tiers] = engine_cpu_s() - begin
            weir.close()
        print(f"CPU of dockerd and containerd, {ROUNDS} rounds of {COUNT} containers:",
              ", ".join(f"{tiers} {cost:.2f} s" for tiers, cost in costs.items()))
        self.assertLess(costs["cgroup,engine"], MOST_OF_ENGINE_ORDER * costs["engine,cgroup"])


if __name__ == "__main__":
    harness.main(limit_s=230)
