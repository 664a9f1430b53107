"""Podman's compatible API, whose answers differ from Docker's in ways that change numbers."""

import time
import unittest

import engines
import harness
from weir import Weir

MEBI = 1 << 20
WORK_LIMIT_S = 60
PERCENT = "weir_container_cpu_usage_percent"

engine = weir = None
ids = {}


def setUpModule():
    global engine, weir
    engine = engines.Podman().start()
    ids["busy"] = engine.run("busy", "sh", "-c", "while :; do :; done")
    ids["tenth"] = engine.run("tenth", "sh", "-c", "while :; do :; done", options=("--cpus", "0.1"))
    ids["ended"] = engine.run("ended", "true")
    engine.run("sender", *engines.SENDER, options=("--label", "com.docker.compose.service=basket"))
    networks = engine.inspect("sender")["NetworkSettings"]
    address = networks.get("IPAddress") or next(iter(networks["Networks"].values()))["IPAddress"]
    engine.run("sink", *engines.receiver(address))
    weir = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s")
    harness.wait_for(lambda: "done" in engine.cli("exec", "sink", "ls", "/tmp", check=False), WORK_LIMIT_S,
                     "everything is received", pause_s=0.3)


def tearDownModule():
    if weir:
        weir.close()


class Podman(unittest.TestCase):
    def test_product(self):
        page = weir.scrape()
        labels = page.all("weir_engine_info")[0].labels
        self.assertEqual(labels["product"].lower(), "podman")
        self.assertEqual(labels["version"], engine.api("GET", "/version")["Version"])
        self.assertEqual(page.value("weir_engine_up"), 1)

    def test_identity(self):
        labels = weir.scrape().all("container_memory_usage_bytes", name="sender")[0].labels
        self.assertEqual(labels["container_label_com_docker_compose_service"], "basket")
        self.assertTrue(labels["image"].endswith(engines.IMAGE), labels["image"])
        pid = engine.inspect("busy")["State"]["Pid"]
        with open(f"/proc/{pid}/cgroup", encoding="ascii") as file:
            paths = {line.rstrip("\n").split(":", 2)[2] for line in file}
        labels = weir.scrape().all("container_memory_usage_bytes", name="busy")[0].labels
        self.assertIn(labels["id"], paths, "id is where the kernel has it")
        self.assertIn(ids["busy"], labels["id"])

    def test_one_busy_loop_is_one_cpu(self):
        """Against the kernel's own counter, whatever else the machine does meanwhile."""
        pid = engine.inspect("busy")["State"]["Pid"]
        weir.scrape()
        for _ in range(3):
            meter, tenth = engine.meter("busy"), engine.meter("tenth")
            low = engines.cpu_used_s(pid)
            first = weir.scrape().value("container_cpu_usage_seconds_total", name="busy")
            high = engines.cpu_used_s(pid)
            self.assertTrue(low - 0.01 <= first <= high + 0.01, (low, first, high))
            time.sleep(engines.TENTH_WINDOW_S)
            page = weir.scrape()
            used, used_of_tenth = meter.percent(), tenth.percent()
            percent = page.value(PERCENT, name="busy")
            # Other work takes from a busy loop; the wrong formula doubles it on two CPUs.
            self.assertAlmostEqual(percent, used, delta=max(5, 0.2 * used))
            self.assertLess(percent, 103)
            self.assertAlmostEqual(page.value(PERCENT, name="tenth"), used_of_tenth,
                                   delta=engines.tolerance(used_of_tenth))

    def test_directions_of_the_network(self):
        sent = engines.SENT_BYTES
        page = weir.scrape()
        values = {(name, way): page.value(f"weir_container_network_{way}_bytes_total", name=name)
                  for name in ("sender", "sink") for way in ("receive", "transmit")}
        for key in (("sender", "transmit"), ("sink", "receive")):
            self.assertTrue(sent <= values[key] < sent * 1.06 + 10000, values)
        for key in (("sender", "receive"), ("sink", "transmit")):
            self.assertLess(values[key], sent * 0.1, values)

    def test_stopped(self):
        page = weir.scrape()
        self.assertEqual(page.state("ended"), "exited")
        self.assertFalse(page.metrics_of("ended") & {"container_cpu_usage_seconds_total", "container_memory_usage_bytes", PERCENT})
        self.assertEqual(page.value("weir_container_exit_code", name="ended"), 0)
        self.assertEqual(page.value("weir_collector_success", collector="engine"), 1, page.errors())
        self.assertEqual(sum(page.errors().values()), 0, page.errors())

    def test_memory(self):
        page = weir.scrape()
        usage = page.value("container_memory_usage_bytes", name="busy")
        self.assertTrue(0 < usage < 50 * MEBI, usage)
        # There is no memory.stat in the answer: what needs it is absent, not guessed.
        self.assertIsNone(page.value("container_memory_rss", name="busy"))

    def test_goes_and_comes(self):
        name = "visitor"
        engine.run(name, "sleep", "100000")
        weir.scrape_until(lambda page: page.state(name) == "running", 35, "the new container")
        engine.cli("rm", "--force", "--time", "0", name)
        page = weir.scrape_until(lambda page: page.state(name) == "removed", 35, "it is gone")
        self.assertNotIn("container_memory_usage_bytes", page.metrics_of(name))


if __name__ == "__main__":
    harness.main()
