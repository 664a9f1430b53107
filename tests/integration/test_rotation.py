"""Certificates change under a running weir without a lost scrape; and what its TLS does not speak."""

import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import unittest

import endpoint
import engines
import harness
from endpoint import ScrapeLoop, Started, web_config
from harness import wait_for
from test_tls import Certificates
from weir import Exposition, Weir, free_port

SERVED_LIMIT_S = 3  # from a change of the files to the first connection that gets it
BROKEN_S = 2.5  # as long a broken certificate lies there: several looks at it
SAMPLE = os.path.join(harness.REPOSITORY, "systemd", "web-config.yml")

directory = certificates = None


def setUpModule():
    global directory, certificates
    engines.need_program("openssl", "openssl")
    directory = tempfile.TemporaryDirectory(prefix="weir-rotation-")
    harness.at_end(directory.cleanup)
    certificates = Certificates(f"{directory.name}/certificates")
    for number in range(5):
        certificates._leaf(f"server{number}", "IP:127.0.0.1,DNS:localhost", "serverAuth")
    engines.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rsa", "-days", "2",
                "-keyout", certificates.path("rsa.key"), "-out", certificates.path("rsa.pem"))


def text_of(name):
    with open(certificates.path(name), encoding="ascii") as file:
        return file.read()


def der(name):
    """As a connection shows it."""
    return ssl.PEM_cert_to_DER_cert(text_of(f"{name}.pem"))


