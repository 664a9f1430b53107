"""Engines that go away and come back while weir is scraped once a second: the kernel's files give the values meanwhile.

First argument: the engine, 20.10 or 26.
"""

import os
import signal
import sys
import time
import unittest

import engines
import harness
import series
from weir import Weir

VERSION = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("20.10", "26") else "26"
ORDERS = ("engine,cgroup", "cgroup,engine")
PERIOD_S = 1.0
NO_REUSE_S = 0.2  # past the age at which a snapshot is given again
DEADLINE_S = 5
WITHOUT_ENGINE_S = 1.0
SETTLED = 3  # scrapes before anything happens
AWAY = 6
BACK_LIMIT_S = 40
RESTART_LIMIT_S = 60
PERCENT = "weir_container_cpu_usage_percent"
CPU = "container_cpu_usage_seconds_total"
QUOTA = 10  # percent of one CPU
# The quota comes in pieces of 10 ms. Over the least window of one second one piece more than the ten that fit makes a point,
# and a task that a busy host let run past its piece, to be paid back in the windows that follow, nearly another.
QUOTA_SLACK = 2.0
QUOTA_SLACK_MEAN = 1.0
BURN = ("sh", "-c", "while :; do :; done")


def run_containers(engine, options=()):
    """id -> name of containers that do something of everything."""
    return {
        engine.run("burn", *BURN, options=("--cpus", "0.1", "--label", "com.docker.compose.project=shop", *options)): "burn",
        engine.run("memory", "sh", "-c", "dd if=/dev/zero bs=20M count=1 | sleep 100000",
                   options=("--memory", "100m", *options)): "memory",
        engine.run("sender", "sh", "-c", "while :; do ping -c 1 $(ip route | cut -d ' ' -f 3 | head -1); sleep 0.2; done",
                   options=options): "sender",
        engine.run("writer", "sh", "-c", "while :; do dd if=/dev/zero of=/data/x bs=64k count=1 oflag=direct; sleep 0.3; done",
                   options=("--volume", "work:/data", *options)): "writer",
        engine.run("alone", "sleep", "100000", options=("--network", "none", *options)): "alone",
    }


class Clock:
    """Ticks of a period, as a scraper has them: those that passed meanwhile are left out."""

    def __init__(self, period_s):
        self.period_s, self.next = period_s, time.monotonic()

    def wait(self):
        while self.next < time.monotonic() + NO_REUSE_S:
            self.next += self.period_s
        time.sleep(self.next - time.monotonic())


class Look:
    """A page between two readings of the kernel's own counters."""

    def __init__(self, kernel, scrape):
        self.before, self.begin = kernel(), time.monotonic()
        self.page = scrape()
        self.end, self.after = time.monotonic(), kernel()

    def birth(self, container):
        """The inode of the control group, or None where it was not the same one all the time."""
        before, after = self.before.get(container), self.after.get(container)
        return before[0] if before and after and before[0] == after[0] else None

    def used(self, container):
        """CPU seconds of the run that was there at the end, before and after the page."""
        before, after = self.before.get(container), self.after[container]
        return before[1] if before and before[0] == after[0] else 0.0, after[1]

    def may_show_new(self, container):
        """Did a run begin while the page was made?"""
        return container in self.after and self.birth(container) is None


