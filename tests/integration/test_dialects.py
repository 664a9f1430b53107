"""Every format and coding that a real Prometheus asks for, over every kind of connection: the same series come out.

First argument: the version of Prometheus, 2.42, 2.53 or 3.
"""

import gzip
import http.server
import re
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

import endpoint
import harness
import prometheus
from harness import wait_for
from prometheus import Job, Prometheus
from test_tls import Certificates
from weir import Weir, free_port

VERSION = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in prometheus.PROTOCOLS else "2.42"
# A page of some 110 kB: fifty jobs share two CPUs with the server that reads them.
CONTAINERS = 6
INTERVAL = "3s"
SCRAPES = 4
SCRAPES_LIMIT_S = 90
SAME_LIMIT_S = 20
CONTENT_TYPES = {  # main type and the parameter that tells it from its like
    "PrometheusProto": ("application/vnd.google.protobuf", "encoding=delimited"),
    "OpenMetricsText1.0.0": ("application/openmetrics-text", "version=1.0.0"),
    "OpenMetricsText0.0.1": ("application/openmetrics-text", "version=0.0.1"),
    "PrometheusText0.0.4": ("text/plain", "version=0.0.4"),
    "PrometheusText1.0.0": ("text/plain", "version=1.0.0"),
}
# One reads what another read some seconds before, so only values that never change are compared.
CONSTANT = re.compile(r"container_spec_|container_start_time_seconds$|container_creation_time_seconds$|"
                      r"container_threads_max$|weir_container_memory_limit_bytes$|weir_build_info$|weir_simulated$|"
                      r"weir_container_(state|tier)$|machine_|process_max_fds$")
CONSTANT_OF_EACH = 5  # of every container at least so many of these
OWN = re.compile(r"(up|scrape_\w+)$")  # the server's own series of a target

certificates = directory = None
weirs = {}  # (kind of connection, gzip) -> weir
ipv6_ports = {}  # gzip -> where the plain one listens on [::1] too


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def start_weir(kind, coding):
    """One of every kind: plain (also on [::1]), tls with a client's certificate, password, TLS and password."""
    name = f"{directory.name}/{kind}-{coding}.yml"
    leaf = (certificates.path("server.pem"), certificates.path("server.key"))
    flags = [f"--simulate.containers={CONTAINERS}", "--simulate.seed=7", f"--web.gzip={coding}", "--log.level=warn"]
    if kind == "plain":  # a file that says nothing, so that all have the series about it
        flags.append(endpoint.web_config(name))
    if kind == "plain" and has_ipv6():
        ipv6_ports[coding] = free_port()
        flags.append(f"--web.listen-address=[::1]:{ipv6_ports[coding]}")
    elif kind == "tls":
        flags.append(endpoint.web_config(name, *leaf, client_ca=certificates.path("ca.pem")))
    elif kind == "password":
        flags.append(endpoint.web_config(name, users=True))
    elif kind == "tls-password":
        flags.append(endpoint.web_config(name, *leaf, users=True))
    return Weir(*flags, tiers="simulated")


def setUpModule():
    global certificates, directory
    prometheus.program(VERSION)
    directory = tempfile.TemporaryDirectory(prefix="weir-dialects-")
    harness.at_end(directory.cleanup)
    certificates = Certificates(f"{directory.name}/certificates")
    for coding in ("always", "never"):
        for kind in ("plain", "tls", "password", "tls-password"):
            weirs[kind, coding] = start_weir(kind, coding)


def tearDownModule():
    for weir in weirs.values():
        weir.close()


def tls_config(client):
    config = {"ca_file": certificates.path("ca.pem")}
    if client:
        config.update(cert_file=certificates.path("client.pem"), key_file=certificates.path("client.key"))
    return config


def kinds_of_job(coding):
    """(word, target, further members of a Job) of every kind of connection."""
    yield "tcp", f"127.0.0.1:{weirs['plain', coding].port}", {}
    if coding in ipv6_ports:
        yield "ipv6", f"[::1]:{ipv6_ports[coding]}", {}
    yield "tls", f"127.0.0.1:{weirs['tls', coding].port}", {"tls": tls_config(client=True)}
    yield "password", f"127.0.0.1:{weirs['password', coding].port}", {"user": endpoint.USER}
    yield ("tls-password", f"127.0.0.1:{weirs['tls-password', coding].port}",
           {"tls": tls_config(client=False), "user": endpoint.USER})


def jobs_for(dialect, protocol):
    found = []
    for coding in ("always", "never"):
        for word, target, more in kinds_of_job(coding):
            found.append(Job(f"{dialect}-gzip-{coding}-{word}", target, INTERVAL, protocol, **more))
    if protocol:  # a server that does not ask for gzip gets none, whatever weir would do
        found.append(Job(f"{dialect}-gzip-unasked-tcp", f"127.0.0.1:{weirs['plain', 'always'].port}", INTERVAL,
                         protocol, compression=False))
    return found


