"""What a round of weir costs beside a bare parallel curl of the same calls and beside the engine itself."""

import os
import statistics
import subprocess
import tempfile
import time

import weir as weir_module
from costs import MS, cpu_of_all, cpu_s, instructions, memory_kib

WARM_ROUNDS = 3
IDLE_S = 3
CONCURRENCY = 16
AIM_PERCENT = 5


class Row:
    """Costs of one reader, a round."""

    def __init__(self, name, rounds):
        self.name, self.rounds = name, rounds
        self.cpu = self.engine = 0.0
        self.walls = []

    def cpu_ms(self):
        return self.cpu / self.rounds * MS

    def engine_ms(self):
        return max(self.engine, 1e-9) / self.rounds * MS

    def text(self):
        wall = statistics.median(self.walls) * MS
        return (f"{self.name:<24}{self.cpu_ms():>10.2f}{wall:>10.0f}{max(self.walls) * MS:>10.0f}"
                f"{self.engine_ms():>12.1f}{100 * self.cpu_ms() / self.engine_ms():>11.2f} %")


def measure(name, rounds, pids, idle_rate, one_round):
    """`one_round` returns the reader's CPU seconds; the engine's idle work is taken off."""
    row = Row(name, rounds)
    for _ in range(WARM_ROUNDS):
        one_round()
    engine = cpu_of_all(pids)
    begin = time.monotonic()
    for _ in range(rounds):
        start = time.monotonic()
        row.cpu += one_round()
        row.walls.append(time.monotonic() - start)
    row.engine = cpu_of_all(pids) - engine - idle_rate * (time.monotonic() - begin)
    return row


def curl_round(config):
    """One parallel curl of every container's statistics; its CPU time, start of the process included."""
    before = os.times()
    # Its progress meter of parallel transfers knows no --silent.
    subprocess.run(["curl", "--config", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                   timeout=60)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def curl_config(engine, ids, old):
    version = engine.api("GET", "/version")["ApiVersion"]
    file = tempfile.NamedTemporaryFile("w", prefix="weir-bench-", suffix=".curl")
    # The slow one-shot waits for a tick: only all calls at once finish in one.
    limit = len(ids) if old else CONCURRENCY
    file.write(f'silent\nfail\nparallel\nparallel-max = {min(limit, 300)}\nunix-socket = "{engine.socket}"\n')
    for container in ids:
        file.write(f'url = "http://localhost/v{version}/containers/{container}/stats?stream=false&one-shot=true"\n'
                   'output = "/dev/null"\n')
    file.flush()
    return file


def idle_rate_of(pids):
    """CPU seconds a second that the engine uses when nobody asks."""
    begin, before = time.monotonic(), cpu_of_all(pids)
    time.sleep(IDLE_S)
    return (cpu_of_all(pids) - before) / (time.monotonic() - begin)


def report(arguments, engine):
    """Prints the table; the figures."""
    ids = [row["Id"] for row in engine.api("GET", "/containers/json")]
    pids = engine.pids()
    idle_rate = idle_rate_of(pids)
    weir = weir_module.Weir(f"--engine.host={engine.host}", "--collect.max-age=0s")
    pages = []

    def weir_round():
        used = cpu_s(weir.process.pid)
        status, text, _, _ = weir.get("/metrics", timeout_s=10)
        pages.append((status, text))
        return cpu_s(weir.process.pid) - used

    rows = [measure("weir", arguments.rounds, pids, idle_rate, weir_round)]
    page = weir_module.Exposition(pages[-1][1])
    whole = len(page.all("container_cpu_usage_seconds_total"))
    if whole != arguments.containers:
        raise SystemExit(f"weir gave {whole} of {arguments.containers} containers: {page.errors()}\n{weir.log()}")
    memory = memory_kib(weir.process.pid)
    counted = instructions(weir.process.pid, weir_round, min(arguments.rounds, 10))
    config = curl_config(engine, ids, arguments.old)
    rows.append(measure("curl --parallel", arguments.rounds, pids, idle_rate, lambda: curl_round(config.name)))
    weir.close()

    version = engine.api("GET", "/version")["Version"]
    print(f"\nDocker {version}, {arguments.containers} idle containers, {arguments.rounds} rounds one after the other; "
          f"the engine idles at {idle_rate * MS:.0f} ms of CPU a second (taken off)")
    print(f"{'a round':<24}{'CPU ms':>10}{'wall ms':>10}{'longest':>10}{'engine CPU':>12}{'CPU/engine':>13}")
    for row in rows:
        print(row.text())
    print(f"weir: {len(pages[-1][1])} bytes a scrape; RSS {memory[0]} KiB, PSS {memory[1]} KiB, "
          f"private dirty {memory[2]} KiB; instructions in user mode: {counted}")
    share = 100 * rows[0].cpu_ms() / rows[0].engine_ms()
    print(f"weir uses {share:.2f} % of the CPU the engine needs to answer it (aim: under {AIM_PERCENT} %), "
          f"{rows[0].cpu_ms() / max(rows[1].cpu_ms(), 1e-9):.2f} times that of curl")
    return {"engine": version, "containers": arguments.containers, "rounds": arguments.rounds,
            "weir_cpu_ms": rows[0].cpu_ms(), "curl_cpu_ms": rows[1].cpu_ms(), "engine_cpu_ms": rows[0].engine_ms(),
            "wall_ms": statistics.median(rows[0].walls) * MS, "rss_kib": memory[0], "pss_kib": memory[1]}
