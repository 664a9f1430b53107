"""The same container measured by the engine and from the kernel's files at the same moment.

Every value that base/metric_list.h lets both give must be the same. First argument: the engine, 20.10 or 26.
"""

import sys
import time
import unittest

import engines
import harness
import series
from weir import Weir

VERSION = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("20.10", "26") else "26"
MEBI = 1 << 20
WORK_LIMIT_S = 60
# A value that moved while three pages were read may have been anything in between: it is read again.
ATTEMPTS = 8
UPDATE_LIMIT_S = 15
SLEEP = ("sleep", "100000")
BURN = ("sh", "-c", "while :; do :; done")

engine = by_engine = by_kernel = None
version = 0
ids = {}  # id -> name


def run(name, *command, options=()):
    ids[engine.run(name, *command, options=options)] = name


def wait_for_work(name):
    harness.wait_for(lambda: "done" in engine.cli("exec", name, "ls", "/tmp", check=False), WORK_LIMIT_S,
                     f"container {name} has done its work", pause_s=0.3)


def run_containers():
    disk = engines.disk_of(engine.directory)
    # Without a limit on the disk the kernel may count no block I/O at all.
    run("writer", "sh", "-c", "dd if=/dev/zero of=/data/x bs=1M count=20 oflag=direct; touch /tmp/done; exec sleep 100000",
        options=("--volume", "work:/data", "--device-write-bps", f"{disk}:1tb"))
    run("burn", *BURN, options=("--cpus", "0.1", "--label", "com.docker.compose.project=shop",
                                "--label", "com.docker.compose.service=basket"))
    run("memory", "sh", "-c",
        "dd if=/dev/zero of=/dev/shm/x bs=1M count=20; touch /tmp/done; dd if=/dev/zero bs=50M count=1 | sleep 100000",
        options=("--memory", "200m", "--memory-reservation", "150m"))
    # Page cache is given up at the limit: the limit is hit again and again and nobody is killed.
    run("full", "sh", "-c", "dd if=/dev/zero of=/data/x bs=1M count=60; touch /tmp/done; exec sleep 100000",
        options=("--memory", "20m", "--memory-swap", "40m", "--volume", "full:/data"))
    run("sender", *engines.SENDER)
    run("sink", *engines.receiver(engine.address("sender")))
    run("tasks", "sh", "-c", "for i in 1 2 3 4 5; do sleep 100000 & done; wait", options=("--pids-limit", "50"))
    run("shares", *SLEEP, options=("--cpu-shares", "512", "--cpu-period", "50000", "--cpu-quota", "20000"))
    run("host", *SLEEP, options=("--network", "host"))
    run("none", *SLEEP, options=("--network", "none"))
    run("joined", *SLEEP, options=("--network", "container:sender"))
    run("paused", *BURN, options=("--cpus", "0.2"))
    for _ in range(3):
        engine.cli("exec", "--detach", "tasks", *SLEEP)
    for name in ("writer", "memory", "full", "sink"):
        wait_for_work(name)
    engine.settle_network("sender", "sink")
    engine.cli("pause", "paused")


def setUpModule():
    global engine, by_engine, by_kernel, version
    engine = engines.docker(VERSION, cgroup_parent=VERSION == "26")
    version = int(engine.api("GET", "/info").get("CgroupVersion", "1"))
    run_containers()
    by_engine = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s")
    by_kernel = kernel_weir()
    for page in (by_engine.scrape(10), by_kernel.scrape(10)):  # the first ones ask who everybody is
        for name in ids.values():
            if page.state(name) is None:
                raise AssertionError(f"{name} is not on the first page: {by_engine.log()} {by_kernel.log()}")


def kernel_weir(*flags):
    """weir without any engine; who is who is in Docker's files."""
    return Weir(f"--path.docker-root={engine.directory}/data", f"--path.docker-exec-root={engine.directory}/exec",
                "--collect.max-age=0s", *flags, tiers="cgroup")


def tearDownModule():
    for weir in (by_engine, by_kernel):
        if weir:
            weir.close()


def told(wrong):
    """One line for each value that is not what it should be."""
    return "kernel, engine, kernel (None: absent)" + "".join(
        f"\n{name} of {labels.get('name')} {labels.get('interface') or labels.get('failure_type') or ''}: {three}"
        for name, labels, three in ((key[0], dict(key[1]), wrong[key]) for key in sorted(wrong)))


