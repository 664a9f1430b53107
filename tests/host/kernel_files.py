"""The kernel's own files of control groups, as `look` of guest/groups.sh saves them, held against a page of weir.

Which file holds which value is written here from base/metric_list.h's help texts and the kernel's documents
(admin-guide/cgroup-v2.rst, cgroup-v1/*.rst, accounting/psi.rst), so that nothing of weir's own reading is used.
"""

import hashlib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

import series  # noqa: E402

ROOT = "/sys/fs/cgroup"
SCALE = {"COUNT": 1, "BYTES": 1, "MICROSECONDS": 1, "NS": 10**9, "MS": 10**3}
NO_LIMIT_V1 = 2**63 - 4096
TICK_NS = 10**7  # USER_HZ is 100 on x86
V1_TREES = {"cpu": "cpu,cpuacct", "cpuacct": "cpu,cpuacct", "memory": "memory", "blkio": "blkio", "pids": "pids",
            "freezer": "freezer"}
# What a page says of a container beside the values that the kernel has.
ABOUT = {"weir_container_state", "weir_container_tier", "weir_container_absent", "container_last_seen",
         "weir_container_cpu_usage_percent", "container_creation_time_seconds", "container_start_time_seconds"}


def hex_id(name):
    """The 64 digits of a container that the tests call so."""
    return hashlib.sha256(name.encode()).hexdigest()


class Look:
    """What one look saw. `hybrid`: controllers in v1 trees."""

    def __init__(self, text, hybrid=False):
        self.hybrid = hybrid
        self.files = {}
        lines = None
        for line in text.splitlines():
            if line.startswith("== "):
                lines = self.files.setdefault(line[3:], [])
            else:
                lines.append(line)

    def lines(self, path):
        return self.files.get(path)

    def of_group(self, group, name):
        """The lines of a group's file, None where there is none."""
        tree = ""
        if self.hybrid:
            v2 = name.endswith(".pressure") or name.startswith("cgroup.")
            tree = "/unified" if v2 else f"/{V1_TREES[name.split('.')[0]]}"
        return self.files.get(f"{ROOT}{tree}{group if group != '/' else ''}/{name}")

    def uptime(self):
        return float(self.files["/proc/uptime"][0].split()[0])

    def meminfo(self, key):
        return next(int(line.split()[1]) * 1024 for line in self.files["/proc/meminfo"] if line.startswith(f"{key}:"))

    def device(self, number):
        """/dev/NAME of major:minor."""
        rows = (line.split() for line in self.files["/proc/partitions"] if line.strip())
        return next(f"/dev/{row[3]}" for row in rows if f"{row[0]}:{row[1]}" == number)


# -- sources: (look, group) -> what the value is in the metric's stored unit, None where the kernel has none -------------


def number(name, unlimited=None):
    """The only word of a file; a number above every limit (v1), or "max", is `unlimited`."""
    def read(look, group):
        lines = look.of_group(group, name)
        if not lines:
            return None
        if lines[0] == "max" or int(lines[0]) >= NO_LIMIT_V1:
            return unlimited
        return int(lines[0])
    return read


def keyed(name, wanted, unit=1):
    """The number after a key."""
    def read(look, group):
        for line in look.of_group(group, name) or []:
            words = line.split()
            if words[0] == wanted:
                return int(words[1]) * unit
        return None
    return read


def pressure(name, kind):
    """`total` of some or full, microseconds."""
    def read(look, group):
        for line in look.of_group(group, name) or []:
            if line.startswith(kind):
                return int(re.search(r"total=(\d+)$", line).group(1)) * 1000
        return None
    return read


def quota(look, group):
    """Microseconds of a period; None without a quota or a controller."""
    if look.hybrid:
        lines = look.of_group(group, "cpu.cfs_quota_us")
        return int(lines[0]) if lines and lines[0] != "-1" else None
    lines = look.of_group(group, "cpu.max")
    return int(lines[0].split()[0]) if lines and not lines[0].startswith("max") else None


def period(look, group):
    lines = look.of_group(group, "cpu.max")
    return int(lines[0].split()[1]) if lines else None


