"""rate() as a real Prometheus computes it, against the kernel's own count at the same moments.

A container held at a tenth of a CPU, scraped every 5 and every 15 s, in both orders of the tiers. First argument: the
engine, 20.10 or 26.
"""

import bisect
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

import engines
import harness
from weir import Weir, free_port

VERSION = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("20.10", "26") else "26"
ORDERS = ("engine,cgroup", "cgroup,engine")
INTERVALS_S = (5, 15)
RUN_S = 85
READY_LIMIT_S = 20
WINDOW_S = 60
LOOK_PERIOD_S = 0.02
# A one-shot answer of Docker 20.10 waits for its tick: what it says is up to a second younger than its sample's time.
TOLERANCE = {"20.10": {"engine,cgroup": 0.03, "cgroup,engine": 0.02}, "26": {order: 0.02 for order in ORDERS}}[VERSION]
CPU = 'container_cpu_usage_seconds_total{name="burn"}'


class Kernel:
    """The container's CPU seconds as the kernel counts them, looked at all the time; any moment is in between two looks."""

    def __init__(self, path):
        self.path, self.times, self.used = path, [], []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()
        harness.at_end(self.stop)

    def look(self):
        while not self.ended.wait(LOOK_PERIOD_S):
            _, used = engines.group_cpu_used_s(self.path)
            self.times.append(time.time())
            self.used.append(used)

    def stop(self):
        self.ended.set()
        self.thread.join()

    def at(self, moment):
        after = bisect.bisect_left(self.times, moment)
        if not 0 < after < len(self.times):
            raise AssertionError(f"nobody looked at {moment}")
        (t0, t1), (u0, u1) = self.times[after - 1:after + 1], self.used[after - 1:after + 1]
        return u0 + (u1 - u0) * (moment - t0) / (t1 - t0)


class Prometheus:
    """A server with one job for each interval and weir."""

    def __init__(self, weirs):
        self.directory = tempfile.mkdtemp(prefix="weir-prometheus-")
        self.port = free_port()
        jobs = [{"job_name": f"{order} {interval}", "scrape_interval": f"{interval}s", "scrape_timeout": "4s",
                 "static_configs": [{"targets": [f"127.0.0.1:{weir.port}"]}]}
                for order, weir in weirs.items() for interval in INTERVALS_S]
        configuration = os.path.join(self.directory, "prometheus.yml")
        with open(configuration, "w", encoding="utf-8") as file:
            json.dump({"scrape_configs": jobs}, file)  # YAML takes JSON
        self.log = open(os.path.join(self.directory, "log"), "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={self.directory}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        harness.at_end(self.stop)
        harness.wait_for(self.ready, READY_LIMIT_S, "Prometheus is ready", 0.2)

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def query(self, text, moment):
        """The results of an instant query."""
        query = urllib.parse.urlencode({"query": text, "time": moment})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{query}", timeout=10) as answer:
            return json.load(answer)["data"]["result"]

    def stop(self):
        self.process.terminate()
        self.process.wait(READY_LIMIT_S)
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def rate_of(samples, moment):
    """rate() of these samples as Prometheus documents it: the growth between the first and the last one, extended to
    the ends of the window where they are near, else by half a mean distance of the samples, over the window."""
    (first, low), (last, high) = samples[0], samples[-1]
    distance = (last - first) / (len(samples) - 1)
    covered = last - first
    for gap in (min(first - (moment - WINDOW_S), (last - first) * low / (high - low)), moment - last):
        covered += gap if gap < 1.1 * distance else distance / 2
    return (high - low) / (last - first) * covered / WINDOW_S


class Rate(unittest.TestCase):
    def test_rate_is_the_kernels(self):
        engines.need_program("prometheus", "prometheus")
        engine = engines.docker(VERSION)
        container = engine.run("burn", "sh", "-c", "while :; do :; done", options=("--cpus", "0.1"))
        weirs = {order: Weir(f"--engine.host={engine.host}", tiers=order) for order in ORDERS}
        for weir in weirs.values():
            weir.scrape(10)
        kernel = Kernel(f"{engine.group_parent}/{container}")
        prometheus = Prometheus(weirs)
        time.sleep(RUN_S)
        moment = time.time()
        harness.wait_for(lambda: kernel.times[-1] > moment, 10, "the kernel is looked at after it too")
        wrong = []
        for order in ORDERS:
            for interval in INTERVALS_S:
                wrong += self.check(prometheus, kernel, order, interval, moment)
        self.assertEqual(wrong, [])
        for weir in weirs.values():
            weir.close()

    def check(self, prometheus, kernel, order, interval, moment):
        """A sentence if rate() is not what the kernel counted between the first and the last sample of the window."""
        selector = CPU.replace("}", f',job="{order} {interval}"}}')
        ups = prometheus.query(f'avg_over_time(up{{job="{order} {interval}"}}[{WINDOW_S}s])', moment)
        self.assertEqual([row["value"][1] for row in ups], ["1"], "no scrape failed")
        series = prometheus.query(f"{selector}[{WINDOW_S}s]", moment)
        self.assertEqual(len(series), 1, "one series, whatever tier gave it")
        samples = [(float(t), float(v)) for t, v in series[0]["values"]]
        # A busy machine delays some; without half of them it is no measurement.
        self.assertGreaterEqual(len(samples), WINDOW_S // interval / 2, samples)
        self.assertEqual([v for _, v in samples], sorted(v for _, v in samples))
        rate = float(prometheus.query(f"rate({selector}[{WINDOW_S}s])", moment)[0]["value"][1])
        true = rate_of([(t, kernel.at(t)) for t, _ in samples], moment)
        self.assertGreater(true, 0.02, "the machine lets the container run at all")
        error = rate / true - 1
        print(f"{VERSION} {order} every {interval} s: rate {rate:.5f}, kernel {true:.5f}, {100 * error:+.2f} %")
        return [] if abs(error) <= TOLERANCE[order] else [f"{order} every {interval} s: {rate} is not {true}"]


if __name__ == "__main__":
    harness.main(limit_s=170)