class LiveRestore(unittest.TestCase):
    """dockerd is killed or frozen; its containers run on."""

    @classmethod
    def setUpClass(cls):
        cls.engine = engines.docker(VERSION, live_restore=True)
        cls.ids = run_containers(cls.engine)

    @classmethod
    def tearDownClass(cls):
        cls.engine.stop()

    def follow(self, order):
        weir = Weir(f"--engine.host={self.engine.host}", tiers=order)
        follower = series.Follower(self, weir, self.ids)
        clock = Clock(PERIOD_S)
        for _ in range(SETTLED):
            follower.scrape(DEADLINE_S)
            clock.wait()
        self.assertEqual(follower.tiers(), {order.split(",", maxsplit=1)[0]})
        return follower, clock

    def check_percents(self, follower):
        """Every page but the first has a percentage of the busy container, and one that its quota allows."""
        values = [page.value(PERCENT, name="burn") for page in follower.pages[2:]]
        for number, value in enumerate(values, 2):
            self.assertIsNotNone(value, f"page {number}")
            self.assertLessEqual(value, QUOTA + QUOTA_SLACK, f"page {number}")
        self.assertLessEqual(sum(values) / len(values), QUOTA + QUOTA_SLACK_MEAN, str(values))

    def come_back(self, follower, clock, order):
        """Scrapes until the engine gives what it gave before."""
        end = time.monotonic() + BACK_LIMIT_S
        first = order.split(",", maxsplit=1)[0]
        while True:
            page = follower.scrape(DEADLINE_S)
            if page.value("weir_engine_up") == 1 and follower.tiers() == {first}:
                break
            self.assertLess(time.monotonic(), end, f"the engine's values are back: {page.errors()}")
            clock.wait()
        for _ in range(SETTLED):
            clock.wait()
            follower.scrape(DEADLINE_S)
            self.assertEqual(follower.tiers(), {first})

    def check_killed(self, order):
        follower, clock = self.follow(order)
        self.engine.kill_daemon()
        for _ in range(AWAY):
            page = follower.scrape(DEADLINE_S)
            self.assertEqual(follower.tiers(), {"cgroup"})
            self.assertLess(page.seconds, WITHOUT_ENGINE_S)
            for name in self.ids.values():
                self.assertEqual(page.state(name), "running")
            clock.wait()
        self.assertEqual(page.value("weir_engine_up"), 0)
        self.engine.start_daemon(wait=False)  # the scrapes go on
        self.come_back(follower, clock, order)
        self.check_percents(follower)
        follower.weir.close()

    def check_frozen(self, order):
        follower, clock = self.follow(order)
        begin = len(follower.pages)
        os.kill(self.engine.daemon.pid, signal.SIGSTOP)
        try:
            for _ in range(AWAY):
                page = follower.scrape(DEADLINE_S)
                self.assertEqual(follower.tiers(), {"cgroup"})
                for name in self.ids.values():
                    self.assertEqual(page.state(name), "running")
                clock.wait()
        finally:
            os.kill(self.engine.daemon.pid, signal.SIGCONT)
        durations = follower.durations[begin:]
        print(f"{order}: frozen, scrapes took {' '.join(f'{value:.3f}' for value in durations)} s")
        self.assertLess(durations[0], DEADLINE_S)
        self.assertLess(max(durations[1:]), WITHOUT_ENGINE_S, "only the first scrape waits")
        if order == "cgroup,engine":
            self.assertLess(durations[0], WITHOUT_ENGINE_S, "nothing is asked of the engine")
        self.come_back(follower, clock, order)
        self.check_percents(follower)
        follower.weir.close()

    def shim_of(self, name):
        """The process between containerd and the container, which every stats call goes through."""
        with open(f"/proc/{self.engine.inspect(name)['State']['Pid']}/stat", encoding="ascii") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])

    def test_one_stuck_container(self):
        """Its values come from the kernel, those of the others from the engine as before."""
        follower, clock = self.follow(ORDERS[0])
        begin = len(follower.pages)
        shim = self.shim_of("memory")
        os.kill(shim, signal.SIGSTOP)
        try:
            for number in range(AWAY):
                page = follower.scrape(DEADLINE_S)
                # 20.10 takes all samples in one routine, one container after the other: the stop may come after this
                # one's, and then holds up all.
                if VERSION != "20.10":
                    self.assertEqual(page.value("weir_container_tier", name="burn", tier="engine"), 1)
                if VERSION != "20.10" or number > 0:
                    self.assertEqual(page.value("weir_container_tier", name="memory", tier="cgroup"), 1)
                clock.wait()
        finally:
            os.kill(shim, signal.SIGCONT)
        durations = follower.durations[begin:]
        print(f"one stuck container, scrapes took {' '.join(f'{value:.3f}' for value in durations)} s")
        self.assertLess(max(durations), DEADLINE_S)
        # Those of 20.10 that had their sample in the first round have none in the second.
        waited = [value for value in durations if value > WITHOUT_ENGINE_S]
        self.assertLessEqual(len(waited), 2 if VERSION == "20.10" else 1, "weir does not wait again")
        self.come_back(follower, clock, ORDERS[0])
        follower.weir.close()

    def test_container_that_ends_while_the_engine_is_away(self):
        """Nobody can say how it ended; it does not run, and has no values any more."""
        weirs = [Weir(f"--engine.host={self.engine.host}", "--collect.max-age=0s", tiers=order) for order in ORDERS]
        self.engine.run("victim", "sleep", "100000")
        for weir in weirs:
            weir.scrape_until(lambda p: p.state("victim") == "running", BACK_LIMIT_S, "it is seen")
        pid = self.engine.inspect("victim")["State"]["Pid"]
        self.engine.kill_daemon()
        try:
            for weir in weirs:
                self.assertEqual(weir.scrape(DEADLINE_S).state("victim"), "running")
            os.kill(pid, signal.SIGKILL)
            harness.wait_for(lambda: not os.path.exists(f"/proc/{pid}"), BACK_LIMIT_S, "it has ended")
            wrong = []
            for weir in weirs:
                page = weir.scrape(DEADLINE_S)
                live = {"weir_container_state", CPU, "container_threads", "container_memory_usage_bytes",
                        "weir_container_tier"} & page.metrics_of("victim")
                if live:
                    wrong.append(f"{weir.flags[0]}: state {page.state('victim')}, {sorted(live)}")
                self.assertEqual(page.state("burn"), "running")
            self.assertEqual(wrong, [])
        finally:
            self.engine.start_daemon()
        for weir in weirs:
            weir.scrape_until(lambda p: p.state("victim") == "exited", BACK_LIMIT_S, "the engine knows how it ended")
            weir.close()
        self.engine.cli("rm", "--force", "victim")

    def test_killed_engine_first(self):
        self.check_killed(ORDERS[0])

    def test_killed_kernel_first(self):
        self.check_killed(ORDERS[1])

    def test_frozen_engine_first(self):
        self.check_frozen(ORDERS[0])

    def test_frozen_kernel_first(self):
        self.check_frozen(ORDERS[1])


