"""What each order of the tiers costs the whole host: weir, the engine's daemon, containerd and its shims."""

import statistics
import time

import weir as weir_module
from costs import MS, Column, cpu_of_all, cpu_s

ORDERS = ("engine", "engine,cgroup", "cgroup,engine", "cgroup")
WARM_ROUNDS = 3
BLOCK_ROUNDS = 5  # of one order at a time
TAIL_S = 0.2      # what the engine still does once it has answered
IDLE_S = 0.5      # of each turn, to see what the engine does when nobody asks


def idle_rate_of(pids):
    """CPU seconds a second that the engine uses when nobody asks."""
    time.sleep(TAIL_S)
    begin, before = time.monotonic(), cpu_of_all(pids)
    time.sleep(IDLE_S)
    return (cpu_of_all(pids) - before) / (time.monotonic() - begin)


class Order:
    """A weir with one order, and what its rounds cost."""

    def __init__(self, tiers, engine):
        self.tiers = tiers
        self.weir = weir_module.Weir(
            f"--engine.host={engine.host}", f"--path.docker-root={engine.directory}/data",
            f"--path.docker-exec-root={engine.directory}/exec", "--collect.max-age=0s", "--log.level=error",
            tiers=tiers)
        self.pid = self.weir.process.pid
        self.own, self.engine = Column(tiers), Column(tiers)
        self.text = ""

    def scrape(self):
        status, self.text, seconds, _ = self.weir.get("/metrics", timeout_s=10)
        if status != 200:
            raise SystemExit(f"weir ({self.tiers}) answered {status}: {self.text[:300]}")
        return seconds

    def block(self, pids, idle_rate):
        """Some rounds one after the other; CPU a round."""
        self.scrape()  # what has changed since its last turn
        time.sleep(TAIL_S)
        begin, own, theirs = time.monotonic(), cpu_s(self.pid), cpu_of_all(pids)
        walls = [self.scrape() for _ in range(BLOCK_ROUNDS)]
        time.sleep(TAIL_S)
        own, theirs = cpu_s(self.pid) - own, cpu_of_all(pids) - theirs
        theirs -= idle_rate * (time.monotonic() - begin)
        self.own.add(own / BLOCK_ROUNDS, statistics.median(walls))
        self.engine.add(theirs / BLOCK_ROUNDS, 0)

    def host_ms(self):
        return statistics.median(a + b for a, b in zip(self.own.cpu, self.engine.cpu)) * MS

    def values(self):
        return len(set(line.split("{")[0] for line in self.text.splitlines() if line.startswith("container_")))

    def show(self, base):
        containers = self.text.count("\ncontainer_last_seen{")
        print(f"{self.tiers:<16}{self.own.cpu_ms():>10.2f}{self.engine.cpu_ms():>12.2f}{self.host_ms():>12.2f}"
              f"{100 * self.host_ms() / base:>12.1f} %{self.own.wall_ms():>12.1f}{containers:>12}{self.values():>10}")


def report(arguments, engine):
    """Prints a line for each order; the figures."""
    pids = engine.pids()
    orders = [Order(tiers, engine) for tiers in ORDERS]
    for _ in range(WARM_ROUNDS):
        for order in orders:
            order.scrape()
    rates = []
    for _ in range(max(2, arguments.rounds // BLOCK_ROUNDS)):
        rates.append(idle_rate_of(pids))
        for order in orders:
            order.block(pids, statistics.median(rates))
    blocks, idle_rate = len(rates), statistics.median(rates)
    print(f"\nCPU of the whole host a scrape, {arguments.containers} idle containers, {blocks} times {BLOCK_ROUNDS} "
          f"rounds of each in turn; the engine's idle {idle_rate * MS:.0f} ms a second are taken off")
    print(f"{'--collect.tiers':<16}{'weir ms':>10}{'engine ms':>12}{'together':>12}{'of engine':>14}{'wall ms':>12}"
          f"{'containers':>12}{'metrics':>10}")
    for order in orders:
        order.show(orders[0].host_ms())
        order.weir.close()
    return {order.tiers: {"weir_cpu_ms": order.own.cpu_ms(), "engine_cpu_ms": order.engine.cpu_ms(),
                          "host_cpu_ms": order.host_ms(), "wall_ms": order.own.wall_ms()} for order in orders}