def with_quota(source):
    return lambda look, group: source(look, group) if quota(look, group) is not None else None


def less_inactive(usage, inactive):
    """Memory in use less inactive file pages, not below 0."""
    def read(look, group):
        used, idle = usage(look, group), inactive(look, group)
        return None if used is None else max(used - idle, 0)
    return read


def memory_limit(name):
    """The limit, the host's memory where there is none or it is higher."""
    def read(look, group):
        limit = number(name, unlimited=2**63)(look, group)
        return None if limit is None else min(limit, look.meminfo("MemTotal"))
    return read


def where_swapped(source):
    """Nothing is swapped, and nothing of it is told, where the host has no swap space."""
    return lambda look, group: source(look, group) if look.meminfo("SwapTotal") > 0 else None


def _pressures():
    return {f"PRESSURE_{what.upper()}_{word}": pressure(f"{what}.pressure", kind)
            for what in ("cpu", "memory", "io") for word, kind in (("WAITING", "some"), ("STALLED", "full"))}


V2 = {
    "CPU_USAGE": keyed("cpu.stat", "usage_usec", 1000),
    "CPU_USER": keyed("cpu.stat", "user_usec", 1000),
    "CPU_SYSTEM": keyed("cpu.stat", "system_usec", 1000),
    "CPU_PERIODS": with_quota(keyed("cpu.stat", "nr_periods")),
    "CPU_THROTTLED_PERIODS": with_quota(keyed("cpu.stat", "nr_throttled")),
    "CPU_THROTTLED": with_quota(keyed("cpu.stat", "throttled_usec", 1000)),
    "CPU_BURST_PERIODS": with_quota(keyed("cpu.stat", "nr_bursts")),
    "CPU_BURST": with_quota(keyed("cpu.stat", "burst_usec", 1000)),
    "MEMORY_USAGE": number("memory.current"),
    "MEMORY_WORKING_SET": less_inactive(number("memory.current"), keyed("memory.stat", "inactive_file")),
    "MEMORY_RSS": keyed("memory.stat", "anon"),
    "MEMORY_CACHE": keyed("memory.stat", "file"),
    "MEMORY_SWAP": number("memory.swap.current"),
    "MEMORY_KERNEL": keyed("memory.stat", "kernel"),
    "MEMORY_MAPPED_FILE": keyed("memory.stat", "file_mapped"),
    "MEMORY_ACTIVE_FILE": keyed("memory.stat", "active_file"),
    "MEMORY_INACTIVE_FILE": keyed("memory.stat", "inactive_file"),
    "MEMORY_MAX_USAGE": number("memory.peak"),
    "MEMORY_FAILCNT": keyed("memory.events", "max"),
    "MEMORY_TREE_PGFAULT": keyed("memory.stat", "pgfault"),
    "MEMORY_TREE_PGMAJFAULT": keyed("memory.stat", "pgmajfault"),
    "MEMORY_FILE_DIRTY": keyed("memory.stat", "file_dirty"),
    "MEMORY_FILE_WRITEBACK": keyed("memory.stat", "file_writeback"),
    "MEMORY_PGSCAN": keyed("memory.stat", "pgscan"),
    "MEMORY_PGSTEAL": keyed("memory.stat", "pgsteal"),
    "MEMORY_REFAULT_FILE": keyed("memory.stat", "workingset_refault_file"),
    "MEMORY_REFAULT_ANON": keyed("memory.stat", "workingset_refault_anon"),
    "MEMORY_HIGH": keyed("memory.events", "high"),
    "MEMORY_MAX": keyed("memory.events", "max"),
    **{f"MEMORY_EVENT_{event.upper()}": keyed("memory.events", event)
       for event in ("low", "high", "max", "oom", "oom_kill", "oom_group_kill")},
    **{f"SWAP_EVENT_{event.upper()}": where_swapped(keyed("memory.swap.events", event))
       for event in ("high", "max", "fail")},
    "OOM_KILLS": keyed("memory.events", "oom_kill"),
    "PIDS": number("pids.current"),
    "PIDS_LIMIT": number("pids.max", unlimited=0),
    "PIDS_LIMIT_HITS": keyed("pids.events", "max"),
    "SPEC_CPU_PERIOD": period,
    "SPEC_CPU_QUOTA": quota,
    "SPEC_CPU_WEIGHT": number("cpu.weight"),
    "SPEC_MEMORY_LIMIT": number("memory.max", unlimited=0),
    "SPEC_SWAP_LIMIT": number("memory.swap.max", unlimited=0),
    "SPEC_MEMORY_RESERVATION": number("memory.low", unlimited=0),
    **_pressures(),
    "SUM_MEMORY_USAGE": less_inactive(number("memory.current"), keyed("memory.stat", "inactive_file")),
    "SUM_MEMORY_LIMIT": memory_limit("memory.max"),
}

