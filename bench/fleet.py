"""What a fleet of hosts that push costs one receiver: simulated hosts through weir's own encoder, compression and client,
all in one process (fleet.c), into a real VictoriaMetrics. What follows for more hosts stands in docs/SCALE.md.
"""

import json
import os
import re
import statistics
import subprocess
import time

import harness
import receivers

PROGRAM = os.environ.get("WEIR_FLEET") or os.path.join(
    harness.REPOSITORY, "build", "release", "bench", "weir_fleet")
VERSION = "victoria-metrics-1.112"
CONTAINERS = 50
CONNECTIONS = 4
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """User and system time of a process."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) * 1024


def stored_bytes(directory):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(directory) for name in names
               if os.path.exists(os.path.join(at, name)))


class Fleet:
    """The program of fleet.c: a round of all hosts a command."""

    def __init__(self, url, hosts):
        if not os.path.exists(PROGRAM):
            harness.skip(f"{PROGRAM} is not there: ninja weir_fleet builds it")
        self.process = subprocess.Popen([PROGRAM, url, str(hosts), str(CONTAINERS), str(CONNECTIONS)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        harness.at_end(self.process.kill)

    def round(self):
        self.process.stdin.write(b".")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the fleet ended with {self.process.wait()}")
        return json.loads(line)


def read_counter(receiver, name):
    _, body = receiver.request("GET", "/metrics")
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{[^}}]*\}})? ([-\d.e+]+)$", body.decode(), re.MULTILINE))


def report(hosts, interval_s, minutes):
    """Figures of `minutes` of pushes, every host once an interval; an interval of 0: as fast as it goes."""
    receiver = receivers.VictoriaMetrics(VERSION, "-memory.allowedPercent=60", "-search.disableCache")
    fleet = Fleet(receiver.url(), hosts)
    first = fleet.round()
    rounds, begun, cpu, late = [], time.monotonic(), cpu_s(receiver.process.pid), 0
    while time.monotonic() - begun < minutes * 60:
        due = begun + len(rounds) * interval_s
        late += time.monotonic() > due + interval_s if interval_s else 0
        time.sleep(max(0, due - time.monotonic()))
        rounds.append(fleet.round())
    took = time.monotonic() - begun
    samples = sum(each["samples"] for each in rounds)
    receiver.request("GET", "/internal/force_flush")
    figures = {
        "hosts": hosts, "containers": hosts * CONTAINERS, "interval": interval_s, "rounds": len(rounds), "late": late,
        "failed": sum(each["failed"] for each in rounds),
        "series": first["samples"], "samples": samples, "samples_a_second": samples / took,
        "first_round_s": first["seconds"], "round_s": statistics.median(each["seconds"] for each in rounds),
        "answer_s": statistics.median(each["answer"] for each in rounds),
        "slowest_answer_s": max(each["slowest"] for each in rounds),
        "sent_bytes_a_sample": sum(each["sent_bytes"] for each in rounds) / samples,
        "fleet_cpu_us_a_sample": 1e6 * sum(each["cpu"] for each in rounds) / samples,
        "encode_ms_a_host": 1e3 * sum(each["encode"] for each in rounds) / len(rounds) / hosts,
        "compress_ms_a_host": 1e3 * sum(each["compress"] for each in rounds) / len(rounds) / hosts,
        "receiver_cpu_s": cpu_s(receiver.process.pid) - cpu,
        "receiver_cpu_us_a_sample": 1e6 * (cpu_s(receiver.process.pid) - cpu) / samples,
        "receiver_cores": (cpu_s(receiver.process.pid) - cpu) / took,
        "receiver_resident_bytes_a_series": resident_bytes(receiver.process.pid) / first["samples"],
        "stored_bytes_a_sample": stored_bytes(receiver.directory.name) / (samples + first["samples"]),
        "rows_inserted": read_counter(receiver, "vm_rows_inserted_total"),
    }
    if figures["rows_inserted"] != samples + first["samples"]:
        raise RuntimeError(f"{samples + first['samples']} samples went out, {figures['rows_inserted']} came in")
    receiver.close()
    return figures


def show(figures):
    for name, value in figures.items():
        print(f"  {name:34} {value:,.3f}" if isinstance(value, float) else f"  {name:34} {value:,}")