def three_pages():
    return by_kernel.scrape(), by_engine.scrape(), by_kernel.scrape()


class Tiers(unittest.TestCase):
    def disagreements(self, metrics, values):
        """What the engine's value is not between those of the kernel before and after it: key -> the three."""
        before, middle, after = values
        wrong = {}
        for key in set(before) | set(middle) | set(after):
            three = before.get(key), middle.get(key), after.get(key)
            if None in three:
                wrong[key] = three
                continue
            counter = any(m.is_counter() and m.fits(key[0], dict(key[1])) for m in metrics)
            low, high = (three[0], three[2]) if counter else (min(three[0], three[2]), max(three[0], three[2]))
            if not low <= three[1] <= high:
                wrong[key] = three
        return wrong

    def test_every_common_value_is_the_same(self):
        metrics = series.common_metrics(version)
        self.assertGreater(len(metrics), 25, "the metric list is read")
        seen, wrong = set(), None
        for _ in range(ATTEMPTS):
            values = [series.series_of(page, ids, metrics) for page in three_pages()]
            now = self.disagreements(metrics, values)
            # A counter that is wrong once is wrong. A gauge may have been somewhere else for a moment.
            for key, three in now.items():
                if None not in three and any(m.is_counter() and m.fits(key[0], dict(key[1])) for m in metrics):
                    self.fail(f"{key}: kernel, engine, kernel: {three}")
            wrong = now if wrong is None else {key: now[key] for key in wrong if key in now}
            seen |= set(values[1])
            if not wrong:
                break
        if wrong:
            self.fail(told(wrong))
        for metric in metrics:
            self.assertTrue(any(metric.fits(key[0], dict(key[1])) for key in seen),
                            f"no container of this test has {metric.name} {metric.labels}: add one that does")

    def test_values_are_not_all_zero(self):
        """What the work must have left; the comparison above would be content with zeros."""
        page = by_engine.scrape()
        for name, metric, least in (
                ("burn", "container_cpu_usage_seconds_total", 0.1),
                ("burn", "container_cpu_user_seconds_total", 0.1),
                ("burn", "container_cpu_cfs_throttled_seconds_total", 0.5),
                ("shares", "container_cpu_cfs_periods_total", 1),
                ("paused", "container_cpu_usage_seconds_total", 0.01),
                ("memory", "container_memory_rss", 50 * MEBI),
                ("memory", "container_memory_cache", 20 * MEBI),
                ("full", "container_memory_max_usage_bytes", 19 * MEBI),
                ("sender", "container_network_transmit_bytes_total", engines.SENT_BYTES),
                ("sink", "container_network_receive_packets_total", 100),
                ("tasks", "container_threads", 9)):
            self.assertGreaterEqual(page.value(metric, name=name) or 0, least, f"{name} {metric}")
        if version == 1:
            self.assertGreater(page.value("container_memory_failcnt", name="full"), 0)

    def test_summary_is_the_same(self):
        """Values derived from what both give, and the percentage of one second ago."""
        names = ("weir_container_memory_usage_bytes", "weir_container_memory_limit_bytes",
                 "weir_container_network_receive_bytes_total", "weir_container_network_transmit_bytes_total",
                 "weir_container_state")
        wrong = None
        for _ in range(ATTEMPTS):
            values = [{key: value for key, value in series.series_of(page, ids).items() if key[0] in names}
                      for page in three_pages()]
            now = self.disagreements([m for m in series.metric_list() if m.name in names], values)
            wrong = now if wrong is None else {key: now[key] for key in wrong if key in now}
            if not wrong:
                break
        if wrong:
            self.fail(told(wrong))
        self.assertEqual({key[0] for key in values[1]}, set(names))
        time.sleep(1.2)
        by_kernel.scrape(), by_engine.scrape()
        meter = engine.meter("burn")
        time.sleep(engines.TENTH_WINDOW_S)
        pages = by_kernel.scrape(), by_engine.scrape()
        used = meter.percent()
        for page in pages:
            self.assertAlmostEqual(page.value("weir_container_cpu_usage_percent", name="burn"), used,
                                   delta=engines.tolerance(used))

    def test_labels_are_the_same(self):
        """Id, name, image, Compose's labels, and when it was made and started."""
        kernel, engines_word, _ = three_pages()
        for container, name in ids.items():
            labels = []
            for page in (engines_word, kernel):
                samples = page.all("container_memory_usage_bytes", name=name)
                self.assertEqual(len(samples), 1, name)
                labels.append(samples[0].labels)
            self.assertEqual(labels[0], labels[1])
            self.assertEqual(labels[0]["id"], f"{engine.group_parent}/{container}")
            for metric in ("container_creation_time_seconds", "container_start_time_seconds"):
                self.assertIsNotNone(engines_word.value(metric, name=name))
                self.assertEqual(kernel.value(metric, name=name), engines_word.value(metric, name=name), (name, metric))

    def test_reasons_are_the_same(self):
        """Why a container has no network of its own."""
        kernel, engines_word, _ = three_pages()
        for name, reason in (("host", "host_network"), ("none", "no_network"), ("joined", "shared_network")):
            for page in (kernel, engines_word):
                self.assertEqual([s.labels["reason"] for s in page.all("weir_container_absent", name=name, group="network")],
                                 [reason], name)
                self.assertEqual(page.all("container_network_receive_bytes_total", name=name), [])

    def test_states_are_the_same(self):
        for page in three_pages():
            self.assertEqual(page.state("paused"), "paused")
            self.assertEqual(page.state("burn"), "running")

    def test_limits_that_change(self):
        run("changed", *SLEEP, options=("--cpus", "0.3", "--memory", "64m"))
        wanted = {"container_spec_cpu_quota": 50000, "container_spec_memory_limit_bytes": 128 * MEBI,
                  "container_spec_memory_swap_limit_bytes": 256 * MEBI, "weir_container_memory_limit_bytes": 128 * MEBI,
                  "container_threads_max": 40, "container_spec_cpu_shares": 256}
        if version == 2:
            wanted["container_spec_memory_swap_limit_bytes"] = 128 * MEBI
            wanted.pop("container_spec_cpu_shares")
        for weir in (by_engine, by_kernel):
            weir.scrape_until(lambda p: p.value("container_spec_cpu_quota", name="changed") == 30000, UPDATE_LIMIT_S,
                              "the new container is there")
        engine.cli("update", "--cpus", "0.5", "--memory", "128m", "--memory-swap", "256m", "--pids-limit", "40",
                   "--cpu-shares", "256", "changed")
        for weir in (by_engine, by_kernel):
            begin = time.monotonic()
            weir.scrape_until(
                lambda p: all(p.value(metric, name="changed") == value for metric, value in wanted.items()),
                UPDATE_LIMIT_S, f"{wanted}")
            print(f"changed limits are shown after {time.monotonic() - begin:.1f} s")
        engine.cli("rm", "--force", "changed")
        for container in [key for key, name in ids.items() if name == "changed"]:
            del ids[container]


