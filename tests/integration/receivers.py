"""Starts real receivers, each on loopback with a store of its own, and reads back what they stored, to the last bit."""

import glob
import gzip
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import snappy

import endpoint
import engines
import harness
from harness import skip, wait_for
from protobuf_wire import BYTES, FIXED64, VARINT, bits_of, fields, put, signed, text
from remote_write import STALE
from weir import free_port

READY_LIMIT_S = 60
STOP_LIMIT_S = 20
# version -> (suite, package, program, the version it must say of itself)
PACKAGES = {
    "prometheus-2.42": ("bookworm", "prometheus", "prometheus", "2.42."),
    "prometheus-2.53": ("trixie", "prometheus", "prometheus", "2.53."),
    "prometheus-3": ("sid", "prometheus", "prometheus", "3."),
    "victoria-metrics-1.79": ("bookworm", "victoria-metrics", "victoria-metrics", "1.79."),
    "victoria-metrics-1.112": ("trixie", "victoria-metrics", "victoria-metrics", "1.112."),
    "victoria-metrics-1": ("sid", "victoria-metrics", "victoria-metrics", "1."),
    "vmagent-1.79": ("bookworm", "victoria-metrics", "vmagent", "1.79."),
    "vmagent-1.112": ("trixie", "victoria-metrics", "vmagent", "1.112."),
    "vmagent-1": ("sid", "victoria-metrics", "vmagent", "1."),
}
# Where each takes what.
PROMETHEUS_PATHS = {"remote-write": "/api/v1/write", "remote-write-2": "/api/v1/write"}
VICTORIA_PATHS = {"remote-write": "/api/v1/write", "otlp": "/opentelemetry/v1/metrics"}
# 1.79 writes infinities as no JSON has them.
BARE_INFINITY = re.compile(rb"([\[,])\+?(-?)Inf(?=[,\]])")
READ_HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                "X-Prometheus-Remote-Read-Version": "0.1.0"}


def program(version):
    """The path of one of PACKAGES; skips where it cannot be had."""
    suite, package, name, wanted = PACKAGES[version]
    root = engines.unpacked_packages(suite, package)
    if not exact_version(version).startswith(wanted):
        skip(f"{package} of {suite} is not {version} but {exact_version(version)}")
    return os.path.join(root, "usr", "bin", name)


def exact_version(version):
    """The version of the unpacked package, e.g. "1.112.0"; by its changelog: not every build says it of itself."""
    suite, package, _, _ = PACKAGES[version]
    root = engines.unpacked_packages(suite, package)
    for path in sorted(glob.glob(f"{root}/usr/share/doc/{package}/changelog.Debian*.gz"), key=len):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            match = re.match(r"\S+ \((?:\d+:)?([\d.]*\d)", file.readline())
        if match:
            return match.group(1)
    return "unknown"


class Receiver:
    """A process that takes what is pushed. `directory` goes with it."""

    paths = {}
    ready_path = "/"

    def __init__(self, version, *flags, port=0, tls_ca=None, user=None):
        self.version = version
        self.program = program(version)
        self.flags = flags
        self.port = port or free_port()
        self.tls_ca, self.user = tls_ca, user  # with which it is asked, where `flags` say so
        self.directory = tempfile.TemporaryDirectory(prefix="weir-receiver-")
        self.log_file = os.path.join(self.directory.name, "log")
        self.process = None
        self.start()
        harness.at_end(self.close)

    def command(self):
        raise NotImplementedError

    def start(self):
        """Starts it, also again on the same port and store."""
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self._is_ready, READY_LIMIT_S, f"{self.version} is ready: {self.log()[-1000:]}", pause_s=0.1)

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.version} ended: {self.log()[-2000:]}")
        try:
            return self.request("GET", self.ready_path)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def request(self, method, target, body=None, headers=None):
        """(status, body)."""
        if self.tls_ca:
            context = ssl.create_default_context(cafile=self.tls_ca)
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = dict(headers or {})
        if self.user:
            headers.update(endpoint.basic(*self.user))
        try:
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def url(self, protocol="remote-write"):
        return f"http{'s' if self.tls_ca else ''}://127.0.0.1:{self.port}{self.paths[protocol]}"

    def samples(self, name_pattern=".+", seconds=3600, **labels):
        """labels (a sorted tuple of pairs) -> [(timestamp in ms, bits)] in time's order, of the last `seconds`."""
        raise NotImplementedError

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self):
        self.stop(signal.SIGKILL)
        self.directory.cleanup()


