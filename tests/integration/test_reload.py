"""The configuration is read again, by SIGHUP and by POST /-/reload, without a lost scrape."""

import json
import os
import signal
import socket
import tempfile
import unittest

import endpoint
import harness
from endpoint import ScrapeLoop, Started, ask_once
from fault_engine import Container, FaultEngine
from harness import wait_for
from weir import Exposition, free_port

FORCE_LIMIT_S = 5
READ = "weir_config_last_reload_success_timestamp_seconds"
LAST = "weir_config_last_reload_successful"
NAMES = ("web", "db", "cache")


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return True
    except OSError:
        return False


class Reload(unittest.TestCase):
    def setUp(self):
        self.fake = FaultEngine([Container(name) for name in NAMES])
        self.addCleanup(self.fake.close)
        directory = tempfile.TemporaryDirectory(prefix="weir-reload-")
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "weir.yaml")
        self.port = free_port()
        self.settings = {
            "web": {"listen-address": [f"127.0.0.1:{self.port}"], "enable-lifecycle": True},
            "collect": {"tiers": ["engine"]},
            "engine": {"host": [self.fake.host]},
        }
        self.write()
        self.weir = Started(f"--config.file={self.path}", port=self.port)
        self.scrape()

    def write(self, **sections):
        """The file anew; what is given is added to each section. JSON is YAML."""
        whole = {key: dict(value) for key, value in self.settings.items()}
        for key, value in sections.items():
            whole.setdefault(key, {}).update(value)
        endpoint.write_whole(self.path, json.dumps(whole, indent=2) + "\n")

    def loops(self, path="/metrics", allowed=(200,)):
        made = [ScrapeLoop(lambda: endpoint.connect(self.port), path, kept=kept, allowed=allowed)
                for kept in (False, True)]
        for loop in made:
            loop.wait_more(5)
        return made

    def post(self, method="POST"):
        return ask_once(self.port, "/-/reload", method=method)

    def hang_up(self):
        self.weir.process.send_signal(signal.SIGHUP)

    def both_ways(self):
        """Each way to ask for it, as (word, function)."""
        def post():
            answer = self.post()
            self.assertEqual(answer.status, 200, answer.body)

        def put():
            answer = self.post("PUT")
            self.assertEqual(answer.status, 200, answer.body)

        return (("SIGHUP", self.hang_up), ("POST", post), ("PUT", put))

    def scrape(self, path="/metrics"):
        answer = ask_once(self.port, path)
        self.assertEqual(answer.status, 200, answer.body[:300])
        return Exposition(answer.body.decode())

    def names(self):
        return {sample.labels["name"] for sample in self.scrape().all("weir_container_state")}

    def in_force(self, condition, what):
        wait_for(condition, FORCE_LIMIT_S, what, pause_s=0.1)

    def finish(self, loops):
        for loop in loops:
            loop.wait_more(5)
            loop.stop()
        self.assertEqual(loops[1].reopened, 0, "kept connections stay")
        page = self.scrape()
        self.assertEqual(page.value(LAST), 1)
        self.weir.close()

    def test_filter(self):
        loops = self.loops()
        self.assertEqual(self.names(), set(NAMES))
        for word, ask in self.both_ways():
            with self.subTest(word):
                self.write(container={"exclude": ["name=db", "name=c*"]})
                ask()
                self.in_force(lambda: self.names() == {"web"}, "two are left out")
                self.write()
                ask()
                self.in_force(lambda: self.names() == set(NAMES), "all are back")
        self.finish(loops)

    def test_counters_go_on(self):
        """A reload is not a restart: no counter falls, no container's percentage is begun anew without need."""
        loops = self.loops()
        name = "container_cpu_usage_seconds_total"
        before = self.scrape()
        for _, ask in self.both_ways():
            ask()
            self.in_force(lambda: self.scrape().value(READ) > before.value(READ), "it was read again")
            page = self.scrape()
            for sample in before.all(name):
                self.assertGreaterEqual(page.value(name, **sample.labels), sample.value)
            for own in ("weir_rounds_total", "process_start_time_seconds", "process_cpu_seconds_total"):
                self.assertGreaterEqual(page.value(own), before.value(own))
            self.assertEqual(page.value("weir_http_requests_total", code="500"), 0)
            before = page
        self.finish(loops)

    def test_log_level(self):
        """Every reload is told at info, unless that is too little."""
        loops = self.loops()

        def lines_of_a_reload():
            before = len(self.weir.log_lines("level=info"))
            self.assertEqual(self.post().status, 200)
            return len(self.weir.log_lines("level=info")) - before

        self.assertGreater(lines_of_a_reload(), 0)
        self.write(log={"level": "error"})
        lines_of_a_reload()
        self.assertEqual(lines_of_a_reload(), 0)
        self.write()
        lines_of_a_reload()
        self.assertGreater(lines_of_a_reload(), 0)
        self.finish(loops)

    def test_telemetry_path(self):
        loops = self.loops(allowed=(200, 404))
        self.write(web={"telemetry-path": "/numbers"})
        self.hang_up()
        self.in_force(lambda: ask_once(self.port, "/numbers").status == 200, "the new path")
        self.assertEqual(ask_once(self.port, "/metrics").status, 404)
        self.write(web={"route-prefix": "/deep"})
        self.hang_up()
        self.in_force(lambda: ask_once(self.port, "/deep/metrics").status == 200, "the prefix")
        self.assertEqual(ask_once(self.port, "/deep/-/reload", method="POST").status, 200)
        self.write()
        self.assertEqual(ask_once(self.port, "/deep/-/reload", method="POST").status, 200)
        self.in_force(lambda: ask_once(self.port).status == 200, "the old path again")
        self.finish(loops)

    def test_addresses(self):
        """One more, then without it; connections to the first one are not touched."""
        loops = self.loops()
        both = [f"127.0.0.1:{self.port}", f"127.0.0.1:{free_port()}"]
        other = int(both[1].split(":")[1])
        path = os.path.join(os.path.dirname(self.path), "weir.sock")
        for word, ask in self.both_ways():
            with self.subTest(word):
                self.write(web={"listen-address": [*both, f"unix:{path}"]})
                ask()
                self.in_force(lambda: can_connect(other) and os.path.exists(path), "two more addresses")
                self.assertEqual(ask_once(other).status, 200)
                self.write()
                ask()
                self.in_force(lambda: not can_connect(other) and not os.path.exists(path), "the first one alone")
        self.finish(loops)

    def test_address_in_use(self):
        """It cannot be had: the error says so, and everything stays as it was."""
        loops = self.loops()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.write(web={"listen-address": [f"127.0.0.1:{self.port}", address]},
                       container={"exclude": ["name=db"]})
            answer = self.post()
        self.assertEqual(answer.status, 500)
        self.assertIn(address, answer.body.decode())
        self.assertEqual(self.names(), set(NAMES))
        self.in_force(lambda: self.scrape().value(LAST) == 0, "told in the metrics")
        self.write()
        self.assertEqual(self.post().status, 200)
        self.finish(loops)

    def test_broken_file(self):
        loops = self.loops()
        self.in_force(lambda: self.scrape().value(LAST) == 1, "good again")
        cases = (("web: [\n", "weir.yaml"), ("web:\n  no-such-key: 1\n", "no-such-key"),
                 ("collect:\n  max-age: tomorrow\n", "tomorrow"))
        for text, word in cases:
            with self.subTest(word):
                endpoint.write_whole(self.path, text)
                before = len(self.weir.log_lines("level=error"))
                answer = self.post()
                self.assertEqual(answer.status, 500)
                self.assertEqual(answer.headers["content-type"], "text/plain; charset=utf-8")
                self.assertIn(word, answer.body.decode())
                told = self.weir.log_lines("level=error")[before:]
                self.assertEqual(len(told), 1, told)
                self.assertIn(word, told[0])
                self.in_force(lambda: self.scrape().value(LAST) == 0, "told in the metrics")
                self.assertEqual(self.names(), set(NAMES), "the old one is in force")
                self.hang_up()
                wait_for(lambda: len(self.weir.log_lines("level=error")) > before + 1, FORCE_LIMIT_S,
                         "the error is logged for SIGHUP too")
                self.write()
                self.assertEqual(self.post().status, 200)
                self.in_force(lambda: self.scrape().value(LAST) == 1, "good again")
        os.unlink(self.path)
        self.assertEqual(self.post().status, 500)
        self.write()
        self.hang_up()
        self.in_force(lambda: self.scrape().value(LAST) == 1, "good again")
        self.finish(loops)

    def test_many_at_once(self):
        """Signals and requests in a heap: all answered, and the last file counts."""
        loops = self.loops()
        for number in range(30):
            self.write(container={"exclude": ["name=db"] if number % 2 else []})
            self.hang_up()
            self.assertEqual(self.post().status, 200)
        self.in_force(lambda: self.names() == {"web", "cache"}, "the last file")
        self.finish(loops)

    def test_web_configuration(self):
        """The file of --web.config.file named, changed, and no longer named."""
        path = os.path.join(os.path.dirname(self.path), "web.yml")
        endpoint.web_config(path, users=True)
        self.write(web={"config": {"file": path}})
        self.hang_up()
        self.in_force(lambda: ask_once(self.port).status == 401, "a password is wanted")
        known = endpoint.basic(*endpoint.USER)
        self.assertEqual(ask_once(self.port, headers=known).status, 200)
        self.assertEqual(ask_once(self.port, "/-/reload", method="POST").status, 401, "reload is guarded too")
        self.write()
        self.assertEqual(ask_once(self.port, "/-/reload", method="POST", headers=known).status, 200)
        self.in_force(lambda: ask_once(self.port).status == 200, "no password is wanted")
        self.weir.close()


class NotEnabled(unittest.TestCase):
    def test_request_is_refused_and_signal_works(self):
        with tempfile.TemporaryDirectory(prefix="weir-reload-") as directory:
            path, port = os.path.join(directory, "weir.yaml"), free_port()
            text = f"web:\n  listen-address: ['127.0.0.1:{port}']\ncollect:\n  tiers: [simulated]\n"
            endpoint.write_whole(path, text)
            weir = Started(f"--config.file={path}", port=port)
            for method in ("POST", "PUT"):
                self.assertEqual(ask_once(port, "/-/reload", method=method).status, 403)
            endpoint.write_whole(path, text.replace("web:\n", "web:\n  telemetry-path: /numbers\n"))
            weir.process.send_signal(signal.SIGHUP)
            wait_for(lambda: ask_once(port, "/numbers").status == 200, FORCE_LIMIT_S, "the new path")
            weir.close()


if __name__ == "__main__":
    harness.main(limit_s=160)
