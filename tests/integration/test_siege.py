"""Slow and fast attackers beside a real Prometheus: it loses no scrape, and weir then holds what it held before."""

import asyncio
import multiprocessing
import resource
import subprocess
import tempfile
import time
import unittest

import endpoint
import engines
import harness
from harness import wait_for
from prometheus import Job, Prometheus
from test_tls import Certificates
from weir import Exposition, Weir, is_sanitized

CONTAINERS = 100  # a page of 1.8 MB, which a slow reader can hold on to
FLOOD_CONTAINERS = 5  # one of 90 kB: a thousand a second must be possible on two CPUs
ATTACKERS = 1000
SIEGE_S = 20
TLS_SIEGE_S = 10  # twice
SETTLE_S = 6
REST_S = 0.5  # until connections that clients have closed are closed here too
FLOOD_A_SECOND = 1000
FLOOD_WORKERS = 64
# A scrape a second: more than half a second late, or missed, is a gap.
GAP_S = 1.6
# What malloc may keep of the many small pieces that connections were: less than one page of metrics, so that one kept
# by mistake is seen.
RSS_MARGIN_KIB = 1024
BACK_LIMIT_S = 30


def refusals(page):
    return {sample.labels["reason"]: sample.value for sample in page.all("weir_http_refused_total")}


class Siege(unittest.TestCase):
    def start(self, containers, *flags, authority=None):
        self.weir = Weir(f"--simulate.containers={containers}", *flags, tiers="simulated")
        self.tls = authority and endpoint.client_tls(authority)
        self.server = Prometheus("2.42", [Job("weir", f"127.0.0.1:{self.weir.port}",
                                              tls=authority and {"ca_file": authority})])
        self.addCleanup(self.server.stop)
        self.server.wait_scraped(SETTLE_S, 30)
        self.began = time.time()
        self.before = refusals(self.page())
        time.sleep(REST_S)
        self.rss, self.open = self.held()

    def page(self):
        return Exposition(endpoint.ask_once(self.weir.port, tls=self.tls).body.decode())

    def held(self):
        pid = self.weir.process.pid
        return endpoint.resident_kib(pid), endpoint.descriptors(pid)

    def finish(self, *reasons):
        """What must hold after every siege; `reasons` are those of which at least one must have been given."""
        self.assert_no_scrape_lost()
        after = refusals(self.page())
        told = {reason: int(after[reason] - self.before.get(reason, 0)) for reason in after
                if after[reason] > self.before.get(reason, 0)}
        print(f"refused: {told}; RSS before {self.rss} KiB, at the end of the siege {self.held()[0]} KiB")
        if reasons:
            self.assertTrue(set(told) & set(reasons), f"refused {told}, none of {reasons}")
        self.assert_let_go()
        self.server.stop()
        self.weir.close()

    def assert_no_scrape_lost(self):
        end = time.time()
        wait_for(lambda: self.server.ups("weir", 10)[-1][0] > end, 10, "the scrapes of the last moment", pause_s=0.2)
        ups = self.server.ups("weir", time.time() - self.began)
        self.assertGreaterEqual(len(ups), int(ups[-1][0] - ups[0][0]))
        self.assertEqual([moment for moment, value in ups if value != 1], [], self.server.errors())
        gaps = [(a, b - a) for (a, _), (b, _) in zip(ups, ups[1:]) if b - a > GAP_S]
        self.assertEqual(gaps, [])
        self.assertLess(time.time() - ups[-1][0], 3)

    def assert_let_go(self):
        """Descriptors exactly, memory within a margin."""
        try:
            wait_for(lambda: self.held()[1] == self.open, BACK_LIMIT_S, "descriptors as before", pause_s=0.5)
            if not is_sanitized():  # a sanitizer keeps what was freed
                wait_for(lambda: self.held()[0] <= self.rss + RSS_MARGIN_KIB, BACK_LIMIT_S, "memory as before",
                         pause_s=0.5)
        except AssertionError as error:
            rss, now = self.held()
            self.fail(f"{error}: RSS {self.rss} -> {rss} KiB; descriptors {len(self.open)} -> {len(now)}: "
                      f"{self.open} -> {now}")