V1 = {
    "CPU_USAGE": number("cpuacct.usage"),
    "CPU_USER": keyed("cpuacct.stat", "user", TICK_NS),
    "CPU_SYSTEM": keyed("cpuacct.stat", "system", TICK_NS),
    "CPU_PERIODS": with_quota(keyed("cpu.stat", "nr_periods")),
    "CPU_THROTTLED_PERIODS": with_quota(keyed("cpu.stat", "nr_throttled")),
    "CPU_THROTTLED": with_quota(keyed("cpu.stat", "throttled_time")),
    "CPU_BURST_PERIODS": with_quota(keyed("cpu.stat", "nr_bursts")),
    "CPU_BURST": with_quota(keyed("cpu.stat", "burst_time")),
    "MEMORY_USAGE": number("memory.usage_in_bytes"),
    "MEMORY_WORKING_SET": less_inactive(number("memory.usage_in_bytes"), keyed("memory.stat", "total_inactive_file")),
    "MEMORY_RSS": keyed("memory.stat", "total_rss"),
    "MEMORY_CACHE": keyed("memory.stat", "total_cache"),
    "MEMORY_SWAP": keyed("memory.stat", "total_swap"),
    "MEMORY_KERNEL": number("memory.kmem.usage_in_bytes"),
    "MEMORY_MAPPED_FILE": keyed("memory.stat", "total_mapped_file"),
    "MEMORY_ACTIVE_FILE": keyed("memory.stat", "total_active_file"),
    "MEMORY_INACTIVE_FILE": keyed("memory.stat", "total_inactive_file"),
    "MEMORY_MAX_USAGE": number("memory.max_usage_in_bytes"),
    "MEMORY_FAILCNT": number("memory.failcnt"),
    "MEMORY_PGFAULT": keyed("memory.stat", "pgfault"),
    "MEMORY_PGMAJFAULT": keyed("memory.stat", "pgmajfault"),
    "MEMORY_TREE_PGFAULT": keyed("memory.stat", "total_pgfault"),
    "MEMORY_TREE_PGMAJFAULT": keyed("memory.stat", "total_pgmajfault"),
    "MEMORY_FILE_DIRTY": keyed("memory.stat", "total_dirty"),
    "MEMORY_FILE_WRITEBACK": keyed("memory.stat", "total_writeback"),
    "MEMORY_EVENT_OOM_KILL": keyed("memory.oom_control", "oom_kill"),
    "OOM_KILLS": keyed("memory.oom_control", "oom_kill"),
    "PIDS": number("pids.current"),
    "PIDS_LIMIT": number("pids.max", unlimited=0),
    "PIDS_LIMIT_HITS": keyed("pids.events", "max"),
    "SPEC_CPU_PERIOD": number("cpu.cfs_period_us"),
    "SPEC_CPU_QUOTA": quota,
    "SPEC_CPU_SHARES": number("cpu.shares"),
    "SPEC_MEMORY_LIMIT": number("memory.limit_in_bytes", unlimited=0),
    "SPEC_SWAP_LIMIT": number("memory.memsw.limit_in_bytes", unlimited=0),
    "SPEC_MEMORY_RESERVATION": number("memory.soft_limit_in_bytes", unlimited=0),
    **_pressures(),
    "SUM_MEMORY_USAGE": less_inactive(number("memory.usage_in_bytes"), keyed("memory.stat", "total_inactive_file")),
    "SUM_MEMORY_LIMIT": memory_limit("memory.limit_in_bytes"),
}