class BlockIo(unittest.TestCase):
    """On cgroup v1 the engine's counters leave out nested groups: only the kernel's files give block I/O."""

    METRICS = ("container_fs_writes_bytes_total", "container_fs_writes_total", "container_blkio_device_usage_total",
               "weir_container_block_write_bytes_total")

    def setUp(self):
        if version != 1:
            self.skipTest("only cgroup v1 differs")

    def test_engine_alone_says_why_not(self):
        page = by_engine.scrape()
        for metric in self.METRICS:
            self.assertEqual(page.all(metric), [])
        for name in ids.values():
            reasons = [s.labels["reason"] for s in page.all("weir_container_absent", name=name, group="diskIO")]
            self.assertEqual(reasons, ["not_given"], name)

    def test_both_tiers_give_it_in_either_order(self):
        for tiers in ("engine,cgroup", "cgroup,engine"):
            weir = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s", tiers=tiers)
            page = weir.scrape(10)
            written = page.value("weir_container_block_write_bytes_total", name="writer")
            self.assertIsNotNone(written, tiers)
            self.assertTrue(20 * MEBI <= written < 21 * MEBI, written)
            device = engines.disk_of(engine.directory)
            self.assertEqual(page.value("container_fs_writes_bytes_total", name="writer", device=device), written)
            self.assertGreaterEqual(page.value("container_fs_writes_total", name="writer", device=device), 20)
            self.assertEqual(page.all("weir_container_absent", name="writer", group="diskIO"), [])
            tier = tiers.split(",", maxsplit=1)[0]
            self.assertEqual(page.value("weir_container_tier", name="writer", tier=tier), 1)
            weir.close()


if __name__ == "__main__":
    harness.main(limit_s=230)