class Recorder:
    """Writes down the headers of each scrape by its path, and answers with one sample."""

    def __init__(self):
        self.headers = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):  # noqa: N805, the name and form are http.server's
                self.headers[handler.path.strip("/")] = dict(handler.headers.items())
                body = b"recorded 1\n"
                handler.send_response(200)
                handler.send_header("Content-Type", "text/plain; version=0.0.4")
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.target = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        harness.at_end(self.server.shutdown)


def short(series):
    """A set of series for a message."""
    return [f"{name}{dict(labels)}" for name, labels in sorted(series)][:5]


class Dialects(unittest.TestCase):
    def scrape_all(self, dialects, features=()):
        """Scrapes of all combinations by one server. `dialects` are (word, protocol, content type expected)."""
        recorder = Recorder()
        jobs = [job for word, protocol, _ in dialects for job in jobs_for(word, protocol)]
        recorded = [Job(f"record-{word}", recorder.target, INTERVAL, protocol, path=f"/{word}")
                    for word, protocol, _ in dialects]
        server = Prometheus(VERSION, jobs + recorded, features)
        try:
            server.wait_scraped(SCRAPES, SCRAPES_LIMIT_S)
            self.assert_same(server, [job.name for job in jobs])
            self.assertEqual(server.errors(), {})
            self.assertEqual(server.complaints(), [])
        finally:
            server.stop()
        for word, _, kind in dialects:
            with self.subTest(dialect=word):
                self.assert_answered_in(kind, recorder.headers[word])

    def assert_same(self, server, jobs):
        """The same series, the same number of samples, and the same values where they do not change."""
        def differences():
            """What each job lacks or has besides the first one, and everything found."""
            found = {job: {key: value for key, value in server.series(job).items() if not OWN.match(key[0])}
                     for job in jobs}
            first = found[jobs[0]]
            self.assertGreater(len(first), 50 * CONTAINERS)
            lines = [f"{job}: lacks {short(first.keys() - own.keys())}, has besides {short(own.keys() - first.keys())}"
                     for job, own in found.items() if own.keys() != first.keys()]
            return lines, found

        last = []

        def same():  # a container that begins or ends is seen by one job before the next
            last[:] = differences()
            return not last[0]

        try:
            wait_for(same, SAME_LIMIT_S, "equal series", pause_s=1)
        except AssertionError as error:
            self.fail(f"{error}\n" + "\n".join(last[0]))
        found = last[1]
        constant = {job: {key: value for key, value in own.items() if CONSTANT.match(key[0])}
                    for job, own in found.items()}
        self.assertGreater(len(constant[jobs[0]]), CONSTANT_OF_EACH * CONTAINERS)
        for job in jobs:
            self.assertEqual(constant[job], constant[jobs[0]], f"{job} and {jobs[0]}")
        scraped = {row["metric"]["job"]: int(row["value"][1]) for row in server.query("scrape_samples_scraped")}
        self.assertEqual({job: scraped[job] for job in jobs}, {job: len(found[jobs[0]]) for job in jobs})

    def assert_answered_in(self, kind, asked):
        """What the server asked for is what weir gives: no falling back to a format they share besides."""
        main, parameter = CONTENT_TYPES[kind]
        for coding in ("always", "never"):
            headers = {key: value for key, value in asked.items() if key.lower() in ("accept", "accept-encoding")}
            answer = endpoint.ask_once(weirs["plain", coding].port, headers=headers)
            self.assertEqual(answer.status, 200, answer.body[:300])
            words = [word.strip() for word in answer.headers["content-type"].split(";")]
            self.assertEqual(words[0], main, f"{asked} -> {words}")
            self.assertIn(parameter, words[1:], f"{asked} -> {words}")
            self.assertEqual(answer.headers.get("content-encoding"), "gzip" if coding == "always" else None)

    def test_every_dialect_gives_the_same(self):
        if VERSION == "2.42":
            self.scrape_all([("own", "", "OpenMetricsText1.0.0")])
            self.scrape_all([("native", "", "PrometheusProto")], features=("native-histograms",))
        else:
            self.scrape_all([(protocol.lower().replace(".", ""), protocol, protocol)
                             for protocol in prometheus.PROTOCOLS[VERSION]])
            self.scrape_all([("own", "", "OpenMetricsText1.0.0")])


# -- one snapshot in every format ----------------------------------------------------------------------------


