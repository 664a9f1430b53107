"""Real receivers: what `weir check` says of each, remote write 2 to those that know version 1 alone, metadata, TLS,
passwords that change, proxies."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

import snappy

import endpoint
import engines
import harness
import receivers
from endpoint import USER, USER_HASH
from harness import wait_for
from protobuf_wire import double, put
from pushing import Pages, as_remote_write
from receiver import Receiver, certificates
from remote_write import STALE
from weir import Weir, free_port, run_weir

INTERVAL_MS = 250
ROUNDS = 6
OTHER_PASSWORD = "another-test"
# bcrypt of that one, at the least cost there is.
OTHER_HASH = "$2b$04$k2AbCdEfGhIjKlMnOpQrSuv8hCxZocZjpGwPFX9kO7VNsqsAMTZ5u"
WATCHED = "container_memory_usage_bytes"
OFF = "answered 404: remote write receiver needs to be enabled with .*; .*switch its receiver on"
# receiver, protocol -> is it well, what check says.
SENTENCES = {
    ("prometheus-2.42", "remote-write"): (True, "answered 204: it takes remote write 1"),
    ("prometheus-2.42", "remote-write-2"): (True, "answered 204: it takes remote write 1 only; weir will fall back"),
    ("prometheus-3", "remote-write"): (True, "answered 204: it takes remote write 1"),
    ("prometheus-3", "remote-write-2"): (True, "answered 204: it takes remote write 2"),
    ("victoria-metrics-1.79", "remote-write"): (True, "answered 204: it takes remote write 1"),
    ("victoria-metrics-1.79", "remote-write-2"):
        (True, "answered 204: it takes remote write 1 only; weir will fall back"),
    ("victoria-metrics-1.112", "remote-write"): (True, "answered 204: it takes remote write 1"),
    ("victoria-metrics-1.112", "remote-write-2"):
        (True, "answered 204: it takes remote write 1 only; weir will fall back"),
    ("victoria-metrics-1.112", "otlp"): (True, "answered 200: it takes OTLP"),
    ("victoria-metrics-1", "remote-write"): (True, "answered 204: it takes remote write 1"),
    ("victoria-metrics-1", "remote-write-2"):
        (True, "answered 204: it takes remote write 1 only; weir will fall back"),
    ("victoria-metrics-1", "otlp"): (True, "answered 200: it takes OTLP"),
}


class StoreCase(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="weir-stores-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.stores = []
        self.weir = None
        self.addCleanup(self._end)

    def _end(self):
        if self.weir is not None:
            self.weir.close()
        for store in self.stores:
            store.close()

    def path(self, name):
        return os.path.join(self.directory, name)

    def store(self, version, *flags, **more):
        self.stores.append(receivers.start(version, *flags, **more))
        return self.stores[-1]

    def configure(self, *entries):
        destinations = [{"interval": f"{INTERVAL_MS}ms", "timeout": "2s", **entry} for entry in entries]
        endpoint.write_whole(self.path("weir.yaml"), json.dumps({"push": destinations}))
        return f"--config.file={self.path('weir.yaml')}"

    def start(self, *entries, environment=None):
        self.weir = Weir(self.configure(*entries), "--simulate.containers=3", tiers="simulated",
                         environment=environment)
        return self.weir

    def check(self, *entries, environment=None):
        """[(is it well, what is said)] of the destinations."""
        done = run_weir("check", "--collect.tiers=simulated", self.configure(*entries),
                        f"--web.listen-address=127.0.0.1:{free_port()}", environment=environment)
        found = re.findall(r"^(ok|fail|warn) +push: \S+ +(.*)$", done.stdout, re.MULTILINE)
        self.assertEqual(len(found), len(entries), done.stdout + done.stderr)
        self.assertEqual(done.returncode, 1 if any(word == "fail" for word, _ in found) else 0)
        return [(word == "ok", words) for word, words in found]

    def secret(self, name, text, mode=0o600):
        """A file of a secret, replaced in one step."""
        with open(self.path(f"{name}.new"), "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.chmod(self.path(f"{name}.new"), mode)
        os.rename(self.path(f"{name}.new"), self.path(name))
        return self.path(name)

    def counter(self, name, **labels):
        return self.weir.scrape().total(f"weir_push_{name}", **labels) or 0

    def wait_sent(self, more=1, limit_s=20):
        """So many requests more were taken; metadata may be one of them."""
        before = self.counter("responses_total", code="204")
        wait_for(lambda: self.counter("responses_total", code="204") >= before + more, limit_s,
                 f"{more} more are sent: {self.weir.log()[-1500:]}", 0.2)

    @staticmethod
    def rounds_of(samples):
        """timestamp -> {series: bits}, without markers."""
        found = {}
        for series, values in samples.items():
            for moment, bits in values:
                if bits != STALE:
                    found.setdefault(moment, {})[series] = bits
        return found


class TooOld(StoreCase):
    def test_older_than_an_hour(self):
        """Prometheus takes nothing an hour older than the newest it has: counted as that, and the next one goes. A sample of
        the future makes it think that now is too old."""
        store = self.store("prometheus-2.42")
        series = put(1, put(1, "__name__") + put(2, "ahead")) + put(2, put(2, int(time.time() * 1000) + 65 * 60_000))
        status, body = store.request("POST", "/api/v1/write", snappy.compress(put(1, series)),
                                     {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                                      "X-Prometheus-Remote-Write-Version": "0.1.0"})
        self.assertEqual(status, 204, body)
        self.start({"url": store.url(), "queue": {"dir": self.path("queue")}})
        wait_for(lambda: self.counter("rounds_dropped_total", reason="too_old") >= 3, 20,
                 f"three rounds are dropped: {self.weir.log()[-1500:]}", 0.2)
        page = self.weir.scrape()
        self.assertEqual({sample.labels["reason"] for sample in page.all("weir_push_samples_dropped_total")
                          if sample.value}, {"too_old"})
        self.assertEqual(self.counter("samples_sent_total"), 0)
        self.assertEqual(self.counter("samples_retried_total"), 0)
        self.assertIn("out of bounds", self.weir.log())


class Check(StoreCase):
    def test_each_receiver(self):
        for version in ("prometheus-2.42", "prometheus-3", "victoria-metrics-1.79", "victoria-metrics-1.112",
                        "victoria-metrics-1"):
            store = self.store(version)
            protocols = [protocol for name, protocol in SENTENCES if name == version]
            entries = [{"name": protocol, "protocol": protocol,
                        "url": store.url(protocol) if protocol in store.paths else store.url()}
                       for protocol in protocols]
            said = self.check(*entries)
            self.assertEqual(dict(zip(protocols, said)),
                             {protocol: SENTENCES[version, protocol] for protocol in protocols}, version)

    def test_what_is_not_there(self):
        """OTLP to those without it, and the path of another product."""
        old, victoria = self.store("prometheus-2.42"), self.store("victoria-metrics-1.79")
        said = self.check(
            {"name": "a", "protocol": "otlp", "url": f"http://127.0.0.1:{old.port}/api/v1/otlp/v1/metrics"},
            {"name": "b", "protocol": "otlp", "url": f"http://127.0.0.1:{victoria.port}/opentelemetry/v1/metrics"},
            {"name": "c", "url": f"http://127.0.0.1:{old.port}/api/v1/push"})
        self.assertEqual([well for well, _ in said], [False, False, False], said)
        path = "answered 40[45]: .*look at the path of the URL"
        for (_, words), wanted in zip(said, (path, "answered 400: .*unsupported path requested", path)):
            self.assertRegex(words, wanted)

    def test_a_prometheus_that_was_not_told_to_receive(self):
        for version in ("prometheus-2.42", "prometheus-3"):
            store = self.store(version, receives=False)
            [(well, words)] = self.check({"url": store.url()})
            self.assertFalse(well)
            self.assertRegex(words, OFF)


class FallBack(StoreCase):
    """Remote write 2 to receivers that know version 1 alone: 204, and nothing is stored."""

    def all_is_there(self, pages, *stores):
        """What the newest round says was queued before it is what the stores have before it, and all that they have is
        what the pages said."""
        page = self.weir.scrape_until(
            lambda page: page.total("weir_push_queue_samples") == 0, 20, "nothing waits")
        for name in ("samples_dropped_total", "rounds_dropped_total"):
            self.assertEqual(page.total(f"weir_push_{name}") or 0, 0, name)
        samples = {}
        for store in stores:
            for series, values in store.samples(instance="here").items():
                samples.setdefault(series, set()).update(values)
        rounds = self.rounds_of(samples)
        newest = max(rounds)
        [queued] = [bits for series, bits in rounds[newest].items()
                    if ("__name__", "weir_push_samples_queued_total") in series]
        self.assertEqual(sum(moment < newest for values in samples.values() for moment, _ in values), double(queued))
        self.assertGreaterEqual(len(rounds), ROUNDS)
        for moment in set(pages.pages) & set(rounds):
            wanted = set(as_remote_write(pages.page(moment), {"job": "weir", "instance": "here"}))
            self.assertEqual({key for key in rounds[moment] if ("__name__", "up") not in key}, wanted)
        print(f"{stores[-1].version}: {int(double(queued))} samples of {len(rounds)} rounds were queued and are there, "
              f"{len(set(pages.pages) & set(rounds))} compared", flush=True)

    def begin(self, store):
        self.start({"name": "it", "url": store.url(), "protocol": "remote-write-2", "queue": {"dir": self.directory},
                    "external-labels": {"instance": "here"}})
        pages = Pages(self.weir.port)
        self.addCleanup(pages.stop)
        return pages

    def wait_pages(self, pages, count):
        have = len(pages.pages)
        wait_for(lambda: len(pages.pages) >= have + count, 30, f"{count} more rounds", 0.1)

    def wait_protocol(self, name):
        self.weir.scrape_until(
            lambda page: page.value("weir_push_destination_info", destination="it", protocol=name) == 1, 15, name)

    def falls_back(self, version):
        store = self.store(version)
        pages = self.begin(store)
        self.wait_protocol("remote-write")
        self.wait_pages(pages, ROUNDS + 4)
        self.all_is_there(pages, store)

    def test_prometheus_2_42(self):
        self.falls_back("prometheus-2.42")

    def test_victoria_metrics_1_79(self):
        self.falls_back("victoria-metrics-1.79")

    def test_victoria_metrics_1_112(self):
        self.falls_back("victoria-metrics-1.112")

    def test_the_newest_victoria_metrics(self):
        self.falls_back("victoria-metrics-1")

    def converted(self, version):
        """The receiver comes late: the rounds that wait were made for version 2."""
        store = self.store(version)
        store.stop()
        pages = self.begin(store)
        wait_for(lambda: self.counter("queue_samples") > 0, 10, "some wait")
        self.wait_pages(pages, ROUNDS)
        self.assertEqual(self.counter("samples_sent_total"), 0)
        store.start()
        self.wait_protocol("remote-write")
        self.wait_sent(3, 40)
        self.all_is_there(pages, store)

    def test_what_waited_for_prometheus_2_42(self):
        self.converted("prometheus-2.42")

    def test_what_waited_for_victoria_metrics_1_112(self):
        self.converted("victoria-metrics-1.112")

    def test_a_receiver_that_becomes_older(self):
        """Prometheus 3 is taken away and 2.42 stands on its port: it answers 204 to version 2 and keeps nothing."""
        new = self.store("prometheus-3")
        pages = self.begin(new)
        self.wait_sent(3)
        self.wait_protocol("remote-write-2")
        new.stop()
        self.wait_pages(pages, 2)
        old = receivers.start("prometheus-2.42", port=new.port)
        self.stores.append(old)
        self.wait_protocol("remote-write")
        self.wait_sent(ROUNDS, 40)
        # Both at once: what they have together is all.
        new.port = free_port()
        new.start()
        self.all_is_there(pages, new, old)


class Metadata(StoreCase):
    def wanted(self):
        """name -> (type, help) of the page."""
        text = self.weir.scrape().text
        types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
        return {name: (kind, helps[name]) for name, kind in types.items()}

    def test_victoria_metrics_keeps_it(self):
        store = self.store("victoria-metrics-1")
        if tuple(map(int, receivers.exact_version("victoria-metrics-1").split(".")[:2])) < (1, 140):
            harness.skip("this version keeps no metadata")
        self.start({"url": store.url()})
        wanted = self.wanted()
        wait_for(lambda: set(store.metadata()) >= set(wanted), 30, "it has all of it", 0.5)
        found = store.metadata()
        self.assertEqual({name: found[name][:2] for name in wanted}, wanted)

    def test_victoria_metrics_by_otlp(self):
        store = self.store("victoria-metrics-1")
        if tuple(map(int, receivers.exact_version("victoria-metrics-1").split(".")[:2])) < (1, 140):
            harness.skip("this version keeps no metadata")
        self.start({"url": store.url("otlp"), "protocol": "otlp"})
        wait_for(lambda: "container.cpu.time" in store.metadata(), 30, "it has some", 0.5)
        found = store.metadata()
        self.assertEqual(found["container.cpu.time"][::2], ("counter", "s"))
        # Sums that may fall are gauges to it.
        self.assertEqual(found["container.memory.usage"][::2], ("gauge", "By"))
        wanted = self.wanted()
        self.assertEqual({name: each[0] for name, each in found.items() if name in wanted},
                         {name: wanted[name][0] for name in found if name in wanted})

    def test_prometheus_3_hands_it_on(self):
        """It shows to nobody what was pushed, but keeps it with the series and sends it on. It is told to use start times
        too, where it knows them."""
        last = Receiver()
        self.addCleanup(last.stop)
        store = self.store("prometheus-3", "--enable-feature=metadata-wal-records,created-timestamp-zero-ingestion",
                           config={"remote_write": [{"url": last.url(),
                                                     "protobuf_message": "io.prometheus.write.v2.Request"}]})
        self.start({"url": store.url(), "protocol": "remote-write-2"})
        self.wait_sent(3)
        wanted = self.wanted()
        seen = {}

        def all_seen():
            for request in last.of():
                seen.update(request.message.metadata)
            return set(seen) >= set(wanted)

        wait_for(all_seen, 40, "it is handed on", 0.5)
        self.assertEqual({name: (seen[name].kind, seen[name].help) for name in wanted},
                         {name: (kind, text.replace("\\\\", "\\")) for name, (kind, text) in wanted.items()})
        self.assertEqual(self.counter("samples_dropped_total"), 0)
        self.assertEqual(set(re.findall(r"level=ERROR.*", store.log())), set())


class Secured(StoreCase):
    """The receivers' own TLS and passwords, and proxies."""

    def setUp(self):
        super().setUp()
        certificates(self.directory)
        os.chmod(self.directory, 0o755)

    def prometheus(self, version="prometheus-2.42", password_hash=USER_HASH):
        self.web_config(password_hash)
        return self.store(version, f"--web.config.file={self.path('web.yml')}", tls_ca=self.path("ca.pem"), user=USER)

    def web_config(self, password_hash):
        endpoint.write_whole(self.path("web.yml"), (
            f"tls_server_config:\n  cert_file: {self.path('server.pem')}\n  key_file: {self.path('server.key')}\n"
            f"basic_auth_users:\n  {USER[0]}: {password_hash}\n"))

    def victoria(self, version):
        return self.store(version, "-tls", f"-tlsCertFile={self.path('server.pem')}",
                          f"-tlsKeyFile={self.path('server.key')}", f"-httpAuth.username={USER[0]}",
                          f"-httpAuth.password={USER[1]}", tls_ca=self.path("ca.pem"), user=USER)

    def entry(self, store, ca="ca.pem", **more):
        return {"url": store.url(), "tls": {"ca-file": self.path(ca)},
                "basic-auth": {"username": USER[0], "password-file": self.path("password")},
                "external-labels": {"instance": "here"}, **more}

    def test_tls_and_password(self):
        self.secret("password", USER[1])
        for store in (self.prometheus(), self.prometheus("prometheus-3"), self.victoria("victoria-metrics-1.79"),
                      self.victoria("victoria-metrics-1")):
            with self.subTest(store.version):
                self.assertEqual(self.check(self.entry(store)), [(True, "answered 204: it takes remote write 1")])
                self.start(self.entry(store))
                self.wait_sent(3)
                self.assertGreaterEqual(len(self.rounds_of(store.samples(WATCHED, instance="here"))), 2)
                self.weir.close()
                self.weir = None

    def test_a_wrong_authority(self):
        self.secret("password", USER[1])
        for store in (self.prometheus(), self.victoria("victoria-metrics-1.112")):
            [(well, words)] = self.check(self.entry(store, ca="other-ca.pem"))
            self.assertFalse(well)
            self.assertRegex(words, "gave no answer: TLS .*certificate.*check the files of the CA")

    def test_a_wrong_password(self):
        self.secret("password", "wrong")
        for store in (self.prometheus(), self.victoria("victoria-metrics-1")):
            [(well, words)] = self.check(self.entry(store))
            self.assertFalse(well)
            self.assertRegex(words, "answered 401: .*look at basic-auth")
            self.assertNotIn("wrong", words)

    def test_a_password_changes(self):
        """First at the receiver, then in weir's file: no restart, no reload."""
        store = self.prometheus()
        self.secret("password", USER[1])
        self.start(self.entry(store))
        self.wait_sent(3)
        self.web_config(OTHER_HASH)
        wait_for(lambda: self.counter("responses_total", code="401") >= 1, 15, "the old one is refused", 0.2)
        self.secret("password", OTHER_PASSWORD)
        self.wait_sent(4)
        store.user = (USER[0], OTHER_PASSWORD)
        refused = self.counter("responses_total", code="401")
        self.wait_sent(3)
        self.assertEqual(self.counter("responses_total", code="401"), refused)
        log = self.weir.log()
        self.assertTrue(self.weir.log_lines("401"), log)
        for word in (USER[1], OTHER_PASSWORD):
            self.assertNotIn(word, log)

    def test_a_password_everybody_may_read(self):
        store = self.prometheus()
        self.secret("password", USER[1], 0o644)
        [(well, words)] = self.check(self.entry(store))
        self.assertFalse(well)
        for word in (self.path("password"), "chmod"):
            self.assertIn(word, words)
        done = run_weir("--collect.tiers=simulated", self.configure(self.entry(store)),
                        f"--web.listen-address=127.0.0.1:{free_port()}")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(words, done.stderr)

    def proxy(self, user=None):
        """tinyproxy on a port of its own."""
        root = engines.unpacked_packages("bookworm", "tinyproxy-bin")
        port, log = free_port(), self.path("tinyproxy.log")
        with open(self.path("tinyproxy.conf"), "w", encoding="ascii") as file:
            file.write(f"Port {port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nLogFile \"{log}\"\nLogLevel Connect\n"
                       "DisableViaHeader Yes\n" + (f"BasicAuth {user[0]} {user[1]}\n" if user else ""))
        process = subprocess.Popen([f"{root}/usr/bin/tinyproxy", "-d", "-c", self.path("tinyproxy.conf")],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def end():
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self.addCleanup(end)
        wait_for(lambda: endpoint_is_open(port), 10, "the proxy listens")
        return port, log

    def test_through_a_proxy(self):
        """With TLS through a tunnel of it, without as a request to it."""
        self.secret("password", USER[1])
        port, log = self.proxy()
        secured, plain = self.prometheus(), self.store("victoria-metrics-1.112")
        entries = [self.entry(secured, name="tls", **{"proxy-url": f"http://127.0.0.1:{port}"}),
                   {"name": "plain", "url": plain.url(), "proxy-url": f"http://127.0.0.1:{port}",
                    "external-labels": {"instance": "here"}}]
        self.assertEqual(self.check(*entries), [(True, "answered 204: it takes remote write 1")] * 2)
        self.start(*entries)
        wait_for(lambda: all(self.counter("responses_total", code="204", destination=name) >= 3
                             for name in ("tls", "plain")), 20, "both are sent", 0.2)
        self.assertGreaterEqual(len(self.rounds_of(secured.samples(WATCHED, instance="here"))), 2)
        self.assertGreaterEqual(len(self.rounds_of(plain.samples(WATCHED, instance="here"))), 2)
        with open(log, encoding="utf-8", errors="replace") as file:
            passed = file.read()
        self.assertIn(f"CONNECT 127.0.0.1:{secured.port}", passed)
        self.assertIn(f"POST http://127.0.0.1:{plain.port}/api/v1/write", passed)

    def test_a_proxy_that_wants_a_password(self):
        port, _ = self.proxy(("user", "of-the-proxy"))
        store = self.store("victoria-metrics-1.112")
        entry = {"url": store.url(), "proxy-url": f"http://127.0.0.1:{port}"}
        [(well, words)] = self.check(entry)
        self.assertFalse(well)
        self.assertRegex(words, "407.*user and password, which weir sends to none")


def endpoint_is_open(port):
    try:
        endpoint.connect(port, limit_s=1).close()
        return True
    except OSError:
        return False


if __name__ == "__main__":
    harness.main(limit_s=280)