class Slow(Siege):
    def attack(self, *options, rate=300, path="/metrics", seconds=SIEGE_S):
        """slowhttptest until its end."""
        scheme = "https" if self.tls else "http"
        program = engines.need_program("slowhttptest", "slowhttptest")
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2 * ATTACKERS:
            harness.skip(f"fewer than {2 * ATTACKERS} descriptors a process")
        with tempfile.TemporaryDirectory(prefix="weir-siege-") as directory:
            done = subprocess.run(
                [program, *options, "-c", str(ATTACKERS), "-r", str(rate), "-l", str(seconds), "-p", "5", "-v", "1",
                 "-u", f"{scheme}://127.0.0.1:{self.weir.port}{path}"],
                cwd=directory, capture_output=True, text=True, timeout=seconds + 40, stdin=subprocess.DEVNULL)
        # Its own probe is another client, from where the attack comes.
        print(f"slowhttptest {' '.join(options)}: exit {done.returncode}; " + " ".join(
            line.strip() for line in done.stdout.splitlines() if "Exit status" in line or "Hit test" in line))
        self.assertNotIn("rror while", done.stdout + done.stderr)

    def test_slow_headers(self):
        self.start(CONTAINERS)
        self.attack("-H", "-i", "2", "-x", "24", "-t", "GET")
        self.finish("connections", "peer", "header_timeout")

    def test_range(self):
        """A thousand heads with hundreds of ranges each; weir knows no ranges."""
        self.start(CONTAINERS)
        self.attack("-R", "-a", "10", "-b", "3000", "-t", "HEAD", rate=200)
        self.finish()

    def test_slow_read(self):
        self.start(CONTAINERS)
        self.attack("-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "3", rate=200)
        self.finish("connections", "peer", "pinned_bytes", "write_timeout")

    def test_slow_body(self):
        self.start(CONTAINERS, "--web.enable-lifecycle")
        self.attack("-B", "-i", "2", "-s", "8192", "-x", "10", "-t", "POST", rate=500, path="/-/reload")
        self.finish("connections", "peer", "body_timeout", "body_bytes")

    def test_slow_headers_over_tls(self):
        """Twice: what OpenSSL keeps after the first time is enough for the second."""
        directory = tempfile.TemporaryDirectory(prefix="weir-siege-")
        self.addCleanup(directory.cleanup)
        files = Certificates(f"{directory.name}/certificates")
        config = endpoint.web_config(f"{directory.name}/web.yml", files.path("server.pem"), files.path("server.key"))
        self.start(CONTAINERS, config, authority=files.path("ca.pem"))
        for _ in range(2):
            self.rss = self.held()[0]  # at last that after the first siege
            self.attack("-H", "-i", "2", "-x", "24", "-t", "GET", seconds=TLS_SIEGE_S)
            wait_for(lambda: self.held()[1] == self.open, BACK_LIMIT_S, "descriptors as before", pause_s=0.5)
        self.finish("connections", "peer", "header_timeout", "tls")


# -- a flood ------------------------------------------------------------------------------------------------


REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: identity\r\n\r\n"


class Flood:
    """A thousand requests a second on time, whatever comes back; every second one on a connection of its own."""

    def __init__(self, port, seconds):
        self.port, self.seconds = port, seconds
        self.counts = {}
        self.next = 0

    def count(self, word):
        self.counts[word] = self.counts.get(word, 0) + 1

    async def exchange(self, reader, writer):
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        self.count(head.split()[1].decode())
        return b"connection: close" not in head.lower()

    async def worker(self, begin, fresh):
        stream = None
        while (due := self.next / FLOOD_A_SECOND) < self.seconds:
            self.next += 1
            await asyncio.sleep(max(0.0, begin + due - time.monotonic()))
            try:
                stream = stream or await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
                stays = await asyncio.wait_for(self.exchange(*stream), 10)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
                self.count(type(error).__name__)
                stays = False
            if stream and (fresh or not stays):
                stream[1].close()
                stream = None
        if stream:
            stream[1].close()

    async def run(self):
        begin = time.monotonic()
        await asyncio.gather(*(self.worker(begin, fresh=index % 2 == 0) for index in range(FLOOD_WORKERS)))
        return time.monotonic() - begin


def flood(port, seconds, results):
    """The flood in a process of its own."""
    one = Flood(port, seconds)
    results.put((asyncio.run(one.run()), one.counts))


class Fast(Siege):
    def test_a_thousand_requests_a_second(self):
        self.start(FLOOD_CONTAINERS)
        results = multiprocessing.Queue()
        process = multiprocessing.Process(target=flood, args=(self.weir.port, SIEGE_S, results))
        process.start()
        harness.at_end(process.kill)
        seconds, counts = results.get(timeout=SIEGE_S + 60)
        process.join(10)
        print(f"flood: {counts} in {seconds:.1f} s")
        self.assertEqual(set(counts) - {"200", "503"}, set(), "an answer each, and a whole one")
        if not is_sanitized():
            self.assertLess(seconds, SIEGE_S * 1.1, "not the rate that was meant")
            self.assertGreaterEqual(counts["200"], 0.99 * SIEGE_S * FLOOD_A_SECOND)
        self.finish()

    def test_as_many_requests_as_can_be(self):
        self.start(CONTAINERS)
        wrk = engines.need_program("wrk", "wrk")
        done = engines.run(wrk, "-t1", f"-c{FLOOD_WORKERS}", f"-d{SIEGE_S // 2}s",
                           f"http://127.0.0.1:{self.weir.port}/metrics", limit_s=SIEGE_S + 30)
        print(" ".join(line.strip() for line in done.stdout.splitlines() if "requests in" in line or "Non-2xx" in line))
        self.assertNotIn("Non-2xx", done.stdout)
        self.finish()


if __name__ == "__main__":
    harness.main(limit_s=400)