def fields(data):
    """(number, value) of each field of a protobuf message: integers, eight raw bytes or a slice."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        else:
            length = {1: lambda: 8, 2: varint, 5: lambda: 4}[tag & 7]()
            if at + length > len(data):
                raise AssertionError("a protobuf field runs past the end")
            yield tag >> 3, data[at:at + length]
            at += length


def delimited(data):
    """Messages that each follow their length."""
    while data:
        length = shift = 0
        while True:
            byte, data = data[0], data[1:]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if length > len(data):
            raise AssertionError("a message runs past the end")
        yield data[:length]
        data = data[length:]


def from_protobuf(data):
    """series -> float. MetricFamily has name 1 and metric 4; Metric label 1, gauge 2, counter 3 and untyped 5."""
    found = {}
    for message in delimited(data):
        family = list(fields(message))
        name = next(value for number, value in family if number == 1).decode()
        for metric in (value for number, value in family if number == 4):
            labels, sample = {}, None
            for number, value in fields(metric):
                if number == 1:
                    pair = dict(fields(value))
                    labels[pair[1].decode()] = pair.get(2, b"").decode()
                elif number in (2, 3, 5):
                    sample = struct.unpack("<d", dict(fields(value)).get(1, bytes(8)))[0]
            key = (name, tuple(sorted(labels.items())))
            if sample is None or key in found:
                raise AssertionError(f"{key}: no value, or twice")
            found[key] = sample
    return found


def from_families(families):
    found = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in found:
                raise AssertionError(f"{key} comes twice")
            found[key] = float(sample.value)
    return found


def plain_names(text, series):
    """The text parser gives every counter's samples the end _total, cAdvisor's failcnt too."""
    return {(name if f"\n{name}{{" in text or f"\n{name} " in text else name.removesuffix("_total"), labels): value
            for (name, labels), value in series.items()}


ACCEPT = {
    "text": "text/plain;version=0.0.4",
    "openmetrics": "application/openmetrics-text;version=1.0.0",
    "protobuf": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
}
SNAPSHOT = ("weir_snapshot_timestamp_seconds", ())


class OneSnapshot(unittest.TestCase):
    def setUp(self):
        # Once a second a new round, between them a snapshot that is reused.
        self.weir = Weir("--simulate.containers=40", "--collect.max-age=1h", "--web.gzip=always", tiers="simulated")

    def pages(self):
        """Format and coding -> series, by requests that come in one packet."""
        requests = [(name, coding) for name in ACCEPT for coding in ("gzip", "identity")]
        data = b"".join(f"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: {ACCEPT[name]}\r\nAccept-Encoding: {coding}\r\n"
                        f"Connection: {'close' if index == len(requests) - 1 else 'keep-alive'}\r\n\r\n".encode()
                        for index, (name, coding) in enumerate(requests))
        received, _ = endpoint.raw(self.weir.port, data)
        answers = endpoint.parse_answers(received)
        self.assertEqual([answer.status for answer in answers], [200] * len(requests))
        pages = {}
        for (name, coding), answer in zip(requests, answers):
            self.assertEqual(answer.headers.get("content-encoding", "identity"), coding)
            body = gzip.decompress(answer.body) if coding == "gzip" else answer.body
            pages[name, coding] = self.parse(name, body)
        return pages

    def parse(self, name, body):
        from prometheus_client import parser
        from prometheus_client.openmetrics import parser as openmetrics_parser
        if name == "protobuf":
            return from_protobuf(body)
        text = body.decode()
        if name == "openmetrics":
            self.assertTrue(text.endswith("\n# EOF\n"))
            return from_families(openmetrics_parser.text_string_to_metric_families(text))
        return plain_names(text, from_families(parser.text_string_to_metric_families(text)))

    def test_every_format_has_the_same_samples(self):
        for _ in range(50):
            pages = self.pages()
            if len({series[SNAPSHOT] for series in pages.values()}) == 1:
                break
            time.sleep(0.05)
        else:
            self.fail("six requests of one packet never got one snapshot")
        first = pages["text", "identity"]
        self.assertGreater(len(first), 1500)
        for key, series in pages.items():
            self.assertEqual(series, first, key)  # keys, and values to the last bit
        self.weir.close()

    def test_sets_are_chosen_alike(self):
        """collect[] gives the same in every format, and exclude[] the rest of it."""
        whole = self.names("")
        chosen = self.names("?collect[]=cpu&collect[]=weir")
        self.assertTrue(chosen)
        self.assertTrue(chosen < whole)
        self.assertEqual(self.names("?exclude[]=cpu&exclude[]=weir") | chosen, whole)
        self.assertEqual(self.names("?exclude[]=cpu&exclude[]=weir") & chosen, set())
        for query in ("?collect[]=cpu&exclude[]=memory", "?collect[]=nothing", "?exclude[]=nothing"):
            answer = endpoint.ask_once(self.weir.port, f"/metrics{query}")
            self.assertEqual(answer.status, 400, query)
        self.weir.close()

    def names(self, query):
        found = []
        for name, accept in ACCEPT.items():
            answer = endpoint.ask_once(self.weir.port, f"/metrics{query}", headers={"Accept": accept})
            self.assertEqual(answer.status, 200, answer.body[:200])
            found.append({series for series, _ in self.parse(name, answer.body)})
        self.assertEqual(found[0], found[1])
        self.assertEqual(found[0], found[2])
        return found[0]


if __name__ == "__main__":
    harness.main(limit_s=220)
