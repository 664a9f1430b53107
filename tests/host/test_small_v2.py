"""The small machine with cgroup v2: control groups as container engines make them, with real processes in them, and
every number weir gives held against the kernel's own files."""

import unittest

import host
import harness
import images
import kernel_files
from kernel_files import Brackets, Look, absent, hex_id, ids_of, state

MEBI = 1 << 20
POD = "0a1b2c3d-0a1b-2c3d-4e5f-001122334455"
SLICE = f"kubepods-burstable-pod{POD.replace('-', '_')}.slice"
KUBEPODS = f"/kubepods.slice/kubepods-burstable.slice/{SLICE}"
GROUPS = {
    "burn": f"/docker/{hex_id('burn')}",
    "bursty": f"/system.slice/docker-{hex_id('bursty')}.scope",
    "hold": f"{KUBEPODS}/cri-containerd-{hex_id('hold')}.scope",
    "high": f"/machine.slice/libpod-{hex_id('high')}.scope",
    "cache": f"/kubepods/besteffort/pod{POD}/{hex_id('cache')}",
    "outer": f"/docker/{hex_id('outer')}",
    "oom": f"/default/{hex_id('oom')}",
    "tasks": f"/docker/{hex_id('tasks')}",
    "disk": f"/docker/{hex_id('disk')}",
    "own": f"/docker/{hex_id('own')}",
    "lonely": f"{KUBEPODS}/crio-{hex_id('lonely')}.scope",
    "none": f"/docker/{hex_id('none')}",
    "host": f"/docker/{hex_id('host')}",
    "joined": f"/docker/{hex_id('joined')}",
    "late": f"/docker/{hex_id('late')}",
    "again": f"/docker/{hex_id('again')}",
    "dind": f"/docker/{hex_id('dind')}",
    "kind": f"/docker/{hex_id('kind')}",
    "nspawn": "/machine.slice/machine-box.scope",
    "plain": f"/custom/{hex_id('plain')}",
    "paused": f"/docker/{hex_id('paused')}",
    "silent": f"/libpod_parent/libpod-{hex_id('silent')}",
    "lxc": "/lxc.payload.web",
    "colons": f"/system.slice/{SLICE}:cri-containerd:{hex_id('colons')}",
    # No container:
    "empty": f"/docker/{hex_id('empty')}",
    "conmon": f"/machine.slice/libpod-conmon-{hex_id('high')}.scope",
    "mount": f"/system.slice/var-lib-docker-overlay2-{hex_id('mount')}-merged.mount",
    # Later:
    "swap": f"/docker/{hex_id('swap')}",
}
NO_CONTAINER = {"empty", "conmon", "mount"}
LATER = {"swap"}
CONTAINERS = [name for name in GROUPS if name not in NO_CONTAINER | LATER]
NAMES = {"lxc": "web", "nspawn": "box"}  # the others' ids say nothing of their names
# Of values that are no pressure and no network; the group has no controllers.
PLAIN = {"memory": "no_controller", "pids": "no_controller", "diskIO": "no_controller"}
OTHERS = {"again", "dind", "kind", "nspawn"}  # with networks that have tests of their own
NETWORK = {**dict.fromkeys(OTHERS), "own": None, "lonely": None, "none": "no_network", "joined": "shared_network"}

MACHINE_SCRIPT = """
cp /sys/fs/cgroup/cgroup.controllers "$OUT/controllers"
mkdir /sys/fs/cgroup/one
cat /sys/fs/cgroup/one/cpu.stat /sys/fs/cgroup/one/memory.current /sys/fs/cgroup/one/pids.current \
    /sys/fs/cgroup/one/io.pressure >"$OUT/group"
cat /proc/pressure/cpu /proc/pressure/io /proc/pressure/memory >"$OUT/pressure"
weir --version >"$OUT/version"
cp given "$OUT/below-given"
echo printed
start_weir --collect.tiers=simulated
scrape metrics
stop_weir
"""