INTERFACE = {"RX_BYTES": 0, "RX_PACKETS": 1, "RX_ERRORS": 2, "RX_DROPPED": 3, "TX_BYTES": 8, "TX_PACKETS": 9,
             "TX_ERRORS": 10, "TX_DROPPED": 11}
DEVICE_V2 = {"READ_BYTES": "rbytes", "WRITE_BYTES": "wbytes", "READS": "rios", "WRITES": "wios", "DISCARDS": "dios",
             "USAGE_READ": "rbytes", "USAGE_WRITE": "wbytes", "USAGE_DISCARD": "dbytes"}
DEVICE_V1 = {"READ_BYTES": ("bytes", "Read"), "WRITE_BYTES": ("bytes", "Write"), "READS": ("counts", "Read"),
             "WRITES": ("counts", "Write"), "DISCARDS": ("counts", "Discard"),
             **{f"USAGE_{word.upper()}": ("bytes", word) for word in ("Read", "Write", "Sync", "Async", "Discard", "Total")}}


def interfaces(look, pid):
    """Interface -> its sixteen counters; without lo."""
    rows = {}
    for line in look.lines(f"/proc/{pid}/net/dev")[2:]:
        name, _, rest = line.rpartition(":")
        rows[name.strip()] = [int(word) for word in rest.split()]
    rows.pop("lo")
    return rows


def devices(look, group):
    """major:minor -> key of DEVICE_V1 or _V2 -> value; None without the controller."""
    rows = {}
    if look.hybrid:
        for what, name in (("bytes", "io_service_bytes"), ("counts", "io_serviced")):
            lines = look.of_group(group, f"blkio.throttle.{name}_recursive")
            if lines is None:
                return None
            for line in lines:
                words = line.split()
                if len(words) == 3:
                    rows.setdefault(words[0], {})[what, words[1]] = int(words[2])
        return rows
    lines = look.of_group(group, "io.stat")
    if lines is None:
        return None
    for line in lines:
        words = line.split()
        rows[words[0]] = {key: int(value) for key, value in (word.split("=") for word in words[1:])}
    return rows


class Expected:
    """What a page must say of one group: series key (name, labels without identity) -> (value, is it a counter)."""

    LISTED = {metric.id: metric for metric in series.metric_list()}

    def __init__(self, look, group, pid=None, block=True):
        """`pid`: the process whose network is the container's; None: it has none of its own. `block`: is its I/O counted?"""
        self.values = {}
        for metric, source in (V1 if look.hybrid else V2).items():
            self._add(metric, source(look, group), {})
        if pid is not None:
            for interface, columns in interfaces(look, pid).items():
                for metric, column in INTERFACE.items():
                    self._add(metric, columns[column], {"interface": interface})
            rows = interfaces(look, pid).values()
            self._add("SUM_NETWORK_RECEIVE", sum(row[0] for row in rows), {})
            self._add("SUM_NETWORK_TRANSMIT", sum(row[8] for row in rows), {})
        self._add_devices(look, devices(look, group) if block else None)

    def _add(self, metric, value, labels):
        listed = self.LISTED[metric]
        if value is not None:
            key = listed.name, tuple(sorted({**listed.labels, **labels}.items()))
            self.values[key] = (value, SCALE[listed.unit], listed.is_counter())

    def _add_devices(self, look, rows):
        if rows is None:
            return
        table = DEVICE_V1 if look.hybrid else DEVICE_V2
        for number_, values in rows.items():
            major, minor = number_.split(":")
            for metric, field in table.items():
                labels = {"device": look.device(number_)}
                if metric.startswith("USAGE_"):
                    labels.update(major=major, minor=minor)
                self._add(metric, values[field], labels)
        for metric, field in (("SUM_BLOCK_READ", table["READ_BYTES"]), ("SUM_BLOCK_WRITE", table["WRITE_BYTES"])):
            self._add(metric, sum(values[field] for values in rows.values()), {})