class Rotation(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=directory.name)
        self.tls = endpoint.client_tls(certificates.path("ca.pem"))

    def start(self, certificate, key):
        self.weir = Weir("--simulate.containers=10", "--web.gzip=never",
                         web_config(f"{self.folder}/web.yml", certificate, key), tiers="simulated")
        self.loops = [ScrapeLoop(lambda: endpoint.connect(self.weir.port, self.tls), kept=kept)
                      for kept in (False, True)]
        for loop in self.loops:
            loop.wait_more(5)

    def place(self, name, pause_s=0.0):
        """Certificate first, then the key, each written where it lies."""
        for end in ("pem", "key"):
            with open(f"{self.folder}/server.{end}", "w", encoding="ascii") as file:
                file.write(text_of(f"{name}.{end}"))
            time.sleep(pause_s if end == "pem" else 0)

    def assert_served(self, name):
        """New connections get it soon, and the kept one goes on."""
        fresh, wanted = self.loops[0], der(name)
        wait_for(lambda: fresh.certificates[-1] == wanted or fresh.lost, SERVED_LIMIT_S, f"{name} is served",
                 pause_s=0.02)
        for loop in self.loops:
            loop.wait_more(3)
        self.assertEqual(fresh.certificates[-1], wanted)

    def finish(self):
        for loop in self.loops:
            loop.stop()
        self.assertEqual(self.loops[1].reopened, 0, "a kept connection outlives a new certificate")
        self.assertGreater(min(loop.count() for loop in self.loops), 20)
        self.weir.close()

    def test_certificate_then_key(self):
        self.place("server")
        self.start(f"{self.folder}/server.pem", f"{self.folder}/server.key")
        for name in ("server0", "server1", "server2"):
            self.place(name)
            self.assert_served(name)
        # In between they do not belong together, for longer than weir waits before it looks: the old ones count.
        self.place("server3", pause_s=BROKEN_S)
        self.assert_served("server3")
        self.finish()

    def test_link_swapped_in_one_step(self):
        """As Kubernetes and certificate tools do it."""
        for name in ("server", "server0", "server1"):
            os.mkdir(f"{self.folder}/{name}")
            for end in ("pem", "key"):
                shutil.copy(certificates.path(f"{name}.{end}"), f"{self.folder}/{name}/tls.{end}")
        os.symlink("server", f"{self.folder}/current")
        self.start(f"{self.folder}/current/tls.pem", f"{self.folder}/current/tls.key")
        for name in ("server0", "server1", "server"):
            os.symlink(name, f"{self.folder}/next")
            os.rename(f"{self.folder}/next", f"{self.folder}/current")
            self.assert_served(name)
        self.finish()

    def test_broken_certificate_in_between(self):
        self.place("server")
        self.start(f"{self.folder}/server.pem", f"{self.folder}/server.key")
        for broken in ("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None):
            path = f"{self.folder}/server.pem"
            before = len(self.weir.log_lines("level=(warn|error)"))
            if broken is None:
                os.unlink(path)
            else:
                endpoint.write_whole(path, broken)
            time.sleep(BROKEN_S)
            told = self.weir.log_lines("level=(warn|error)")[before:]
            self.assertEqual(len(told), 1, f"once a cause: {told}")
            self.assertIn("server.pem", told[0])
            self.assertEqual(self.loops[0].certificates[-1], der("server"), "the old one stays")
            self.place("server")
            for loop in self.loops:
                loop.wait_more(15)  # more than a second: it has been looked at
        self.place("server4")
        self.assert_served("server4")
        self.finish()

    def test_configuration_itself(self):
        """Users come and go with the file; a broken one changes nothing."""
        self.place("server")
        pair = (f"{self.folder}/server.pem", f"{self.folder}/server.key")
        self.start(*pair)
        path = f"{self.folder}/web.yml"

        def status(**more):
            return endpoint.ask_once(self.weir.port, tls=self.tls, **more).status

        endpoint.write_whole(path, "tls_server_config: [\n")
        time.sleep(BROKEN_S)
        self.assertEqual(status(), 200)
        self.assertEqual(len(self.weir.log_lines("level=error.*web.yml")), 1)
        for loop in self.loops:
            loop.stop()
        web_config(path, *pair, users=True)
        wait_for(lambda: status() == 401, SERVED_LIMIT_S, "a password is wanted")
        self.assertEqual(status(headers=endpoint.basic(*endpoint.USER)), 200)
        web_config(path, *pair)
        wait_for(lambda: status() == 200, SERVED_LIMIT_S, "no password is wanted")
        web_config(path, *pair, client_ca=certificates.path("ca.pem"))

        def refuses():
            try:
                return status() == 0
            except (OSError, ssl.SSLError):
                return True

        wait_for(refuses, SERVED_LIMIT_S, "a client's certificate is wanted")
        own = endpoint.client_tls(certificates.path("ca.pem"), certificates.path("client.pem"),
                                  certificates.path("client.key"))
        self.assertEqual(endpoint.ask_once(self.weir.port, tls=own).status, 200)
        stranger = endpoint.client_tls(certificates.path("ca.pem"), certificates.path("stranger.pem"),
                                       certificates.path("stranger.key"))
        with self.assertRaises((OSError, ssl.SSLError)):
            endpoint.ask_once(self.weir.port, tls=stranger)
        wait_for(lambda: Exposition(endpoint.ask_once(self.weir.port, tls=own).body.decode()).value(
            "weir_http_refused_total", reason="tls") > 0, SERVED_LIMIT_S, "the stranger is counted")
        self.weir.close()


# -- versions and ciphers ---------------------------------------------------------------------------------------


RECORD_ALERT, RECORD_HANDSHAKE = 21, 22  # RFC 8446 section 5.1
SERVER_HELLO = 2
TLS_1_0, TLS_1_2 = 0x0301, 0x0303
GOOD = {"ecdsa": 0xC02B, "rsa": 0xC02F}  # TLS_ECDHE_..._WITH_AES_128_GCM_SHA256
# By their numbers at IANA, for a server with that kind of key: what the openssl command cannot offer any more too.
WEAK = {
    "ecdsa": {"RC4": 0xC007, "3DES": 0xC008, "NULL": 0xC006, "anonymous RC4": 0xC016, "anonymous 3DES": 0xC017,
              "anonymous AES": 0xC018, "anonymous NULL": 0xC015},
    "rsa": {"RC4 SHA": 0x0005, "RC4 MD5": 0x0004, "3DES": 0x000A, "DES": 0x0009, "NULL SHA": 0x0002,
            "NULL SHA256": 0x003B, "EXPORT RC4": 0x0003, "EXPORT DES": 0x0008, "EXPORT RC2": 0x0006,
            "DHE EXPORT": 0x0014, "ECDHE RC4": 0xC011, "ECDHE 3DES": 0xC012, "ECDHE NULL": 0xC010,
            "DHE 3DES": 0x0016, "anonymous DH": 0x0034, "anonymous DH GCM": 0x00A6, "anonymous 3DES": 0x001B},
}
CBC = {"ecdsa": {"CBC SHA": 0xC009, "CBC SHA 256 bits": 0xC00A, "CBC SHA256": 0xC023, "CBC SHA384": 0xC024},
       "rsa": {"CBC SHA": 0xC013, "CBC SHA 256 bits": 0xC014, "CBC SHA256": 0xC027, "static CBC": 0x002F}}


def extension(number, body):
    return struct.pack(">HH", number, len(body)) + body


def client_hello(suites, version=TLS_1_2):
    """The first bytes of a client that speaks `version` at most and takes these suites (RFC 5246 section 7.4.1.2)."""
    groups = struct.pack(">HHH", 4, 23, 29)
    schemes = struct.pack(">HHHHHHH", 12, 0x0403, 0x0804, 0x0401, 0x0503, 0x0203, 0x0201)
    extensions = extension(10, groups) + extension(11, b"\x01\x00") + extension(13, schemes) + extension(23, b"")
    body = (struct.pack(">H", version) + os.urandom(32) + b"\0"
            + struct.pack(f">H{len(suites)}H", 2 * len(suites), *suites) + b"\x01\x00"
            + struct.pack(">H", len(extensions)) + extensions)
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return struct.pack(">BHH", RECORD_HANDSHAKE, TLS_1_0, len(message)) + message


def is_accepted(port, suites, version=TLS_1_2):
    """Does a ServerHello come? If not, an alert must."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(client_hello(suites, version))
        received = b""
        while len(received) < 6:
            piece = connection.recv(4096)
            if not piece:
                break
            received += piece
    if received[:1] == bytes([RECORD_HANDSHAKE]) and received[5] == SERVER_HELLO:
        return True
    if received[:1] != bytes([RECORD_ALERT]):
        raise AssertionError(f"neither a hello nor an alert: {received[:50]!r}")
    return False


def s_client(port, *options):
    """(did the handshake succeed, what it printed). The least level lets the client offer everything it has."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-msg", *options],
        input="", capture_output=True, text=True, timeout=20, env={**os.environ, "OPENSSL_CONF": "/dev/null"})
    text = done.stdout + done.stderr
    if "ClientHello" not in text:
        raise AssertionError(f"the client offered nothing: {text[-500:]}")
    return bool(re.search(r"New, TLSv|Cipher is (?!\(NONE\))", text)) and "Cipher is (NONE)" not in text, text


