"""The small machine with hybrid cgroups: controllers in v1 hierarchies, a v2 tree without any beside them. Control groups
as container engines make them, and every number weir gives held against the kernel's own files."""

import unittest

import host
import harness
import images
import kernel_files
from kernel_files import Brackets, Look, absent, hex_id, ids_of, state

MEBI = 1 << 20
GROUPS = {
    "idle": f"/docker/{hex_id('idle')}",
    "burn": f"/docker/{hex_id('burn')}",
    "hold": f"/system.slice/docker-{hex_id('hold')}.scope",
    "cache": f"/kubepods/burstable/pod0a1b2c3d-0a1b-2c3d-4e5f-001122334455/{hex_id('cache')}",
    "oom": f"/libpod_parent/libpod-{hex_id('oom')}",
    "tasks": f"/docker/{hex_id('tasks')}",
    "disk": f"/docker/{hex_id('disk')}",
    "own": f"/docker/{hex_id('own')}",
    "paused": f"/docker/{hex_id('paused')}",
    "split": f"/docker/{hex_id('split')}",
    "empty": f"/docker/{hex_id('empty')}",
    "swap": f"/docker/{hex_id('swap')}",
}
SPLIT_CPU = f"/elsewhere/{hex_id('split')}"
CONTAINERS = [name for name in GROUPS if name not in ("empty", "swap")]

MACHINE_SCRIPT = """
root=/sys/fs/cgroup
for controller in cpu,cpuacct memory blkio pids; do
    mkdir $root/$controller/one
done
mkdir $root/unified/one
cat $root/cpu/one/cpuacct.usage $root/memory/one/memory.usage_in_bytes $root/pids/one/pids.current >"$OUT/group"
ls $root/blkio/one >"$OUT/blkio"
cp $root/unified/cgroup.controllers "$OUT/controllers"
cat $root/unified/one/memory.pressure >"$OUT/group-pressure"
cat /proc/pressure/cpu >"$OUT/pressure"
cp /proc/self/cgroup "$OUT/own"
weir --version >"$OUT/version"
"""


def paths():
    """Shell that sets a variable for each group, and those of all that are looked at."""
    lines = [f"{name}='{path}'" for name, path in GROUPS.items()]
    all_groups = " ".join(path for name, path in GROUPS.items() if name != "swap")
    return "\n".join([*lines, f"split_cpu='{SPLIT_CPU}'", f"inner_id={hex_id('inner')}", f"groups='{all_groups}'", ""])


class SplitLook(Look):
    """A look that knows the container whose CPU controllers are elsewhere."""

    def of_group(self, group, name):
        elsewhere = group == GROUPS["split"] and name.startswith("cpu") and not name.endswith(".pressure")
        return super().of_group(SPLIT_CPU if elsewhere else group, name)


