"""A real engine reached over TCP, plain and with TLS: values, events, and certificates that do not fit."""

import ctypes
import os
import shutil
import subprocess
import time
import unittest

import engines
import harness
from weir import Weir, free_port, is_sanitized

# Samples closer together than 150 ms are not kept as baselines.
SPACING_S = 0.2
# The engine answers a command a moment before or after it sends the event: within this a page must know of it.
EVENT_LIMIT_S = 5
DEADLINE_S = 3
STOP_S = 1.0
# Looking for leaks at the end takes its time.
SANITIZED_STOP_S = 4.0
CLONE_NEWNET = 0x40000000  # setns(2)
PERCENT = "weir_container_cpu_usage_percent"
BUSY = ("sh", "-c", "while :; do :; done")

engine = None
plain_port = tls_port = None


def join_network(pid):
    """From here on every socket of this module, and every weir it starts, is in the engine's network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/proc/{pid}/ns/net", encoding="ascii") as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            harness.skip(f"the engine's network cannot be joined: {os.strerror(ctypes.get_errno())}")


class Certificates:
    """Directories as DOCKER_CERT_PATH wants them: ca.pem, cert.pem, key.pem."""

    def __init__(self, directory):
        self.directory = directory
        os.mkdir(directory)
        self._authority("ca")
        self._authority("other-ca")
        self._leaf("server", "IP:127.0.0.1,DNS:localhost", "serverAuth")
        self._leaf("client", "DNS:client", "clientAuth")
        self._leaf("stranger", "DNS:client", "clientAuth", authority="other-ca")
        self.right = self._set("right", ca="ca", leaf="client")
        self.wrong_ca = self._set("wrong-ca", ca="other-ca", leaf="client")
        self.stranger = self._set("stranger", ca="ca", leaf="stranger")
        # docker(1) takes such a directory: cert.pem and key.pem may be missing.
        self.no_client = self._set("no-client", ca="ca")

    def path(self, name):
        return os.path.join(self.directory, name)

    def _openssl(self, *arguments):
        engines.run("openssl", *arguments, cwd=self.directory)

    def _key(self, name):
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")

    def _authority(self, name):
        self._key(name)
        self._openssl("req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "2",
                      "-out", f"{name}.pem")

    def _leaf(self, name, names, usage, authority="ca"):
        self._key(name)
        with open(self.path(f"{name}.ext"), "w", encoding="ascii") as file:
            file.write(f"subjectAltName={names}\nextendedKeyUsage={usage}\n")
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                      "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def _set(self, name, ca, leaf=None):
        os.mkdir(self.path(name))
        shutil.copy(self.path(f"{ca}.pem"), self.path(f"{name}/ca.pem"))
        if leaf:
            shutil.copy(self.path(f"{leaf}.pem"), self.path(f"{name}/cert.pem"))
            shutil.copy(self.path(f"{leaf}.key"), self.path(f"{name}/key.pem"))
        return self.path(name)


certificates = None


def setUpModule():
    global engine, certificates, plain_port, tls_port
    engines.need_program("openssl", "openssl")
    # The daemon is restarted with other flags; its containers live on.
    engine = engines.docker_20_10(live_restore=True)
    try:
        certificates = Certificates(os.path.join(engine.directory, "certificates"))
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        harness.skip(f"openssl cannot make certificates: {error}")
    join_network(engine.containerd.pid)
    plain_port, tls_port = free_port(), free_port()
    engine.own_flags = list(engine.extra)
    engine.run("busy", *BUSY, options=("--cpus", "0.1"))
    engine.run("renamed", "sleep", "100000")


def serve(*flags):
    """dockerd with these flags as well; one daemon has TLS on all its TCP ports or on none."""
    wanted = [*engine.own_flags, "--debug", *flags]
    if engine.extra == wanted:
        return
    engine.end(engine.daemon)
    engine.processes.remove(engine.daemon)
    engine.extra = wanted
    engine.start_daemon()


def serve_plain():
    # Said outright, because the daemon otherwise waits for a while to warn of it.
    serve("-H", f"tcp://127.0.0.1:{plain_port}", "--tls=false")


def serve_tls():
    serve("-H", f"tcp://127.0.0.1:{tls_port}", "--tlsverify", "--tlscacert", certificates.path("ca.pem"),
          "--tlscert", certificates.path("server.pem"), "--tlskey", certificates.path("server.key"))


def plain_weir():
    serve_plain()
    return Weir(f"--engine.host=tcp://127.0.0.1:{plain_port}", "--collect.max-age=0s")


def tls_weir(directory):
    serve_tls()
    return Weir("--collect.max-age=0s", environment={
        "DOCKER_HOST": f"tcp://127.0.0.1:{tls_port}", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": directory})


def page_with_percent(weir):
    """A page whose percentage is over a window that began here, and what the kernel counted in it."""
    weir.scrape()
    time.sleep(SPACING_S)
    meter = engine.meter("busy")
    weir.scrape()
    time.sleep(engines.TENTH_WINDOW_S)
    return weir.scrape(), meter.percent()


def calls(path):
    """How often the engine was asked for what begins so, from its debug log."""
    with open(os.path.join(engine.directory, "engine.log"), encoding="utf-8", errors="replace") as file:
        return sum("Calling GET" in line and path in line for line in file)


class Case(unittest.TestCase):
    def assert_values(self, page, used, key):
        self.assertEqual(page.value("weir_engine_up", engine=key), 1)
        self.assertEqual(len(page.all("weir_engine_up")), 1)
        self.assertEqual(page.state("busy"), "running")
        self.assertAlmostEqual(page.value(PERCENT, name="busy"), used, delta=engines.tolerance(used))
        self.assertGreater(page.value("container_cpu_usage_seconds_total", name="busy"), 0)
        self.assertGreater(page.value("container_memory_usage_bytes", name="busy"), 0)
        self.assertEqual(page.errors(), {})

    def assert_stops(self, weir):
        seconds, code = weir.stop()
        self.assertEqual(code, 0, weir.log())
        self.assertLess(seconds, SANITIZED_STOP_S if is_sanitized() else STOP_S)
        weir.check_log()


class Plain(Case):
    def test_values(self):
        weir = plain_weir()
        page, used = page_with_percent(weir)
        self.assert_values(page, used, f"tcp://127.0.0.1:{plain_port}")
        self.assert_stops(weir)


class Tls(Case):
    @property
    def key(self):
        return f"https://127.0.0.1:{tls_port}"

    def test_values_are_those_of_plain_tcp(self):
        weir = plain_weir()
        plain, _ = page_with_percent(weir)
        weir.close()
        weir = tls_weir(certificates.right)
        page, used = page_with_percent(weir)
        self.assert_values(page, used, self.key)
        self.assertEqual(page.metrics_of("busy"), plain.metrics_of("busy"))
        self.assertEqual(set(page.families), set(plain.families))
        self.assert_stops(weir)

    def test_events(self):
        weir = tls_weir(certificates.right)
        self.assertEqual(weir.scrape().state("renamed"), "running")
        lists = calls("/containers/json")
        self.assertGreater(lists, 0)
        engine.cli("rename", "renamed", "another")
        self.addCleanup(engine.cli, "rename", "another", "renamed")
        pages = []
        harness.wait_for(lambda: pages.append(weir.scrape()) or pages[-1].state("another") == "running",
                         EVENT_LIMIT_S, "the new name")
        page = pages[-1]
        self.assertEqual(page.metrics_of("renamed"), set())
        self.assertEqual(calls("/containers/json"), lists, "the event told it, not another list")
        self.assert_stops(weir)

    def assert_refused(self, directory, reasons):
        """weir says why (once, where the reason cannot change), goes on answering in time, and ends in time."""
        weir = tls_weir(directory)
        for count in (1, 2, 3):
            page = weir.scrape(timeout_s=DEADLINE_S)
            self.assertLess(page.seconds, DEADLINE_S)
            self.assertEqual(page.value("weir_engine_up", engine=self.key), 0)
            self.assertEqual(page.all("weir_container_state"), [])
            errors = page.errors()
            # TLS 1.3 refuses a client after the handshake: either reason, from one try to the next.
            self.assertLessEqual(set(errors), set(reasons))
            self.assertGreaterEqual(sum(errors.values()), count)
            time.sleep(SPACING_S)
        self.assertEqual(weir.get("/-/healthy")[0], 200)
        told = weir.log_lines(f"level=warn .*source={self.key} ")
        self.assertGreater(len(told), 0, weir.log())
        if len(reasons) == 1:
            self.assertEqual(len(told), 1, weir.log())
        for line in told:
            self.assertRegex(line, f"reason=({'|'.join(reasons)})$")
        self.assert_stops(weir)

    def test_wrong_authority(self):
        self.assert_refused(certificates.wrong_ca, ("tls",))

    def test_client_certificate_of_another_authority(self):
        self.assert_refused(certificates.stranger, ("tls", "ended_early"))

    def test_no_client_certificate(self):
        self.assert_refused(certificates.no_client, ("tls", "ended_early"))


if __name__ == "__main__":
    harness.main()
