"""Numbers of containers that do known work, held against that work and against `docker stats`.

First argument: the engine, 20.10 or 26.
"""

import math
import re
import sys
import time
import unittest

import engines
import harness
from weir import Weir

VERSION = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("20.10", "26") else "26"
MEBI = 1 << 20
WORK_LIMIT_S = 60
CPU_SAMPLES = 5
# Baselines are at least a second old; a little more gives every scrape a new one.
SAMPLE_PERIOD_S = 1.3
BINARY_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
DECIMAL_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

engine = weir = None
both = None  # a weir with the kernel's files beside the engine: block I/O on cgroup v1 comes from there
ids = {}


def wait_for_work(name):
    harness.wait_for(lambda: "done" in engine.cli("exec", name, "ls", "/tmp", check=False), WORK_LIMIT_S,
                     f"container {name} has done its work", pause_s=0.3)


def setUpModule():
    global engine, weir, both
    engine = engines.docker(VERSION, cgroup_parent=VERSION == "26")
    disk = engines.disk_of(engine.directory)
    # Without a limit on the disk the kernel may count no block I/O at all.
    engine.run("throttle", "sleep", "100000", options=("--device-write-bps", f"{disk}:1tb"))
    ids["burn"] = engine.run("burn", "sh", "-c", "while :; do :; done", options=("--cpus", "0.1"))
    # dd reads the whole block into anonymous memory, then waits for a reader that never comes; /dev/shm is page cache.
    ids["memory"] = engine.run(
        "memory", "sh", "-c",
        "dd if=/dev/zero of=/dev/shm/x bs=1M count=20; dd if=/dev/zero bs=50M count=1 | sleep 100000",
        options=("--memory", "200m"))
    ids["sender"] = engine.run("sender", *engines.SENDER)
    ids["sink"] = engine.run("sink", *engines.receiver(engine.address("sender")))
    ids["writer"] = engine.run(
        "writer", "sh", "-c", "dd if=/dev/zero of=/data/x bs=1M count=20 oflag=direct; touch /tmp/done; exec sleep 100000",
        options=("--volume", "work:/data", "--pids-limit", "50"))
    ids["composed"] = engine.run("composed", "sleep", "100000", options=(
        "--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=basket",
        "--label", "com.example.secret=not exported"))
    weir = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s")
    both = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s", tiers="engine,cgroup")
    for name in ("sink", "writer"):
        wait_for_work(name)
    engine.settle_network("sender", "sink")


def tearDownModule():
    for started in (weir, both):
        if started:
            started.close()


def printed_range(text, units, digits):
    """What a value may have been that was printed as `text` with so many significant digits."""
    match = re.fullmatch(r"([0-9.e+]+)([A-Za-z]+)", text.strip())
    value, unit = float(match.group(1)), units[match.group(2)]
    if value == 0:
        return 0, 0.5 * unit
    step = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    return (value - step / 2) * unit, (value + step / 2) * unit