class Prometheus(Receiver):
    """prometheus-2.42, -2.53 or -3 as a receiver of remote write."""

    paths = PROMETHEUS_PATHS
    ready_path = "/-/ready"

    def __init__(self, version, *flags, config=None, receives=True, **more):
        self.config, self.receives = config or {}, receives
        super().__init__(version, *flags, **more)

    def command(self):
        path = os.path.join(self.directory.name, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"scrape_configs": [], **self.config}, file)
        receiver = ["--web.enable-remote-write-receiver"] if self.receives else []
        return [self.program, f"--config.file={path}", f"--storage.tsdb.path={self.directory.name}/data",
                f"--web.listen-address=127.0.0.1:{self.port}", *receiver, "--log.level=warn", *self.flags]

    def samples(self, name_pattern=".+", seconds=3600, **labels):
        """By remote read, which alone gives stale markers and every bit."""
        now = int(time.time() * 1000)
        # LabelMatcher: type 0 equal, 2 regular expression; name; value.
        matchers = put(1, 2) + put(2, "__name__") + put(3, name_pattern)
        query = put(1, now - seconds * 1000) + put(2, now + 600_000) + put(3, matchers)
        for name, value in labels.items():
            query += put(3, put(1, 0) + put(2, name) + put(3, value))
        status, body = self.request("POST", "/api/v1/read", snappy.compress(put(1, query)), READ_HEADERS)
        if status != 200:
            raise RuntimeError(f"{self.version}: /api/v1/read: {status} {body[:300]!r}")
        found = {}
        for _, result in fields(snappy.uncompress(body), "ReadResponse", {1: BYTES}):
            for _, series in fields(result, "QueryResult", {1: BYTES}):
                key, values = read_series(series)
                found[key] = values
        return found


def read_series(data):
    """A TimeSeries of an answer to remote read."""
    labels, values = [], []
    for number, value in fields(data, "TimeSeries", {1: BYTES, 2: BYTES, 3: BYTES, 4: BYTES}):
        if number == 1:
            pair = dict(fields(value, "Label", {1: BYTES, 2: BYTES}))
            labels.append((text(pair.get(1, b""), "name"), text(pair.get(2, b""), "value")))
        elif number == 2:
            sample = dict(fields(value, "Sample", {1: FIXED64, 2: VARINT}))
            values.append((signed(sample.get(2, 0)), sample.get(1, 0)))
    return tuple(sorted(labels)), values


class VictoriaMetrics(Receiver):
    """victoria-metrics-1.79 (remote write alone), -1.112 or -1."""

    paths = VICTORIA_PATHS
    ready_path = "/health"

    def command(self):
        return [self.program, f"-storageDataPath={self.directory.name}/data", f"-httpListenAddr=127.0.0.1:{self.port}",
                "-retentionPeriod=1", "-memory.allowedPercent=5", "-loggerLevel=WARN", "-search.latencyOffset=0s",
                *self.flags]

    def flush(self):
        """What was taken becomes visible."""
        self.request("GET", "/internal/force_flush")

    def samples(self, name_pattern=".+", seconds=3600, **labels):
        self.flush()
        wanted = "".join(f',{name}="{value}"' for name, value in labels.items())
        query = urllib.parse.urlencode({"match[]": f'{{__name__=~"{name_pattern}"{wanted}}}', "reduce_mem_usage": "1",
                                        "start": f"{time.time() - seconds:.3f}", "end": f"{time.time() + 600:.3f}"})
        status, body = self.request("GET", f"/api/v1/export?{query}")
        if status != 200:
            raise RuntimeError(f"{self.version}: /api/v1/export: {status} {body[:300]!r}")
        found = {}
        for line in body.splitlines():
            row = json.loads(BARE_INFINITY.sub(rb"\1\2Infinity", line))
            key = tuple(sorted(row["metric"].items()))
            rows = zip(row["timestamps"], map(exported_bits, row["values"]))
            found[key] = sorted(found.get(key, []) + list(rows), key=lambda sample: sample[0])
        return found

    def metadata(self):
        """family -> (type, help, unit); versions before 1.130 keep none."""
        status, body = self.request("GET", "/api/v1/metadata")
        if status != 200:
            raise RuntimeError(f"{self.version}: /api/v1/metadata: {status}")
        return {name: (each[0]["type"], each[0]["help"], each[0].get("unit", ""))
                for name, each in json.loads(body)["data"].items()}

    def import_text(self, page, milliseconds, **labels):
        """Takes a page in the text format at that time, with labels of its own: what this store makes of a value."""
        query = urllib.parse.urlencode([("timestamp", milliseconds)]
                                       + [("extra_label", f"{name}={value}") for name, value in labels.items()])
        status, body = self.request("POST", f"/api/v1/import/prometheus?{query}", page.encode("utf-8"))
        if status != 204:
            raise RuntimeError(f"{self.version}: /api/v1/import/prometheus: {status} {body[:300]!r}")


def exported_bits(value):
    """A value of /api/v1/export: null or NaN is a stale marker, as no other NaN is stored."""
    if value is None or value != value:
        return STALE
    return bits_of(float(value.replace("Infinity", "inf") if isinstance(value, str) else value))


def start(version, *flags, **more):
    kind = Prometheus if version.startswith("prometheus") else VictoriaMetrics
    return kind(version, *flags, **more)
