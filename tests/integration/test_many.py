"""A hundred containers on the slow engine: its one-shot answers wait for a tick, so all calls must be under way at once."""

import concurrent.futures
import unittest

import engines
import harness
from weir import Weir

COUNT = 100
ROUNDS = 5
ROUND_LIMIT_S = 2.0
STARTERS = 4

weir = None


def start_many(engine, count):
    """`count` idle containers named idle0, idle1 ...; returns when all run."""
    with concurrent.futures.ThreadPoolExecutor(STARTERS) as pool:
        list(pool.map(lambda i: engine.run(f"idle{i}", "sleep", "100000"), range(count)))


def setUpModule():
    global weir
    engine = engines.docker_20_10()
    start_many(engine, COUNT)
    weir = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s")


def tearDownModule():
    if weir:
        weir.close()


class Many(unittest.TestCase):
    def test_rounds_are_short_and_whole(self):
        weir.scrape(timeout_s=10)  # the first one inspects every container
        durations = []
        for _ in range(ROUNDS):
            page = weir.scrape(timeout_s=10)
            self.assertEqual(page.value("weir_collector_success", collector="engine"), 1, page.errors())
            self.assertEqual(len(page.all("container_cpu_usage_seconds_total")), COUNT)
            self.assertEqual(page.value("weir_engine_containers", state="running"), COUNT)
            durations.append(page.value("weir_round_duration_seconds"))
        print("rounds of", COUNT, "containers:", " ".join(f"{value:.2f}" for value in durations), "s")
        self.assertLess(max(durations), ROUND_LIMIT_S)


if __name__ == "__main__":
    harness.main()