class Values(unittest.TestCase):
    def assert_printed(self, value, text, units, digits, slack=0):
        low, high = printed_range(text, units, digits)
        self.assertIsNotNone(value)
        self.assertTrue(low - slack - 1 <= value <= high + slack + 1, f"{value} is not {text} ({low} to {high})")

    def test_cpu_percent_of_a_tenth(self):
        first = Weir(f"--engine.host={engine.host}")
        self.assertIsNone(first.scrape().value("weir_container_cpu_usage_percent", name="burn"),
                          "a percentage before there is a baseline")
        first.close()
        weir.scrape()
        counters = []
        for _ in range(CPU_SAMPLES):
            meter = engine.meter("burn")
            time.sleep(engines.TENTH_WINDOW_S)
            page = weir.scrape()
            used = meter.percent()
            value = page.value("weir_container_cpu_usage_percent", name="burn")
            self.assertIsNotNone(value)
            # 10 +- 1 where the machine lets the container have its tenth.
            self.assertAlmostEqual(value, used, delta=engines.tolerance(used))
            self.assertLess(value, 11)
            counters.append(page.value("container_cpu_usage_seconds_total", name="burn"))
        self.assertEqual(counters, sorted(counters))
        self.assertLessEqual(counters[-1], engines.cpu_used_s(engine.inspect("burn")["State"]["Pid"]))

    def test_cpu_of_idle_container_is_nearly_zero(self):
        weir.scrape()
        time.sleep(SAMPLE_PERIOD_S)
        self.assertLess(weir.scrape().value("weir_container_cpu_usage_percent", name="composed"), 1)

    def test_quota(self):
        page = weir.scrape()
        self.assertEqual(page.value("container_spec_cpu_period", name="burn"), 100000)
        self.assertEqual(page.value("container_spec_cpu_quota", name="burn"), 10000)
        self.assertIsNone(page.value("container_spec_cpu_quota", name="memory"))
        self.assertGreater(page.value("container_cpu_cfs_throttled_periods_total", name="burn"), 10)
        self.assertGreater(page.value("container_cpu_cfs_throttled_seconds_total", name="burn"), 1)
        user = page.value("container_cpu_user_seconds_total", name="burn")
        system = page.value("container_cpu_system_seconds_total", name="burn")
        total = page.value("container_cpu_usage_seconds_total", name="burn")
        self.assertAlmostEqual(user + system, total, delta=max(0.1, total * 0.05))

    def test_memory(self):
        page = weir.scrape_until(
            lambda p: (p.value("container_memory_rss", name="memory") or 0) > 50 * MEBI, WORK_LIMIT_S,
            "50 MiB are allocated")
        rss = page.value("container_memory_rss", name="memory")
        cache = page.value("container_memory_cache", name="memory")
        working_set = page.value("container_memory_working_set_bytes", name="memory")
        usage = page.value("container_memory_usage_bytes", name="memory")
        inactive = page.value("container_memory_total_inactive_file_bytes", name="memory")
        self.assertTrue(50 * MEBI <= rss < 52 * MEBI, rss)
        self.assertTrue(20 * MEBI <= cache < 22 * MEBI, cache)
        self.assertTrue(rss + cache <= usage < rss + cache + 6 * MEBI, (rss, cache, usage))
        self.assertEqual(working_set, usage - inactive)
        self.assertEqual(page.value("weir_container_memory_usage_bytes", name="memory"), working_set)
        self.assertEqual(page.value("container_spec_memory_limit_bytes", name="memory"), 200 * MEBI)
        self.assertEqual(page.value("weir_container_memory_limit_bytes", name="memory"), 200 * MEBI)
        self.assertEqual(page.value("container_spec_memory_limit_bytes", name="burn"), 0)
        with open("/proc/meminfo", encoding="ascii") as file:
            host = int(file.readline().split()[1]) * 1024
        self.assertEqual(page.value("weir_container_memory_limit_bytes", name="burn"), host)

    def test_network(self):
        page = weir.scrape()
        sent, received = engines.SENT_BYTES, page.value("weir_container_network_receive_bytes_total", name="sink")
        transmitted = page.value("weir_container_network_transmit_bytes_total", name="sender")
        # Headers: at most one of 66 bytes for each 1448 bytes, and less with large segments.
        for value in (transmitted, received):
            self.assertTrue(sent <= value < sent * 1.06 + 10000, value)
        self.assertLess(page.value("weir_container_network_receive_bytes_total", name="sender"), sent * 0.1)
        self.assertLess(page.value("weir_container_network_transmit_bytes_total", name="sink"), sent * 0.1)
        self.assertEqual(page.value("container_network_transmit_bytes_total", name="sender", interface="eth0"),
                         transmitted)
        self.assertGreater(page.value("container_network_transmit_packets_total", name="sender"), 100)

    def test_block_io(self):
        page = both.scrape()
        written = 20 * MEBI
        value = page.value("weir_container_block_write_bytes_total", name="writer")
        self.assertIsNotNone(value, "no block I/O")
        self.assertTrue(written <= value < written + MEBI, value)
        device = engines.disk_of(engine.directory)
        self.assertEqual(page.value("container_fs_writes_bytes_total", name="writer", device=device), value)
        self.assertEqual(page.value("container_blkio_device_usage_total", name="writer", operation="Write"), value)
        self.assertGreaterEqual(page.value("container_fs_writes_total", name="writer", device=device), 20)

    def test_pids(self):
        page = weir.scrape()
        self.assertEqual(page.value("container_threads", name="writer"), 1)
        self.assertEqual(page.value("container_threads_max", name="writer"), 50)
        self.assertEqual(page.value("container_threads_max", name="burn"), 0)
        self.assertEqual(page.value("container_threads", name="memory"), 3)

    def test_identity(self):
        page = weir.scrape()
        for name, container in ids.items():
            sample = page.all("container_memory_usage_bytes", name=name)
            self.assertEqual(len(sample), 1, name)
            labels = sample[0].labels
            self.assertEqual(labels["id"], f"{engine.group_parent}/{container}")
            self.assertEqual(labels["image"], engines.IMAGE)
        labels = page.all("container_memory_usage_bytes", name="composed")[0].labels
        self.assertEqual(labels["container_label_com_docker_compose_project"], "shop")
        self.assertEqual(labels["container_label_com_docker_compose_service"], "basket")
        self.assertNotIn("not exported", page.text)
        base = {key: labels[key] for key in labels if key.startswith("container_label_")}
        for sample in page.samples:  # the same labels on every series of the container
            if sample.labels.get("name") == "composed":
                self.assertEqual({k: v for k, v in sample.labels.items() if k.startswith("container_label_")}, base,
                                 sample.name)
                self.assertEqual(sample.labels["id"], labels["id"])

    def test_times_and_state(self):
        page = weir.scrape()
        now = time.time()
        for name in ids:
            self.assertEqual(page.state(name), "running")
            self.assertEqual(page.value("weir_container_tier", name=name, tier="engine"), 1)
            started = page.value("container_start_time_seconds", name=name)
            created = page.value("container_creation_time_seconds", name=name)
            self.assertTrue(now - 600 < created <= started <= now, (created, started, now))
            self.assertAlmostEqual(page.value("container_last_seen", name=name), now, delta=3)
        self.assertEqual(page.value("weir_engine_up"), 1)
        self.assertEqual(page.value("weir_collector_success", collector="engine"), 1)
        info = page.all("weir_engine_info")[0].labels
        self.assertTrue(info["version"].startswith(VERSION), info)
        self.assertEqual(page.value("weir_engine_containers", state="running"), len(engine.cli("ps", "-q").split()))

    def test_summary_agrees_with_docker_stats(self):
        # What moves between the two readings (an ARP, a freed page) would be no error of either: try a few times.
        for attempt in range(3):
            weir.scrape()
            printed = engine.stats()
            page, with_block_io = weir.scrape(), both.scrape()
            try:
                for name in ("burn", "memory", "sender", "sink", "writer", "composed"):
                    self.compare(page, name, printed[name])
                    self.compare_block_io(with_block_io, name, printed[name]["BlockIO"])
                return
            except AssertionError:
                if attempt == 2:
                    raise

    def compare(self, page, name, row):
        def value(metric):
            return page.value(f"weir_container_{metric}", name=name)

        printed_percent = float(row["CPUPerc"].rstrip("%"))
        self.assertAlmostEqual(value("cpu_usage_percent"), printed_percent,
                               delta=1.5 if printed_percent < 1 else engines.tolerance(printed_percent) + 0.5)
        usage, limit = row["MemUsage"].split(" / ")
        page_size = 64 * 4096  # the kernel counts memory in batches per CPU
        self.assert_printed(value("memory_usage_bytes"), usage, BINARY_UNITS, 4, slack=page_size)
        self.assert_printed(value("memory_limit_bytes"), limit, BINARY_UNITS, 4)
        received, sent = row["NetIO"].split(" / ")
        self.assert_printed(value("network_receive_bytes_total"), received, DECIMAL_UNITS, 3)
        self.assert_printed(value("network_transmit_bytes_total"), sent, DECIMAL_UNITS, 3)

    def compare_block_io(self, page, name, printed):
        # The containers here have no nested groups, whose I/O the engine of cgroup v1 would leave out.
        for direction, text in zip(("read", "write"), printed.split(" / ")):
            # Without any I/O the engine prints 0 where weir may say nothing.
            value = page.value(f"weir_container_block_{direction}_bytes_total", name=name) or 0
            self.assert_printed(value, text, DECIMAL_UNITS, 3)


if __name__ == "__main__":
    harness.main()