class Restarted(unittest.TestCase):
    """Without --live-restore a new dockerd ends the containers of the old one and starts them again."""

    @classmethod
    def setUpClass(cls):
        cls.engine = engines.docker(VERSION)
        cls.ids = run_containers(cls.engine, options=("--restart", "always"))

    @classmethod
    def tearDownClass(cls):
        cls.engine.stop()

    def kernel(self):
        """Container id -> (inode of its control group, which is another for each run; CPU seconds it has used)."""
        found = {}
        for container in self.ids:
            usage = engines.group_cpu_used_s(f"{self.engine.group_parent}/{container}")
            if usage:
                found[container] = usage
        return found

    def check(self, order):
        weir, looks = None, []

        def start_and_scrape():
            # Every page a round of its own: what it says lies between the kernel's word before and after it. The
            # first one shows weir's own first round.
            nonlocal weir
            weir = Weir(f"--engine.host={self.engine.host}", "--collect.max-age=0s", tiers=order)
            return weir.scrape(DEADLINE_S)

        def scrape():
            looks.append(Look(self.kernel, lambda: weir.scrape(DEADLINE_S) if weir else start_and_scrape()))
            return looks[-1]

        clock = Clock(0.4)
        for _ in range(5):
            scrape()
            clock.wait()
        old = self.kernel()
        self.assertEqual(set(old), set(self.ids))
        self.engine.kill_daemon()
        for _ in range(4):
            scrape()
            clock.wait()
        self.engine.start_daemon(wait=False)
        end = time.monotonic() + RESTART_LIMIT_S
        while True:
            look = scrape()
            clock.wait()
            if look.page.value("weir_engine_up") == 1 and all(
                    look.birth(c) not in (None, old[c][0]) and look.page.value(CPU, name=name) is not None
                    for c, name in self.ids.items()):
                break
            self.assertLess(time.monotonic(), end, "every container runs again")
        for _ in range(5):
            scrape()
            clock.wait()
        for container in self.ids:
            self.check_container(container, looks)
        self.assertIsNotNone(looks[-1].page.value(PERCENT, name="burn"), "a percentage again")
        weir.close()

    def check_container(self, container, looks):
        """Holds every page against the control group that was there when it was made."""
        told = set()
        instance = []  # (look, least CPU seconds) of the pages that showed the run that is on
        for number, look in enumerate(looks):
            own = [s for s in look.page.samples if series.container_of(s.labels) == container]
            for sample in own:
                self.assertTrue(series.LEAST.get(sample.name, 0) <= sample.value < 1 << 62, sample)
            told |= {s.labels.get("name") for s in own}
            values = {s.name: s.value for s in own}
            cpu, percent = values.get(CPU), values.get(PERCENT)
            where = f"page {number} of {self.ids[container]}"
            birth = look.birth(container)
            if birth is None:  # it came or went while the page was made, or is away
                self.assertTrue(percent is None or instance, where)
                if look.may_show_new(container):  # what it shows may be the first baseline of the new run
                    instance = [(look, 0.0)]
                continue
            if instance and instance[-1][0].after[container][0] != birth:
                instance = []
            if cpu is None:
                self.assertIsNone(percent, where)
                continue
            low, high = look.used(container)
            self.assertTrue(low - 1e-6 <= cpu <= high + 1e-6, f"{where}: {cpu} s, the kernel says {low} to {high}")
            if percent is not None:
                self.check_percent(container, percent, look, [earlier for earlier, _ in instance], where)
            if instance:
                self.assertGreaterEqual(cpu, instance[-1][1], where)
            instance.append((look, cpu))
        self.assertEqual(told, {self.ids[container]}, "it is called the same all the time")

    def check_percent(self, container, percent, look, baselines, where):
        """It is the true one since some page of the same run, at least a second ago."""
        low, high = look.used(container)
        allowed = []
        for baseline in baselines:
            if look.end - baseline.begin < 1:
                continue
            base_low, base_high = baseline.used(container)
            shortest, longest = max(look.begin - baseline.end, 1), look.end - baseline.begin
            allowed.append((100 * max(0, low - base_high) / longest, 100 * (high - base_low) / shortest))
        self.assertTrue(any(least - 0.01 <= percent <= most + 0.01 for least, most in allowed),
                        f"{where}: {percent} %, by the kernel one of {allowed}")

    def test_engine_first(self):
        self.check(ORDERS[0])

    def test_kernel_first(self):
        self.check(ORDERS[1])


if __name__ == "__main__":
    harness.main(limit_s=290)
