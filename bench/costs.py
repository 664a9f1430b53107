"""Costs of processes, and how many numbers become one."""

import shutil
import signal
import statistics
import subprocess
import tempfile
import time

MS = 1e3
ATTACH_S = 0.5


def cpu_s(pid):
    """User and system CPU time of a whole process, to the nanosecond: its CPU clock (clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0  # it has ended


def cpu_of_all(pids):
    return sum(cpu_s(pid) for pid in pids)


def memory_kib(pid):
    """(RSS, PSS, private) of a process."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in list(file)[1:])
    return tuple(int(fields[key].split()[0]) for key in ("Rss", "Pss", "Private_Dirty"))


class Column:
    """What one thing cost, repetition by repetition."""

    def __init__(self, name):
        self.name = name
        self.cpu, self.wall = [], []

    def add(self, cpu, wall):
        self.cpu.append(cpu)
        self.wall.append(wall)

    def cpu_ms(self):
        return statistics.median(self.cpu) * MS

    def wall_ms(self):
        return statistics.median(self.wall) * MS

    def ratio(self, base):
        """(median, first quartile, third quartile) of CPU time beside `base`, pair by pair of one moment."""
        pairs = [own / max(other, 1e-9) for own, other in zip(self.cpu, base.cpu)]
        if len(pairs) < 2:
            return pairs[0], pairs[0], pairs[0]
        low, middle, high = statistics.quantiles(pairs, n=4, method="inclusive")
        return middle, low, high


def instructions(pid, one_round, rounds):
    """How many a round, or why that is not known."""
    if not shutil.which("perf"):
        return "not known (no perf)"
    perf = subprocess.Popen(["perf", "stat", "--field-separator=,", "-e", "instructions:u", "-p", str(pid)],
                            stderr=subprocess.PIPE, text=True)
    time.sleep(0.3)
    for _ in range(rounds):
        one_round()
    perf.send_signal(signal.SIGINT)
    _, report = perf.communicate(timeout=20)
    for line in report.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[2].startswith("instructions") and fields[0].isdigit():
            return f"{int(fields[0]) / rounds / 1e6:.2f} million a round"
    return "not known (no hardware counter here)"


def system_calls(pid, one_round, rounds):
    """(name -> calls a round, None), or (None, why not)."""
    if not shutil.which("strace"):
        return None, "not counted (no strace)"
    with tempfile.NamedTemporaryFile("r", prefix="weir-bench-", suffix=".strace") as report:
        strace = subprocess.Popen(["strace", "-f", "-c", "-o", report.name, "-p", str(pid)],
                                  stderr=subprocess.DEVNULL)
        time.sleep(ATTACH_S)
        if strace.poll() is not None:
            return None, "not counted (strace may not attach)"
        for _ in range(rounds):
            one_round()
        strace.send_signal(signal.SIGINT)
        strace.wait(20)
        calls = {}
        for line in report:
            fields = line.split()
            if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
                calls[fields[-1]] = int(fields[3]) / rounds
    return calls, None


def calls_text(calls):
    """The total, and what the most of them are."""
    total = sum(calls.values())
    most = sorted(calls.items(), key=lambda item: -item[1])[:6]
    return f"{total:.0f} (" + ", ".join(f"{name} {count:.1f}" for name, count in most) + ")"
