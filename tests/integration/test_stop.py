"""SIGTERM and SIGINT end weir within a second with exit 0, whatever it is doing; nothing leaks."""

import signal
import socket
import threading
import time
import unittest

import harness
from fault_engine import Container, FaultEngine
from weir import Weir, is_sanitized

LIMIT_S = 1.0
# Looking for leaks at the end takes its time.
SANITIZED_LIMIT_S = 4.0


class Stop(unittest.TestCase):
    def setUp(self):
        self.fake = FaultEngine([Container("web"), Container("db")])
        self.addCleanup(self.fake.close)

    def assert_stops(self, weir, number):
        seconds, code = weir.stop(number)
        self.assertEqual(code, 0, weir.log())
        self.assertLess(seconds, SANITIZED_LIMIT_S if is_sanitized() else LIMIT_S)
        weir.check_log()

    def both_signals(self, prepare, fault=None):
        """Starts weir, brings it into a situation, ends it; for each signal. `fault` is (endpoint, fault)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name, fault=fault):
                self.fake.requests.clear()
                if fault:
                    self.fake.fail(*fault)
                weir = Weir(f"--engine.host={self.fake.host}")
                keep = prepare(weir)
                self.assert_stops(weir, number)
                self.fake.heal()
                del keep

    def test_before_any_scrape(self):
        self.both_signals(lambda weir: None)

    def test_after_rounds(self):
        self.both_signals(lambda weir: [weir.scrape(), time.sleep(0.2), weir.scrape()])

    def during(self, endpoint, fault):
        """A scrape is under way, and the engine has been asked and does not answer as it should."""
        def prepare(weir):
            thread = threading.Thread(target=self.quietly, args=(weir,), daemon=True)
            thread.start()
            harness.wait_for(lambda: self.fake.targets(endpoint), 5, f"{endpoint} is asked")
            time.sleep(0.2)
            return thread

        self.both_signals(prepare, (endpoint, fault))

    def test_during_a_round_that_hangs(self):
        for endpoint in ("version", "list", "inspect", "stats"):
            self.during(endpoint, "hang")

    def test_with_an_engine_that_drips_and_floods(self):
        for fault in ("slow", "huge", "hang_after_header"):
            self.during("stats", fault)

    def test_with_everything_hanging(self):
        self.fake.fail_all("hang")
        for number in (signal.SIGTERM, signal.SIGINT):
            weir = Weir(f"--engine.host={self.fake.host}")
            time.sleep(0.3)
            self.assert_stops(weir, number)

    def test_with_open_connections(self):
        def open_connections(weir):
            weir.scrape()
            kept = []
            for request in (b"", b"GET /met", b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n",
                            b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
                connection = socket.create_connection(("127.0.0.1", weir.port), timeout=5)
                connection.sendall(request)
                if request.endswith(b"\r\n\r\n"):
                    self.assertIn(b"200 OK", connection.recv(65536))
                kept.append(connection)
            self.addCleanup(lambda: [connection.close() for connection in kept])
            return kept

        self.both_signals(open_connections)

    @staticmethod
    def quietly(weir):
        try:
            weir.get("/metrics")
        except Exception:  # stopped under it
            pass

    def test_without_an_engine(self):
        self.fake.deafen(unlink=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            weir = Weir(f"--engine.host={self.fake.host}")
            weir.scrape()
            self.assert_stops(weir, number)


if __name__ == "__main__":
    harness.main()