# Groups of metrics that are off by default: these hosts run weir as it is.
ON_REQUEST = {"PROCESS", "SCHED", "LOAD", "CPUSET", "HUGETLB", "NUMA", "TCP", "UDP", "ADVTCP"}
# Of the host's disks alone, and of io.cost, which these kernels have not switched on.
NOT_OF_GROUPS = {"SECTOR_READS", "SECTOR_WRITES", "READS_MERGED", "WRITES_MERGED", "READ_TIME", "WRITE_TIME", "IO_CURRENT",
                 "IO_TIME", "IO_TIME_WEIGHTED", "COST_USAGE", "COST_WAIT", "COST_INDEBT", "COST_INDELAY"}


def known_everywhere(version):
    """Ids of the metrics that the kernel's files give on this version and that no table above has: none."""
    table = {1: {**V1, **INTERFACE, **DEVICE_V1}, 2: {**V2, **INTERFACE, **DEVICE_V2}}[version]
    return [metric.id for metric in series.metric_list() if f"C{version}" in metric.tiers and metric.id not in table
            and metric.group not in ON_REQUEST and metric.id not in NOT_OF_GROUPS]


BLOCK = {metric.name for metric in series.metric_list() if metric.group == "BLOCK_IO"}


class Brackets:
    """Pages between two looks each. A counter lies between them in every one; a gauge that both looks have the same is the
    same on the page, at least once (memory is handed back and forth between CPUs behind everybody's back)."""

    def __init__(self, test, triples):
        """(before, page, after) each."""
        self.test, self.triples = test, triples

    def check(self, group, pid=None, name=None, block=True, zeros=True):
        """All a page says of the container at this path; how many values that were. Without `block`, but for block I/O;
        without `zeros`, a zero of block I/O is no number: v1 on Linux 5.16 to 6.4 counts what a limit asks about."""
        never_equal, equal, checked = {}, set(), set()
        for before, page, after in self.triples:
            low, high = (Expected(look, group, pid, block).values for look in (before, after))
            shown = self._shown(page, group, name)
            for key, value in shown.items():
                if key[0] in ABOUT or (not block and key[0] in BLOCK):
                    continue
                self.test.assertTrue(key in low or key in high, f"{group}: {key} = {value}: the kernel has no such value")
            for key in set(low) & set(high):
                if not zeros and key[0] in BLOCK and low[key][0] == 0:
                    continue
                self.test.assertIn(key, shown, f"{group}: absent, the kernel says {low[key][0]}")
                checked.add(key)
                scale = low[key][1]
                value = round(shown[key] * scale)
                self.test.assertAlmostEqual(value, shown[key] * scale, delta=1e-3, msg=f"{group}: {key}: not in whole units")
                if low[key][2]:
                    self.test.assertTrue(low[key][0] <= value <= high[key][0],
                                         f"{group}: {key}: {low[key][0]} <= {value} <= {high[key][0]}")
                elif low[key][0] == value == high[key][0]:
                    equal.add(key)
                else:
                    never_equal.setdefault(key, []).append((low[key][0], value, high[key][0]))
        wrong = {key: triples for key, triples in never_equal.items() if key not in equal}
        self.test.assertEqual(wrong, {}, f"{group}: gauges (before, page, after)")
        return len(checked)

    @staticmethod
    def _shown(page, group, name):
        """key without identity -> value; the container has that name, or none."""
        rows = {}
        for sample in page.samples:
            if sample.labels.get("id") == group:
                if sample.labels.get("name") != name:
                    raise AssertionError(f"{group} is called {sample.labels.get('name')}, not {name}: {sample}")
                rows[sample.name, tuple(sorted((key, value) for key, value in sample.labels.items()
                                               if key not in ("id", "name", "image")))] = sample.value
        return rows


def absent(page, group):
    """Group of values -> reason."""
    return {s.labels["group"]: s.labels["reason"] for s in page.all("weir_container_absent", id=group)}


# What is told of a container for a while after its end.
OF_ENDED = {"container_last_seen", "container_oom_events_total"}


def ids_of(page):
    """Paths of what is shown and has not ended, the host too."""
    return {s.labels["id"] for s in page.samples if "id" in s.labels and s.name not in OF_ENDED}


def state(page, group):
    return [s.labels["state"] for s in page.all("weir_container_state", id=group) if s.value == 1]
