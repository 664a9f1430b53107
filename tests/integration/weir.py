"""Starts weir and scrapes it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

import harness
from harness import skip, wait_for

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    text_string_to_metric_families = None

BINARY = os.environ.get("WEIR_BINARY") or os.path.join(harness.REPOSITORY, "build", "weir")
START_LIMIT_S = 10
# A stop is promised within a second; sanitizers look for leaks afterwards.
STOP_LIMIT_S = 10
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:", "Assertion")


def need_binary():
    if not os.access(BINARY, os.X_OK):
        if "WEIR_BINARY" in os.environ:
            raise RuntimeError(f"WEIR_BINARY is {BINARY}, which cannot be run")
        skip(f"{BINARY} is not there; build weir or set WEIR_BINARY")
    if text_string_to_metric_families is None:
        skip("no module prometheus_client (package python3-prometheus-client)")
    return BINARY


def is_sanitized():
    """Is it a build that is slower and keeps more memory?"""
    with open(BINARY, "rb") as file:
        return b"__asan_init" in file.read()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Exposition:
    """One parsed answer. Every sample is looked up by family name and some of its labels."""

    def __init__(self, text, seconds=0.0, headers=None):
        self.text = text
        self.seconds = seconds
        self.headers = headers or {}
        self.families = {}
        self.samples = []
        for family in text_string_to_metric_families(text):
            if family.name in self.families:
                raise AssertionError(f"family {family.name} comes twice")
            self.families[family.name] = family
            # The parser gives every counter's samples the end _total, cAdvisor's failcnt too.
            if family.type == "counter" and f"# TYPE {family.name} counter\n" in text:
                family.samples = [sample._replace(name=family.name) for sample in family.samples]
            self.samples += family.samples
        seen = set()
        for sample in self.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in seen:
                raise AssertionError(f"series comes twice: {key}")
            seen.add(key)

    def all(self, metric, **labels):
        """The samples of `metric` that carry all of `labels`."""
        return [sample for sample in self.samples if sample.name == metric
                and all(sample.labels.get(key) == value for key, value in labels.items())]

    def value(self, metric, **labels):
        """The value of the only such sample, or None."""
        found = self.all(metric, **labels)
        if len(found) > 1:
            raise AssertionError(f"{metric}{labels} is not one series but {len(found)}: {found[:3]}")
        return found[0].value if found else None

    def total(self, metric, **labels):
        """Sum over the samples; None without any."""
        found = self.all(metric, **labels)
        return sum(sample.value for sample in found) if found else None

    def state(self, name):
        """The word of weir_container_state for the container, or None."""
        words = [s.labels["state"] for s in self.all("weir_container_state", name=name) if s.value == 1]
        if len(words) > 1:
            raise AssertionError(f"{name} is in more than one state: {words}")
        return words[0] if words else None

    def metrics_of(self, name):
        """Names of every metric the container has a sample of."""
        return {sample.name for sample in self.samples if sample.labels.get("name") == name}

    def errors(self):
        """reason -> count."""
        counts = {}
        for sample in self.all("weir_collector_errors_total"):
            counts[sample.labels["reason"]] = counts.get(sample.labels["reason"], 0) + sample.value
        return counts


class Weir:
    """A running weir on a port of its own; stopped, and checked for sanitizer reports, at the end.

    `tiers` is --collect.tiers: the engine alone, unless a test is about other sources; None leaves weir its default.
    A flag that says it is stronger.
    """

    def __init__(self, *flags, tiers="engine", user=None, environment=None, groups=None):
        need_binary()
        if tiers is not None and not any(flag.startswith("--collect.tiers") for flag in flags):
            flags = (f"--collect.tiers={tiers}", *flags)
        self.port = free_port()
        self.flags = flags
        self.log_file = tempfile.NamedTemporaryFile(prefix="weir-log-", suffix=".txt")
        command = [BINARY, f"--web.listen-address=127.0.0.1:{self.port}", *flags]
        if user is not None:
            group = ["--clear-groups"] if groups is None else ["--groups", groups]
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", *group] + command
        # Only what is given here decides: no engine is found by the caller's environment.
        inherited = {key: value for key, value in os.environ.items()
                     if key not in ("DOCKER_HOST", "CONTAINER_HOST") and not key.startswith("WEIR_")}
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log_file,
            env={**inherited, **(environment or {})})
        harness.at_end(self.kill)
        wait_for(self._listens, START_LIMIT_S, f"weir listens ({' '.join(flags)}); log: {self.log()[-2000:]}")

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"weir ended with {self.process.returncode}: {self.log()[-3000:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def log(self):
        with open(self.log_file.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def get(self, path="/metrics", timeout_s=None, limit_s=15):
        """(status, text, seconds, headers) of one GET; `timeout_s` is the deadline told to weir."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit_s)
        headers = {} if timeout_s is None else {"X-Prometheus-Scrape-Timeout-Seconds": str(timeout_s)}
        begin = time.monotonic()
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        return response.status, body.decode("utf-8"), time.monotonic() - begin, dict(response.getheaders())

    def scrape(self, timeout_s=None, limit_s=15):
        status, text, seconds, headers = self.get("/metrics", timeout_s, limit_s)
        if status != 200:
            raise AssertionError(f"/metrics answered {status}: {text[:300]}")
        return Exposition(text, seconds, headers)

    def scrape_until(self, condition, limit_s, what, pause_s=0.3, timeout_s=None):
        """The first exposition for which `condition` holds."""
        last = []

        def try_once():
            last[:] = [self.scrape(timeout_s)]
            return last[0] if condition(last[0]) else None

        try:
            return wait_for(try_once, limit_s, what, pause_s)
        except AssertionError as error:
            lines = [line for line in last[0].text.splitlines() if line.startswith("weir_")] if last else []
            raise AssertionError(f"{error}\nlast answer: " + "\n".join(lines[:60])
                                 + f"\nlog: {self.log()[-2000:]}") from None

    def running(self):
        return self.process.poll() is None

    def stop(self, number=signal.SIGTERM):
        """Sends the signal; (seconds until the end, exit code)."""
        begin = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(STOP_LIMIT_S)
        return time.monotonic() - begin, self.process.returncode

    def check_log(self):
        """Fails on a report of a sanitizer or an assertion."""
        for line in self.log().splitlines():
            if any(word in line for word in SANITIZER_WORDS):
                raise AssertionError(f"weir reported: {self.log()[-4000:]}")

    def close(self):
        """The end of a test that is not about stopping: exit 0 and a clean log."""
        if self.running():
            _, code = self.stop()
            if code != 0:
                raise AssertionError(f"weir ended with {code}: {self.log()[-4000:]}")
        self.check_log()

    def kill(self):
        if self.running():
            self.process.kill()
            self.process.wait()


def run_weir(*arguments, limit_s=30, environment=None, wrapper=()):
    """weir as a command that ends, started by `wrapper`: the finished process with text output."""
    need_binary()
    inherited = {key: value for key, value in os.environ.items()
                 if key not in ("DOCKER_HOST", "CONTAINER_HOST") and not key.startswith("WEIR_")}
    return subprocess.run([*wrapper, BINARY, *arguments], capture_output=True, text=True, timeout=limit_s,
                          stdin=subprocess.DEVNULL, env={**inherited, **(environment or {})})
