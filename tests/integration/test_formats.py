"""The output held against its readers: promtool, the parser of prometheus_client, and a real Prometheus."""

import http.client
import json
import os
import re
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import engines
import harness
import series
from test_hostile import promtool
from weir import Weir, free_port

# Names that are kept for compatibility; the file says which, this is what it was made from.
ALLOWED_WITHOUT_FILE = ("container_memory_failcnt",)
PROMETHEUS_LIMIT_S = 30
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

engine = weir = None


def setUpModule():
    global engine, weir
    try:
        engine = engines.docker_26()
    except unittest.SkipTest:
        engine = engines.docker_20_10()
    engine.run("burn", "sh", "-c", "while :; do :; done", options=("--cpus", "0.1", "--memory", "100m"))
    engine.run("ended", "true")
    engine.run("alone", "sleep", "100000", options=("--network", "none"))
    engine.run("composed", "sleep", "100000", options=("--label", "com.docker.compose.service=basket"))
    weir = Weir(f"--engine.host={engine.host}")
    weir.scrape()
    time.sleep(1.3)


def tearDownModule():
    if weir:
        weir.close()


def allowed_lint():
    """Metrics the linter may complain of."""
    path = os.path.join(harness.REPOSITORY, "tests", "golden", "lint-allow.txt")
    if not os.path.exists(path):
        return ALLOWED_WITHOUT_FILE
    with open(path, encoding="utf-8") as file:
        return [line.split()[0] for line in file if line.strip() and not line.startswith("#")]


def declared_families():
    """name -> type, from the one table of metrics."""
    return {metric.name: "counter" if metric.is_counter() else "gauge" for metric in series.metric_list()}


class Prometheus:
    """A real one that scrapes weir every second."""

    def __init__(self):
        self.port = free_port()
        self.directory = tempfile.TemporaryDirectory(prefix="weir-prometheus-")
        config = os.path.join(self.directory.name, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("scrape_configs:\n  - job_name: weir\n    scrape_interval: 1s\n    scrape_timeout: 1s\n"
                       f"    static_configs:\n      - targets: ['127.0.0.1:{weir.port}']\n")
        self.log = open(os.path.join(self.directory.name, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [engines.need_program("prometheus", "prometheus"), f"--config.file={config}",
             f"--storage.tsdb.path={self.directory.name}/data", f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=self.log, stderr=self.log)
        harness.at_end(self.stop)

    def query(self, expression):
        """The result vector, or [] while there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
            answer = json.loads(connection.getresponse().read())
            return answer["data"]["result"] if answer.get("status") == "success" else []
        except (OSError, http.client.HTTPException, ValueError):
            return []
        finally:
            connection.close()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        self.directory.cleanup()


class Formats(unittest.TestCase):
    def test_promtool(self):
        code, lines = promtool(weir.scrape().text)
        lint = [line for line in lines if line.split()[0] not in allowed_lint()]
        self.assertEqual(lint, [])
        self.assertIn(code, (0, 3))

    def test_families_are_those_of_the_table(self):
        declared = declared_families()
        self.assertGreater(len(declared), 60)
        page = weir.scrape()
        for line in page.text.splitlines():
            match = re.match(r"# TYPE (\S+) (\S+)", line)
            if match:
                self.assertEqual(declared.get(match.group(1)), match.group(2), line)
        helped = re.findall(r"^# HELP (\S+) (.+)$", page.text, re.M)
        typed = re.findall(r"^# TYPE (\S+) ", page.text, re.M)
        self.assertEqual([name for name, _ in helped], typed, "HELP and TYPE of each family, once")

    def test_headers(self):
        status, text, _, headers = weir.get("/metrics")
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], CONTENT_TYPE)
        self.assertEqual(int(headers["Content-Length"]), len(text.encode()))
        self.assertTrue(text.endswith("\n"))

    def test_no_timestamps(self):
        for line in weir.scrape().text.splitlines():
            if not line.startswith("#"):
                self.assertRegex(line, r'^[a-z_0-9]+(\{.*\})? [-+0-9.eE]+(Inf|NaN)?$')

    def test_other_paths(self):
        for path, status in (("/", 200), ("/-/healthy", 200), ("/healthz", 200), ("/-/ready", 200), ("/nothing", 404)):
            self.assertEqual(weir.get(path)[0], status, path)
        self.assertIn("/metrics", weir.get("/")[1].replace('href="metrics"', "/metrics"))

    def test_container_without_network(self):
        page = weir.scrape()
        self.assertEqual(page.all("container_network_receive_bytes_total", name="alone"), [])
        self.assertIsNone(page.value("weir_container_network_receive_bytes_total", name="alone"))

    def test_prometheus_scrapes_it(self):
        prometheus = Prometheus()

        def value(expression):
            result = prometheus.query(expression)
            return float(result[0]["value"][1]) if result else None

        harness.wait_for(lambda: value('up{job="weir"}') == 1, PROMETHEUS_LIMIT_S, "up == 1", pause_s=0.3)
        result = prometheus.query('container_memory_usage_bytes{name="burn"}')
        self.assertEqual(len(result), 1)
        self.assertEqual(result[0]["metric"]["image"], engines.IMAGE)
        self.assertGreater(float(result[0]["value"][1]), 0)
        rate = 'rate(container_cpu_usage_seconds_total{name="burn",cpu="total"}[10s])'
        harness.wait_for(lambda: (value("count_over_time(up[15s])") or 0) >= 10, PROMETHEUS_LIMIT_S, "ten scrapes",
                         pause_s=0.5)
        # The quota is the most it may have; a busy machine gives less.
        self.assertTrue(0.01 < value(rate) < 0.12, value(rate))
        self.assertEqual(value("min_over_time(up[8s])"), 1, "every scrape in time")
        self.assertEqual(value("weir_container_state{name=\"ended\",state=\"exited\"}"), 1)
        prometheus.log.seek(0)
        complaints = [line for line in prometheus.log if re.search("level=(warn|error)", line)]
        self.assertEqual(complaints, [])


if __name__ == "__main__":
    harness.main()
