"""Starts real Prometheus servers: Debian 12's 2.42, and 2.53 and 3 out of newer packages unpacked beside it."""

import dataclasses
import http.client
import json
import os
import re
import subprocess
import tempfile
import urllib.parse

import engines
import harness
from harness import skip, wait_for
from weir import free_port

READY_LIMIT_S = 40
STOP_LIMIT_S = 20
# Which Debian has which; sid moves, so its version is looked at.
SUITES = {"2.53": "trixie", "3": "sid"}
# What a server may be told to ask for, one protocol a job. 2.42 cannot be told: it asks for OpenMetrics, and for
# protobuf where a flag makes it read native histograms.
PROTOCOLS = {
    "2.42": (),
    "2.53": ("PrometheusProto", "OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText0.0.4"),
    "3": ("PrometheusProto", "OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText0.0.4",
          "PrometheusText1.0.0"),
}


def program(version):
    """The path of prometheus `version` ("2.42", "2.53" or "3"); skips where it cannot be had or does not run."""
    if version == "2.42":
        path = engines.need_program("prometheus", "prometheus")
    else:
        root = engines.unpacked_packages(SUITES[version], "prometheus")
        path = os.path.join(root, "usr", "bin", "prometheus")
    try:
        said = engines.run(path, "--version").stdout.split()
    except (OSError, RuntimeError) as error:
        skip(f"prometheus {version} does not run here: {error}")
    found = said[2] if len(said) > 2 else "unknown"
    if found != version and not found.startswith(f"{version}."):
        skip(f"{path} is not {version} but {found}")
    return path


@dataclasses.dataclass
class Job:
    """One entry of scrape_configs with one target."""

    name: str
    target: str  # HOST:PORT
    interval: str = "1s"
    protocol: str = ""  # of PROTOCOLS; "" leaves the server its own order
    compression: bool = True  # asks for gzip; 2.42 always does
    path: str = "/metrics"
    tls: dict = None  # tls_config
    user: tuple = None  # (name, password)
    parameters: dict = None

    def config(self):
        config = {"job_name": self.name, "scrape_interval": self.interval, "scrape_timeout": self.interval,
                  "metrics_path": self.path, "static_configs": [{"targets": [self.target]}]}
        if self.tls is not None:
            config.update(scheme="https", tls_config=self.tls)
        if self.user:
            config["basic_auth"] = {"username": self.user[0], "password": self.user[1]}
        if self.protocol:
            config["scrape_protocols"] = [self.protocol]
        if not self.compression:
            config["enable_compression"] = False
        if self.parameters:
            config["params"] = self.parameters
        return config


class Prometheus:
    """A server that scrapes `jobs`, with a store of its own in a directory that goes with it."""

    def __init__(self, version, jobs, features=()):
        self.version = version
        self.jobs = list(jobs)
        self.port = free_port()
        self.directory = tempfile.TemporaryDirectory(prefix="weir-prometheus-")
        config = os.path.join(self.directory.name, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:  # JSON is YAML
            json.dump({"scrape_configs": [job.config() for job in self.jobs]}, file, indent=1)
        self.log_file = os.path.join(self.directory.name, "log")
        command = [program(version), f"--config.file={config}", f"--storage.tsdb.path={self.directory.name}/data",
                   f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"]
        if features:
            command.append(f"--enable-feature={','.join(features)}")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness.at_end(self.stop)
        wait_for(self._is_ready, READY_LIMIT_S, f"prometheus {version} is ready", pause_s=0.2)

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"prometheus {self.version} ended: {self.log()[-2000:]}")
        try:
            return self._get("/-/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def _get(self, target):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def api(self, path, **parameters):
        """The member `data` of an answer."""
        status, body = self._get(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body)
        if answer.get("status") != "success":
            raise RuntimeError(f"{path} {parameters}: {status} {body[:300]!r}")
        return answer["data"]

    def query(self, expression, **more):
        """The result of an instant query: a list of {"metric", "value"} or, for a range, {"metric", "values"}."""
        return self.api("query", query=expression, **more)["result"]

    def value(self, expression):
        """The only value, or None while there is none."""
        result = self.query(expression)
        if len(result) > 1:
            raise AssertionError(f"{expression} is not one series but {len(result)}")
        return float(result[0]["value"][1]) if result else None

    def query_range(self, expression, start, end, step="1s"):
        return self.api("query_range", query=expression, start=start, end=end, step=step)["result"]

    def series(self, job, **more):
        """(name, sorted labels without job and instance) -> value as text, of one job now."""
        found = {}
        for row in self.query(f'{{job="{job}"}}', **more):
            labels = {key: value for key, value in row["metric"].items() if key not in ("job", "instance")}
            name = labels.pop("__name__")
            found[(name, tuple(sorted(labels.items())))] = row["value"][1]
        return found

    def ups(self, job, seconds):
        """[(time, value)] of each scrape of the job in the last seconds."""
        result = self.query(f'up{{job="{job}"}}[{int(seconds)}s]')
        return [(float(moment), float(value)) for moment, value in result[0]["values"]] if result else []

    def errors(self):
        """job -> why its last scrape failed, as the server says; of those that did."""
        targets = self.api("targets", state="active")["activeTargets"]
        return {target["labels"]["job"]: target["lastError"] for target in targets if target["lastError"]}

    def wait_scraped(self, times, limit_s):
        """Waits until every job was scraped so often; then each of those scrapes must have gone well."""
        names = {job.name for job in self.jobs}

        def enough():
            counts = {row["metric"]["job"]: int(row["value"][1]) for row in self.query("count_over_time(up[1h])")}
            return names <= set(counts) and min(counts.values()) >= times

        wait_for(enough, limit_s, f"{times} scrapes of each of {len(names)} jobs", pause_s=0.5)
        failed = {row["metric"]["job"] for row in self.query("min_over_time(up[1h]) == 0")}
        if failed:
            raise AssertionError(f"prometheus {self.version}: {sorted(failed)} had a scrape that failed; "
                                 f"last errors: {self.errors()}; log: {self.log()[-2000:]}")

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def complaints(self):
        """What it logged of scrapes and samples."""
        return [line for line in self.log().splitlines()
                if re.search(r"level=(warn|error)", line, re.IGNORECASE) and "scrape" in line]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.directory.cleanup()