class Versions(unittest.TestCase):
    def start(self, kind="ecdsa", more=""):
        name = {"ecdsa": "server", "rsa": "rsa"}[kind]
        path = tempfile.mktemp(dir=directory.name)
        weir = Weir(web_config(path, certificates.path(f"{name}.pem"), certificates.path(f"{name}.key"), more=more),
                    tiers="simulated")
        self.addCleanup(weir.close)
        return weir

    def test_versions(self):
        port = self.start().port
        everything = ("-cipher", "ALL:@SECLEVEL=0")
        for option, wanted in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
            with self.subTest(option):
                accepted, text = s_client(port, option, *(everything if option != "-tls1_3" else ()))
                self.assertEqual(accepted, wanted, text[-1500:])
                if not wanted:
                    self.assertRegex(text, "(?i)protocol.version", "refused for its version, nothing else")
        self.assertTrue(is_accepted(port, GOOD.values()))
        for version in (0x0300, TLS_1_0, 0x0302):
            self.assertFalse(is_accepted(port, [*GOOD.values(), *CBC["ecdsa"].values()], version), hex(version))

    def test_least_version_of_the_configuration(self):
        port = self.start(more="  min_version: TLS13\n").port
        self.assertFalse(s_client(port, "-tls1_2")[0])
        self.assertTrue(s_client(port, "-tls1_3")[0])

    def test_weak_ciphers(self):
        for kind, suites in WEAK.items():
            port = self.start(kind).port
            self.assertTrue(is_accepted(port, [GOOD[kind]]), "the hello itself is right")
            for word, number in {**suites, **CBC[kind]}.items():
                with self.subTest(word, key=kind):
                    self.assertFalse(is_accepted(port, [number]), f"{word} {number:#06x}")
            self.assertFalse(is_accepted(port, list(suites.values())))
            self.assertFalse(s_client(port, "-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0")[0])

    def test_listed_ciphers(self):
        """CBC only for who lists it, and then nothing else."""
        port = self.start(more="  cipher_suites:\n  - TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA\n").port
        self.assertTrue(is_accepted(port, [CBC["ecdsa"]["CBC SHA"]]))
        self.assertFalse(is_accepted(port, [GOOD["ecdsa"]]))

    def test_plain_http_on_a_tls_port(self):
        weir = self.start()
        received, closed = endpoint.raw(weir.port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(closed)
        self.assertNotIn(b"200 OK", received)


# -- the file's schema ------------------------------------------------------------------------------------------


class Schema(unittest.TestCase):
    def promtool(self, path):
        program = engines.need_program("promtool", "prometheus")
        done = engines.run(program, "check", "web-config", path, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_files_of_these_tests(self):
        """What weir is tested with is the toolkit's schema."""
        path = f"{directory.name}/checked.yml"
        web_config(path, certificates.path("server.pem"), certificates.path("server.key"),
                   client_ca=certificates.path("ca.pem"), users=True,
                   more="http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
        self.promtool(path)

    def test_sample(self):
        """The one that comes with weir, with the files it names put where they are here."""
        if not os.path.exists(SAMPLE):
            harness.skip("there is no systemd/web-config.yml")
        with open(SAMPLE, encoding="utf-8") as file:
            text = file.read()
        for key, name in (("cert_file", "server.pem"), ("key_file", "server.key"), ("client_ca_file", "ca.pem")):
            text = re.sub(rf"^(#?\s*){key}:.*$", rf"\g<1>{key}: {certificates.path(name)}", text, flags=re.M)
        path = f"{directory.name}/sample.yml"
        endpoint.write_whole(path, text)
        self.promtool(path)
        port = free_port()
        started = Started("--collect.tiers=simulated", f"--web.listen-address=127.0.0.1:{port}",
                          f"--web.config.file={path}", port=port)
        self.assertEqual(started.log_lines("level=error"), [])
        started.close()


if __name__ == "__main__":
    harness.main(limit_s=170)
