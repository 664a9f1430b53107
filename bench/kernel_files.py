"""What a round of the cgroup tier costs beside a bare pread of the very files it keeps open."""

import os
import re
import statistics
import subprocess
import time

import engines
import harness
import weir as weir_module
from costs import MS, Column, calls_text, cpu_s, memory_kib, system_calls
from groups import Groups

PROGRAM = os.environ.get("WEIR_GROUP_ROUND") or os.path.join(
    harness.REPOSITORY, "build", "release", "bench", "weir_group_round")
WARM_ROUNDS = 3
COUNTED_ROUNDS = 5  # under strace, which is slow
SECONDS_A_SIZE = 8  # about how long the rounds of one size take
AIM = 1.25
NS = 1e-9


class Reader:
    """The program of group_round.c: rounds without the rest of weir, and bare sweeps, one a command."""

    COMMANDS = {"bare pread": "b", "round": "r", "round 15 s later": "l"}

    def __init__(self):
        if not os.access(PROGRAM, os.X_OK):
            harness.skip(f"{PROGRAM} is not there: ninja weir_group_round builds it")
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        harness.at_end(self.process.kill)
        self.groups = self.kept = self.reads = self.bytes = 0

    def do(self, command):
        """(CPU, wall) in seconds."""
        self.process.stdin.write(command.encode())
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) != 6:
            raise RuntimeError(f"{PROGRAM} ended with {self.process.wait()}")
        cpu, wall, self.groups, self.kept, self.reads, self.bytes = map(int, answer)
        return cpu * NS, wall * NS

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


class Scrapes:
    """A weir whose every scrape is a round."""

    def __init__(self):
        self.weir = weir_module.Weir("--collect.max-age=0s", "--log.level=error", tiers="cgroup")
        self.pid = self.weir.process.pid
        self.text = ""

    def do(self):
        """(CPU of the process, wall time of the round as weir says it) in seconds."""
        begin = cpu_s(self.pid)
        status, self.text, _, _ = self.weir.get("/metrics", timeout_s=10)
        used = cpu_s(self.pid) - begin
        if status != 200:
            raise SystemExit(f"weir answered {status}: {self.text[:300]}")
        return used, self.value("weir_round_duration_seconds")

    def value(self, name):
        match = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)", self.text, re.M)
        return float(match.group(1)) if match else 0.0

    def count(self):
        """Containers with a CPU time."""
        found = re.findall(r'^container_cpu_usage_seconds_total{[^}]*id="([^"]*)"', self.text, re.M)
        return len([path for path in found if path != "/"])


def columns_of(scrapes, reader, seconds):
    """Rounds in turn, so that what else the machine does falls on each alike."""
    columns = {name: Column(name) for name in Reader.COMMANDS}
    columns["whole scrape"] = Column("whole scrape")
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(columns["round"].cpu) < 10:
        for name, command in Reader.COMMANDS.items():
            columns[name].add(*reader.do(command))
        columns["whole scrape"].add(*scrapes.do())
    return columns


def measure(scrapes, reader, seconds):
    reader.do("n")
    for _ in range(WARM_ROUNDS):
        for command in ("r", "b"):
            reader.do(command)
        scrapes.do()
    columns = columns_of(scrapes, reader, seconds)
    calls = {"whole scrape": system_calls(scrapes.pid, scrapes.do, COUNTED_ROUNDS),
             "round": system_calls(reader.process.pid, lambda: reader.do("r"), COUNTED_ROUNDS),
             "round 15 s later": system_calls(reader.process.pid, lambda: reader.do("l"), COUNTED_ROUNDS)}
    return columns, calls


def show(columns, calls, scrapes, reader, count):
    bare = columns["bare pread"]
    kept = scrapes.value("weir_cgroup_kept_files")
    print(f"\n{count} groups of the bench ({scrapes.count()} containers in all), {len(bare.cpu)} rounds of each in "
          f"turn; {reader.reads} files, {reader.bytes} bytes a sweep; weir keeps {kept:.0f} files, "
          f"{len(scrapes.text)} bytes a scrape, RSS {memory_kib(scrapes.pid)[0]} KiB")
    print(f"{'':<20}{'CPU ms':>10}{'wall ms':>10}{'/ bare':>9}{'quartiles':>16}   system calls")
    for name, column in columns.items():
        middle, low, high = column.ratio(bare)
        counted, why = calls.get(name, ({"pread64": reader.reads}, None))
        print(f"{name:<20}{column.cpu_ms():>10.3f}{column.wall_ms():>10.3f}{middle:>9.2f}{low:>8.2f}-{high:<7.2f}   "
              f"{calls_text(counted) if counted else why}")


def figures(columns, calls, reader):
    bare = columns["bare pread"]
    return {name: {"cpu_ms": column.cpu_ms(), "wall_ms": column.wall_ms(), "ratio": column.ratio(bare),
                   "spread_ms": [value * MS for value in statistics.quantiles(column.cpu, n=4)],
                   "calls": calls.get(name, ({"pread64": reader.reads}, None))[0]}
            for name, column in columns.items()}


def report(sizes, seconds=SECONDS_A_SIZE):
    """Prints a table for each size, the smallest first; the figures by size."""
    weir_module.need_binary()
    engines.need_root()
    groups = Groups()
    found = {}
    for count in sorted(set(sizes)):
        took = groups.grow(count)
        scrapes, reader = Scrapes(), Reader()
        columns, calls = measure(scrapes, reader, seconds)
        show(columns, calls, scrapes, reader, count)
        ratio = columns["round"].ratio(columns["bare pread"])[0]
        print(f"a round takes {ratio:.2f} times the CPU of the bare sweep (aim: {AIM}); "
              f"the groups were made in {took:.1f} s")
        found[count] = figures(columns, calls, reader)
        reader.close()
        scrapes.weir.close()
    groups.remove()
    return found