def paths():
    """Shell that sets a variable for each group, and those of all that are looked at."""
    lines = [f"{name}='{path}'" for name, path in GROUPS.items()]
    all_groups = " ".join(GROUPS[name] for name in GROUPS if name not in LATER)
    return "\n".join([*lines, f"inner_id={hex_id('inner')}", f"groups='{all_groups}'", ""])


class Groups(unittest.TestCase):
    """One boot; each test looks at a part of what it left."""

    @classmethod
    def setUpClass(cls):
        files = {"groups.sh": images.guest_file("groups.sh"), "paths.sh": paths()}
        cls.result = host.SmallMachine("v2").run(images.guest_file("small_v2.sh").decode(), files=files,
                                                      limit_s=270)
        print(f"{cls.result.seconds:.1f} s")
        cls.pids = dict(zip(("own", "lonely", "late"), cls.look("later-before").files["pids"]))

    @classmethod
    def look(cls, name):
        look = Look(cls.result.text(name))
        look.files["pids"] = [path.split("/")[2] for path in look.files if path.endswith("/net/dev")]
        return look

    def triple(self, name):
        return self.look(f"{name}-before"), self.result.exposition(name), self.look(f"{name}-after")

    def page(self, name):
        return self.result.exposition(name)

    def pid_of(self, name):
        return self.pids[name] if name in ("own", "lonely") else None

    def test_every_metric_is_looked_at(self):
        self.assertEqual(kernel_files.known_everywhere(2), [])

    def test_every_value_is_the_kernels(self):
        brackets = Brackets(self, [self.triple("first"), self.triple("second")])
        for name in CONTAINERS:
            if name not in OTHERS:
                checked = brackets.check(GROUPS[name], self.pid_of(name), NAMES.get(name))
                self.assertGreater(checked, 8 if name == "plain" else 40, name)

    def test_every_value_later(self):
        """After limits changed and a group came anew; its counters began anew too."""
        brackets = Brackets(self, [self.triple("later"), self.triple("later-again")])
        for name in CONTAINERS:
            if name not in OTHERS | {"late", "silent"}:
                brackets.check(GROUPS[name], self.pid_of(name), NAMES.get(name))
        before, after = self.page("second"), self.page("later")
        cpu = [page.value("container_cpu_usage_seconds_total", id=GROUPS["bursty"]) for page in (before, after)]
        self.assertLess(cpu[1], cpu[0])
        self.assertEqual(after.value("container_spec_cpu_quota", id=GROUPS["burn"]), 30000)
        self.assertEqual(after.value("container_spec_cpu_period", id=GROUPS["burn"]), 50000)
        self.assertEqual(after.value("container_spec_memory_limit_bytes", id=GROUPS["hold"]), 0)
        self.assertEqual(after.value("weir_container_memory_limit_bytes", id=GROUPS["hold"]),
                         after.value("machine_memory_bytes"))

    def test_values_are_not_all_zero(self):
        """What the work must have left; the brackets would be content with zeros."""
        page = self.page("second")
        for name, metric, labels, least, most in (
                ("burn", "container_cpu_usage_seconds_total", {}, 0.5, 60),
                ("burn", "container_cpu_cfs_periods_total", {}, 20, 1e4),
                ("burn", "container_cpu_cfs_throttled_periods_total", {}, 10, 1e4),
                ("burn", "container_cpu_cfs_throttled_seconds_total", {}, 1, 1e4),
                ("burn", "container_pressure_cpu_waiting_seconds_total", {}, 0.5, 1e3),
                ("burn", "container_pressure_cpu_stalled_seconds_total", {}, 0.1, 1e3),
                ("burn", "container_spec_cpu_quota", {}, 20000, 20000),
                ("burn", "container_spec_cpu_period", {}, 100000, 100000),
                ("burn", "weir_container_spec_cpu_weight", {}, 50, 50),
                ("hold", "weir_container_spec_cpu_weight", {}, 100, 100),
                ("bursty", "container_cpu_cfs_burst_periods_total", {}, 1, 1e4),
                ("bursty", "container_cpu_cfs_burst_seconds_total", {}, 1e-6, 100),
                ("hold", "container_memory_rss", {}, 20 * MEBI, 24 * MEBI),
                ("hold", "container_memory_usage_bytes", {}, 20 * MEBI, 26 * MEBI),
                ("hold", "container_memory_max_usage_bytes", {}, 20 * MEBI, 26 * MEBI),
                ("hold", "container_memory_kernel_usage", {}, 1, 4 * MEBI),
                ("hold", "container_spec_memory_limit_bytes", {}, 64 * MEBI, 64 * MEBI),
                ("hold", "weir_container_memory_limit_bytes", {}, 64 * MEBI, 64 * MEBI),
                ("hold", "container_spec_memory_reservation_limit_bytes", {}, 8 * MEBI, 8 * MEBI),
                ("hold", "container_spec_memory_swap_limit_bytes", {}, 16 * MEBI, 16 * MEBI),
                ("hold", "container_memory_failures_total", {"failure_type": "pgfault"}, 20 * MEBI / 4096, 1e6),
                ("high", "container_memory_events_high_total", {}, 1, 1e6),
                ("high", "weir_container_memory_events_total", {"event": "high"}, 1, 1e6),
                ("high", "container_pressure_memory_waiting_seconds_total", {}, 0.1, 1e3),
                ("cache", "container_memory_cache", {}, 1 * MEBI, 16 * MEBI),
                ("cache", "container_memory_events_max_total", {}, 1, 1e6),
                ("cache", "container_memory_failcnt", {}, 1, 1e6),
                ("cache", "container_memory_pgscan_total", {}, 1, 1e7),
                ("cache", "container_memory_pgsteal_total", {}, 1, 1e7),
                ("cache", "container_memory_workingset_refault_file_total", {}, 1, 1e7),
                ("oom", "container_oom_events_total", {}, 1, 1),
                ("oom", "weir_container_memory_events_total", {"event": "oom_kill"}, 1, 1),
                ("oom", "weir_container_memory_events_total", {"event": "oom"}, 1, 1),
                ("outer", "weir_container_memory_events_total", {"event": "oom_group_kill"}, 1, 1),
                ("tasks", "container_threads", {}, 2, 4),
                ("tasks", "container_threads_max", {}, 4, 4),
                ("tasks", "weir_container_pids_limit_hits_total", {}, 1, 100),
                ("own", "container_network_receive_bytes_total", {"interface": "eth0"}, 20 * 1000, 1e6),
                ("own", "container_network_transmit_packets_total", {"interface": "eth0"}, 20, 1e4),
                ("own", "weir_container_network_receive_bytes_total", {}, 20 * 1000, 1e6),
                ("lonely", "container_network_transmit_packets_total", {"interface": "dummy0"}, 1, 100)):
            value = page.value(metric, id=GROUPS[name], **labels)
            self.assertTrue(value is not None and least <= value <= most, f"{name} {metric} {labels}: {value}")
        self.assertGreater(page.value("container_oom_events_total", id=GROUPS["outer"]), 0)

    def test_block_io(self):
        """Every byte went directly to the disk, so every one is known."""
        page = self.page("first")
        for metric, value in (("container_fs_writes_bytes_total", 2 * MEBI), ("container_fs_reads_bytes_total", MEBI),
                              ("container_fs_writes_total", 32), ("container_fs_reads_total", 64),
                              ("weir_container_fs_discards_total", 1)):
            self.assertEqual(page.value(metric, id=GROUPS["disk"], device="/dev/vdb"), value, metric)
        usage = {s.labels["operation"]: s.value for s in page.all("container_blkio_device_usage_total", id=GROUPS["disk"])}
        self.assertEqual(usage, {"Read": MEBI, "Write": 2 * MEBI, "Discard": MEBI})
        self.assertEqual(page.value("weir_container_block_write_bytes_total", id=GROUPS["disk"]), 2 * MEBI)

    def test_who_is_shown(self):
        """Containers and the host; no monitor, no mount, no group without processes, none that is nested."""
        self.assertEqual(ids_of(self.page("first")), {GROUPS[name] for name in CONTAINERS} | {"/"})
        names = {GROUPS[name]: word for name, word in NAMES.items()}
        for sample in self.page("first").samples:
            self.assertNotIn("image", sample.labels)  # nobody could have told
            self.assertEqual(sample.labels.get("name"), names.get(sample.labels.get("id")), sample)
        self.assertEqual(ids_of(self.page("second")) - ids_of(self.page("ended")), {GROUPS["tasks"]})

    def test_states(self):
        for page, paused in (("first", {"paused"}), ("second", {"paused"}), ("soon", set())):
            for name in CONTAINERS:
                self.assertEqual(state(self.page(page), GROUPS[name]), ["paused" if name in paused else "running"], name)

    def test_tier_and_mode(self):
        page = self.page("first")
        self.assertEqual([s.labels for s in page.all("weir_cgroup_info")], [{"mode": "unified"}])
        self.assertEqual({s.labels["tier"] for s in page.all("weir_container_tier")}, {"cgroup"})
        self.assertEqual(page.value("weir_collector_success", collector="cgroup"), 1)
        self.assertEqual(page.errors(), {})
        self.assertGreater(page.value("weir_cgroup_kept_files"), 100)
        self.assertEqual(self.page("swap").value("weir_cgroup_kept_files"), 0)

    def test_what_is_absent(self):
        page = self.page("first")
        for name in CONTAINERS:
            wanted = dict(PLAIN) if name == "plain" else {}
            network = NETWORK.get(name, "host_network")
            if network:
                wanted["network"] = network
            if name == "silent":
                wanted["pressure"] = "no_pressure"
            self.assertEqual(absent(page, GROUPS[name]), wanted, name)

    def test_pressure_switched_on_again(self):
        self.assertEqual(absent(self.page("later"), GROUPS["silent"]), {"network": "host_network"})
        Brackets(self, [self.triple("later"), self.triple("later-again")]).check(GROUPS["silent"])

    def test_container_that_left_the_hosts_network(self):
        """A runtime's first process is in the container's group before it is in its network."""
        self.assertEqual(absent(self.page("later"), GROUPS["late"]), {})
        Brackets(self, [self.triple("later"), self.triple("later-again")]).check(GROUPS["late"], self.pids["late"])

    def interfaces(self, page, name):
        return {s.labels["interface"] for s in self.page(page).all("container_network_receive_bytes_total", id=GROUPS[name])}

    def test_nested_containers_networks_are_not_the_outer_ones(self):
        """Its first process tells a container's network, wherever below it is."""
        for name in ("dind", "kind", "nspawn"):
            with self.subTest(name):
                self.assertEqual(self.interfaces("second", name), {"outside0"})

    def test_network_goes_with_its_last_process(self):
        self.assertEqual(self.interfaces("second", "again"), {"before0"})
        self.assertEqual(self.interfaces("later", "again"), {"after0"})

    def test_percent(self):
        """The CPU time between two pages over the time between them, both as the kernel has them."""
        (a, _, b), (c, page, d) = self.triple("first"), self.triple("second")
        source = kernel_files.V2["CPU_USAGE"]
        for name in ("burn", "hold"):
            used = [source(look, GROUPS[name]) / 1e9 for look in (a, b, c, d)]
            # The clock of the looks has steps of a hundredth of a second.
            longest, shortest = d.uptime() - a.uptime() + 0.01, c.uptime() - b.uptime() - 0.01
            low, high = 100 * (used[2] - used[1]) / longest, 100 * (used[3] - used[0]) / shortest
            value = page.value("weir_container_cpu_usage_percent", id=GROUPS[name])
            self.assertTrue(low - 1e-6 <= value <= high + 1e-6, f"{name}: {low} <= {value} <= {high}")

    def test_host(self):
        before, page, after = self.triple("host")
        self.assertEqual(page.value("machine_memory_bytes"), before.meminfo("MemTotal"))
        self.assertEqual((page.value("machine_cpu_cores"), page.value("machine_swap_bytes")), (2, 0))
        for metric, source in (("container_cpu_usage_seconds_total", kernel_files.V2["CPU_USAGE"]),
                               ("container_cpu_user_seconds_total", kernel_files.V2["CPU_USER"]),
                               ("container_cpu_system_seconds_total", kernel_files.V2["CPU_SYSTEM"]),
                               ("container_pressure_cpu_waiting_seconds_total", kernel_files.pressure("cpu.pressure", "some")),
                               ("container_pressure_memory_waiting_seconds_total",
                                kernel_files.pressure("memory.pressure", "some"))):
            value = round(page.value(metric, id="/") * 1e9)
            self.assertTrue(source(before, "/") <= value <= source(after, "/"), metric)
            self.assertGreater(value, 0, metric)
        rows = {number: row for number, row in kernel_files.devices(before, "/").items()}
        vdb = next(row for number, row in rows.items() if before.device(number) == "/dev/vdb")
        self.assertEqual(page.value("container_fs_writes_bytes_total", id="/", device="/dev/vdb"), vdb["wbytes"])
        shown = {s.labels["interface"] for s in page.all("container_network_receive_bytes_total", id="/")}
        self.assertEqual(shown, {"uplink"})  # the ends of containers' pairs are theirs

    def test_swap(self):
        """And with --cgroup.max-fds=0: every file is opened in every round."""
        triples = [self.triple("swap"), self.triple("swap-again")]
        for name in ("swap", "hold"):
            Brackets(self, triples).check(GROUPS[name])
        page = triples[0][1]
        self.assertGreater(page.value("container_memory_swap", id=GROUPS["swap"]), 4 * MEBI)
        self.assertGreater(page.value("container_memory_workingset_refault_anon_total", id=GROUPS["swap"]), 0)
        self.assertGreater(page.value("container_pressure_memory_waiting_seconds_total", id=GROUPS["swap"]), 0)
        self.assertEqual(page.value("machine_swap_bytes"), triples[0][0].meminfo("SwapTotal"))
        self.assertGreater(page.value("machine_swap_bytes"), 0)
        self.assertEqual(self.page("first").value("container_memory_swap", id=GROUPS["hold"]), 0)

    def test_check(self):
        lines = self.result.text("check").splitlines()
        self.assertEqual([line for line in lines if not line.startswith(("ok ", "warn "))], [])
        self.assertTrue(any(line.split()[1:4] == ["cgroup", "v2", "alone"] for line in lines), lines)


class SmallV2(unittest.TestCase):
    """The machine itself."""

    def test_machine(self):
        result = host.SmallMachine("v2").run(MACHINE_SCRIPT, files={"given": b"\0\xff"})
        print(f"{result.seconds:.1f} s")
        self.assertEqual(result.output, "printed\n")
        self.assertEqual(result.files["below-given"], b"\0\xff")
        self.assertLessEqual({"cpu", "io", "memory", "pids"}, set(result.text("controllers").split()))
        self.assertIn("usage_usec", result.text("group"))
        self.assertEqual(result.text("pressure").count("some avg10="), 3)
        self.assertTrue(result.text("version").startswith("weir "), result.text("version"))
        self.assertTrue(result.exposition("metrics").all("container_cpu_usage_seconds_total", simulated="true"))

    def test_failing_script(self):
        result = host.SmallMachine("v2").run('echo kept >"$OUT/a"; false; echo not reached', check=False)
        self.assertEqual((result.status, result.output, result.text("a")), (1, "", "kept\n"))


if __name__ == "__main__":
    harness.main(limit_s=440)