class Groups(unittest.TestCase):
    """One boot; each test looks at a part of what it left."""

    @classmethod
    def setUpClass(cls):
        files = {"groups.sh": images.guest_file("groups.sh"), "paths.sh": paths()}
        cls.result = host.SmallMachine("hybrid").run(images.guest_file("small_hybrid.sh").decode(), files=files,
                                                          limit_s=270)
        print(f"{cls.result.seconds:.1f} s")
        cls.pid = next(path.split("/")[2] for path in cls.look("first-before").files if path.endswith("/net/dev"))

    @classmethod
    def look(cls, name):
        return SplitLook(cls.result.text(name), hybrid=True)

    def triple(self, name):
        return self.look(f"{name}-before"), self.result.exposition(name), self.look(f"{name}-after")

    def page(self, name):
        return self.result.exposition(name)

    def test_every_metric_is_looked_at(self):
        self.assertEqual(kernel_files.known_everywhere(1), [])

    def test_every_value_is_the_kernels(self):
        for names in (("first", "second"), ("later", "later-again")):
            brackets = Brackets(self, [self.triple(name) for name in names])
            for name in CONTAINERS:
                checked = brackets.check(GROUPS[name], self.pid if name == "own" else None, block=name == "disk",
                                     zeros=False)
                self.assertGreater(checked, 30, name)

    def test_values_are_not_all_zero(self):
        """What the work must have left; the brackets would be content with zeros."""
        page = self.page("second")
        for name, metric, labels, least, most in (
                ("burn", "container_cpu_usage_seconds_total", {}, 0.5, 60),
                ("burn", "container_cpu_user_seconds_total", {}, 0.1, 60),
                ("burn", "container_cpu_cfs_throttled_periods_total", {}, 10, 1e4),
                ("burn", "container_cpu_cfs_throttled_seconds_total", {}, 1, 1e4),
                ("burn", "container_pressure_cpu_waiting_seconds_total", {}, 0.5, 1e3),
                ("burn", "container_spec_cpu_quota", {}, 20000, 20000),
                ("burn", "container_spec_cpu_period", {}, 100000, 100000),
                ("burn", "container_spec_cpu_shares", {}, 512, 512),
                ("hold", "container_spec_cpu_shares", {}, 1024, 1024),
                ("hold", "container_memory_rss", {}, 20 * MEBI, 24 * MEBI),
                ("hold", "container_memory_max_usage_bytes", {}, 20 * MEBI, 26 * MEBI),
                ("hold", "container_spec_memory_limit_bytes", {}, 64 * MEBI, 64 * MEBI),
                ("hold", "weir_container_memory_limit_bytes", {}, 64 * MEBI, 64 * MEBI),
                ("hold", "container_spec_memory_reservation_limit_bytes", {}, 8 * MEBI, 8 * MEBI),
                ("hold", "container_spec_memory_swap_limit_bytes", {}, 80 * MEBI, 80 * MEBI),
                ("idle", "container_spec_memory_limit_bytes", {}, 0, 0),
                ("idle", "container_spec_memory_reservation_limit_bytes", {}, 0, 0),
                ("idle", "container_spec_memory_swap_limit_bytes", {}, 0, 0),
                ("idle", "container_threads_max", {}, 0, 0),
                ("cache", "container_memory_failcnt", {}, 10, 1e6),
                ("cache", "container_memory_cache", {}, 1 * MEBI, 16 * MEBI),
                ("oom", "container_oom_events_total", {}, 1, 1),
                ("oom", "weir_container_memory_events_total", {"event": "oom_kill"}, 1, 1),
                ("tasks", "container_threads", {}, 2, 4),
                ("tasks", "container_threads_max", {}, 4, 4),
                ("tasks", "weir_container_pids_limit_hits_total", {}, 1, 100),
                ("split", "container_cpu_usage_seconds_total", {}, 1e-3, 60),
                ("own", "container_network_transmit_packets_total", {"interface": "dummy0"}, 1, 100)):
            value = page.value(metric, id=GROUPS[name], **labels)
            self.assertTrue(value is not None and least <= value <= most, f"{name} {metric} {labels}: {value}")
        faults = {scope: page.value("container_memory_failures_total", id=GROUPS["disk"], failure_type="pgfault", scope=scope)
                  for scope in ("container", "hierarchy")}
        self.assertGreater(faults["hierarchy"], faults["container"] + 10 * MEBI / 4096 - 1)

    def test_limits_later(self):
        page = self.page("later")
        self.assertIsNone(page.value("container_spec_cpu_quota", id=GROUPS["burn"]))
        self.assertIsNone(page.value("container_cpu_cfs_periods_total", id=GROUPS["burn"]))
        self.assertEqual(page.value("container_spec_memory_limit_bytes", id=GROUPS["hold"]), 96 * MEBI)

    def test_block_io(self):
        """Every byte went directly to the disk, half of them from a group within."""
        page = self.page("first")
        for metric, value in (("container_fs_writes_bytes_total", 2 * MEBI), ("container_fs_reads_bytes_total", MEBI),
                              ("container_fs_writes_total", 32), ("container_fs_reads_total", 64)):
            self.assertEqual(page.value(metric, id=GROUPS["disk"], device="/dev/vdb"), value, metric)
        usage = {s.labels["operation"]: s.value for s in page.all("container_blkio_device_usage_total", id=GROUPS["disk"])}
        # What the kernel says 0 of may not be counted: this one counts only what a limit asks about.
        self.assertEqual(usage, {"Read": MEBI, "Write": 2 * MEBI, "Sync": 3 * MEBI, "Total": 3 * MEBI})

    def test_no_accounting(self):
        """The kernel says 0 of what was read: no zero is given for it."""
        self.assertIn("Total 0", self.result.text("uncounted-kernel").splitlines())
        page = self.page("uncounted")
        self.assertEqual(absent(page, GROUPS["idle"]), {"network": "host_network", "diskIO": "accounting_off"})
        self.assertEqual([s for s in page.samples if s.name in kernel_files.BLOCK and s.labels["id"] == GROUPS["idle"]], [])

    def test_accounting_of_another_group(self):
        """The kernel counts one container, but not those that read the same disk without a limit."""
        page = self.page("first")
        for name in ("idle", "cache"):
            with self.subTest(name):
                shown = [s for s in page.samples if s.name in kernel_files.BLOCK and s.labels["id"] == GROUPS[name]]
                self.assertEqual(shown, [])
                self.assertEqual(absent(page, GROUPS[name]).get("diskIO"), "accounting_off")

    def test_who_is_shown(self):
        shown = ids_of(self.page("first")) - {GROUPS["empty"]}
        self.assertEqual(shown, {GROUPS[name] for name in CONTAINERS} | {"/"})

    def test_group_without_processes(self):
        self.assertNotIn(GROUPS["empty"], ids_of(self.page("first")))

    def test_states(self):
        for page, paused in (("first", {"paused"}), ("second", {"paused"}), ("soon", set())):
            for name in CONTAINERS:
                self.assertEqual(state(self.page(page), GROUPS[name]), ["paused" if name in paused else "running"], name)

    def test_tier_and_mode(self):
        page = self.page("first")
        self.assertEqual([s.labels for s in page.all("weir_cgroup_info")], [{"mode": "hybrid"}])
        self.assertEqual({s.labels["tier"] for s in page.all("weir_container_tier")}, {"cgroup"})
        self.assertEqual((page.value("weir_collector_success", collector="cgroup"), page.errors()), (1, {}))

    def test_what_is_absent(self):
        page = self.page("first")
        for name in CONTAINERS:
            wanted = {} if name == "own" else {"network": "host_network"}
            if name == "split":
                wanted["pressure"] = "no_pressure"
            given = absent(page, GROUPS[name])
            given.pop("diskIO", None)  # has tests of its own
            self.assertEqual(given, wanted, name)

    def test_swap(self):
        """And with --cgroup.max-fds=0: every file is opened in every round."""
        triples = [self.triple("swap"), self.triple("swap-again")]
        Brackets(self, triples).check(GROUPS["swap"], block=False)
        page = triples[0][1]
        self.assertGreater(page.value("container_memory_swap", id=GROUPS["swap"]), 10 * MEBI)
        self.assertGreater(page.value("container_pressure_memory_waiting_seconds_total", id=GROUPS["swap"]), 0)
        self.assertEqual(page.value("weir_cgroup_kept_files"), 0)

    def test_check(self):
        lines = self.result.text("check").splitlines()
        self.assertEqual([line for line in lines if not line.startswith(("ok ", "warn "))], [])
        self.assertTrue(any("hybrid" in line for line in lines), lines)


class SmallHybrid(unittest.TestCase):
    """The machine itself."""

    def test_machine(self):
        result = host.SmallMachine("hybrid").run(MACHINE_SCRIPT)
        print(f"{result.seconds:.1f} s")
        self.assertEqual(result.text("group").split()[0::2], ["0", "0"])
        self.assertIn("blkio.throttle.io_service_bytes", result.text("blkio").split())
        self.assertFalse({"cpu", "io", "memory", "pids"} & set(result.text("controllers").split()))
        self.assertIn("some avg10=", result.text("group-pressure"))
        self.assertIn("some avg10=", result.text("pressure"))
        hierarchies = {line.split(":")[1] for line in result.text("own").splitlines()}
        self.assertLessEqual({"", "cpu,cpuacct", "memory", "blkio", "pids", "name=systemd"}, hierarchies)
        self.assertTrue(result.text("version").startswith("weir "), result.text("version"))


if __name__ == "__main__":
    harness.main(limit_s=440)
