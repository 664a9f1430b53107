"""The endpoint as clients see it: curl, http.client, bare sockets, systemd; every status, and what is refused."""

import grp
import gzip
import http.client
import os
import re
import shutil
import socket
import stat
import sys
import tempfile
import threading
import unittest

import endpoint
import engines
import harness
from endpoint import Started, ask_once, parse_answers, raw
from fault_engine import Container, FaultEngine
from harness import wait_for
from weir import Exposition, Weir, free_port, run_weir

CONTAINERS = 10
# What weir grants a head, and a body, that does not come to its end, with room for a busy machine.
SLOW_REQUEST_LIMIT_S = 40
# curl waits for 100 Continue that long before it sends its body all the same.
CURL_EXPECT_S = 1.0
SENTENCE = re.compile(r"\A([A-Z]|weir )[^\n<]{6,}\n\Z")
HOST = b"Host: x\r\n"
GET = b"GET /-/healthy HTTP/1.1\r\n" + HOST

directory = weir = None


def setUpModule():
    global directory, weir
    directory = tempfile.TemporaryDirectory(prefix="weir-conformance-")
    harness.at_end(directory.cleanup)
    weir = simulated("--web.gzip=always", "--web.enable-lifecycle",
                     f"--web.listen-address=unix:{directory.name}/weir.sock?mode=0660")


def tearDownModule():
    if weir:
        weir.close()


def simulated(*flags):
    return Weir(f"--simulate.containers={CONTAINERS}", *flags, tiers="simulated")


class Case(unittest.TestCase):
    def start(self, *flags):
        own = simulated(*flags)
        self.addCleanup(own.close)
        return own

    def assert_sentence(self, answer, status):
        """An answer for people: one line of plain text."""
        self.assertEqual(answer.status, status, answer.body[:300])
        self.assertEqual(answer.headers["content-type"], "text/plain; charset=utf-8")
        self.assertRegex(answer.body.decode(), SENTENCE)

    def assert_one_refusal(self, port, data, status, shut=False):
        """One answer, and the connection is closed."""
        received, closed = raw(port, data, shut=shut)
        self.assertTrue(closed, f"the connection stays after {data[:200]!r}")
        answers = parse_answers(received)
        self.assertEqual([answer.status for answer in answers], [status], f"{data[:200]!r} -> {received[:300]!r}")
        self.assertEqual(answers[0].headers.get("connection"), "close")
        self.assert_sentence(answers[0], status)
        return answers[0]


# -- every status --------------------------------------------------------------------------------------------


def requests_read(port):
    """How many connections to `port` have nothing left that its owner has not read; proc_net_tcp of the kernel."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    established, empty = "01", "00000000"
    return sum(row[1].endswith(f":{port:04X}") and row[3] == established and row[4].endswith(f":{empty}") for row in rows)


class Statuses(Case):
    def test_400(self):
        for path in ("/metrics?collect[]=nothing", "/metrics?collect[]=cpu&exclude[]=memory"):
            self.assert_sentence(ask_once(weir.port, path), 400)
        self.assert_one_refusal(weir.port, b"nonsense\r\n\r\n", 400)

    def test_401(self):
        own = self.start(endpoint.web_config(f"{directory.name}/users.yml", users=True))
        name, password = endpoint.USER
        for headers in ({}, {"Authorization": "Basic"}, {"Authorization": "Basic !!!"}, {"Authorization": "Bearer x"},
                        endpoint.basic(name, ""), endpoint.basic(name, password + "x"), endpoint.basic("x", password)):
            for path in ("/metrics", "/", "/-/reload"):
                answer = ask_once(own.port, path, headers=headers)
                self.assert_sentence(answer, 401)
                self.assertRegex(answer.headers["www-authenticate"], "(?i)^basic")
        self.assertEqual(ask_once(own.port, headers=endpoint.basic(name, password)).status, 200)

    def test_403(self):
        own = self.start()
        for method in ("POST", "PUT"):
            self.assert_sentence(ask_once(own.port, "/-/reload", method=method), 403)

    def test_404(self):
        for path in ("/nothing", "/metrics/", "/metricsx", "/-/"):
            self.assert_sentence(ask_once(weir.port, path), 404)

    def test_405(self):
        for method, path in (("POST", "/metrics"), ("PUT", "/"), ("DELETE", "/metrics"), ("OPTIONS", "/metrics"),
                             ("PATCH", "/metrics"), ("GET", "/-/reload"), ("BREW", "/metrics")):
            answer = ask_once(weir.port, path, method=method)
            self.assert_sentence(answer, 405)
            self.assertRegex(answer.headers["allow"], "POST" if path == "/-/reload" else "GET, HEAD")

    def test_406(self):
        for headers in ({"Accept-Encoding": "identity;q=0, gzip;q=0"}, {"Accept-Encoding": "*;q=0"},
                        {"Accept": "*/*;q=0"}):
            self.assert_sentence(ask_once(weir.port, headers=headers), 406)

    def test_408(self):
        """A head, and a body, that never end."""
        results = {}

        def wait(word, data):
            results[word] = raw(weir.port, data, limit_s=SLOW_REQUEST_LIMIT_S)

        cases = {"head": GET + b"X-Slow: ",
                 "body": b"POST /-/reload HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nfive "}
        threads = [threading.Thread(target=wait, args=case) for case in cases.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for word in cases:
            received, closed = results[word]
            self.assertTrue(closed, word)
            self.assert_sentence(parse_answers(received)[0], 408)

    def test_413(self):
        for head in (b"Content-Length: 999999999\r\n\r\n", b"Content-Length: 99999999999999999\r\n\r\nx"):
            self.assert_one_refusal(weir.port, b"POST /-/reload HTTP/1.1\r\n" + HOST + head, 413)
        many = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        received, _ = self.push(b"POST /-/reload HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", many, 64)
        self.assert_sentence(parse_answers(received)[0], 413)

    @staticmethod
    def push(head, piece, times):
        """Sends for as long as the other side takes it, then reads what it said."""
        received = b""
        with socket.create_connection(("127.0.0.1", weir.port), timeout=10) as connection:
            connection.sendall(head)
            for _ in range(times):
                try:
                    connection.sendall(piece)
                    connection.setblocking(False)
                    received += connection.recv(65536)
                    break
                except BlockingIOError:
                    connection.settimeout(10)
                except (BrokenPipeError, ConnectionResetError):
                    break
            connection.settimeout(10)
            try:
                while more := connection.recv(65536):
                    received += more
            except ConnectionResetError:
                pass
        return received, True

    def test_414(self):
        self.assert_one_refusal(weir.port, b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414)

    def test_417(self):
        answer = ask_once(weir.port, "/-/reload", method="POST", body=b"x", headers={"Expect": "a-miracle"})
        self.assert_sentence(answer, 417)

    def test_429(self):
        limit = "rate_limit:\n  interval: 1h\n  burst: 3\n"
        own = self.start(endpoint.web_config(f"{directory.name}/rate.yml", more=limit))
        answers = [ask_once(own.port) for _ in range(6)]
        self.assertEqual([answer.status for answer in answers], [200] * 3 + [429] * 3)
        self.assert_sentence(answers[-1], 429)

    def test_431(self):
        head = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 500) for number in range(100))
        self.assert_one_refusal(weir.port, GET + head + b"\r\n", 431)
        self.assert_one_refusal(weir.port, GET + b"X: " + b"y" * 70000 + b"\r\n\r\n", 431)

    def slow(self, *flags):
        """A weir whose rounds take seconds: its engine holds an answer back for another request that never comes."""
        fake = FaultEngine([Container("web")], gather=2)
        self.addCleanup(fake.close)
        own = Weir(f"--engine.host={fake.host}", *flags)
        self.addCleanup(own.close)
        return own

    def test_503_before_the_first_round(self):
        own = self.slow()
        self.assert_sentence(ask_once(own.port, "/-/ready"), 503)
        wait_for(lambda: ask_once(own.port, "/-/ready").status == 200, 10, "weir is ready")

    def test_503_too_many_requests_at_once(self):
        self.assert_last_gets_503("--web.max-requests=2")

    def test_503_too_many_connections(self):
        self.assert_last_gets_503("--web.max-connections=2")

    def test_503_too_many_connections_of_one_peer(self):
        self.assert_last_gets_503("--web.max-connections-per-peer=2")

    def assert_last_gets_503(self, *flags):
        """Two wait for the first round, a third is told so at once."""
        own = self.slow(*flags)
        waiting = []
        for _ in range(2):
            connection = socket.create_connection(("127.0.0.1", own.port), timeout=20)
            self.addCleanup(connection.close)
            connection.sendall(b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n")
            waiting.append(connection)
        wait_for(lambda: requests_read(own.port) == 2, 10, "both requests are read")
        received, _ = raw(own.port, b"GET /metrics HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        self.assert_sentence(parse_answers(received)[0], 503)
        for connection in waiting:  # those who were first are served
            self.assertIn(b"200 OK", connection.recv(65536))

    def test_505(self):
        for version in (b"HTTP/2.0", b"HTTP/1.2", b"HTTP/0.9", b"HTTP/3.0"):
            self.assert_one_refusal(weir.port, b"GET /metrics " + version + b"\r\n" + HOST + b"\r\n", 505)


# -- shapes that two readers could understand differently -----------------------------------------------------


POST = b"POST /-/reload HTTP/1.1\r\n" + HOST
SMUGGLED = GET + b"\r\n"
REFUSED = {
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + SMUGGLED,
    "twice the same length": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" + SMUGGLED,
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello" + SMUGGLED,
    "length and chunked": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a vertical tab before chunked": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked in HTTP/1.0": b"POST /-/reload HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a signed length": POST + b"Content-Length: +5\r\n\r\nhello",
    "a negative length": POST + b"Content-Length: -5\r\n\r\nhello",
    "a length in hex": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "an empty length": POST + b"Content-Length: \r\n\r\n" + SMUGGLED,
    "a length past 64 bits": POST + b"Content-Length: 18446744073709551621\r\n\r\nhello" + SMUGGLED,
    "a chunk's size past 64 bits": POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a chunk's size with 0x": POST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
    "chunks ended by bare LF": POST + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n" + SMUGGLED,
    "bare LF after the request line": b"GET /-/healthy HTTP/1.1\n" + HOST + b"\r\n",
    "bare LF after a header": b"GET /-/healthy HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "bare LF at the end": b"GET /-/healthy HTTP/1.1\r\nHost: x\n\n",
    "a bare CR in a value": GET + b"X: a\rb\r\n\r\n",
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "a folded first header": b"GET /-/healthy HTTP/1.1\r\n X: a\r\n" + HOST + b"\r\n",
    "NUL in a value": GET + b"X: a\0b\r\n\r\n",
    "NUL in a name": GET + b"X\0: a\r\n\r\n",
    "NUL in the target": b"GET /-/healthy\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "an encoded NUL in the target": b"GET /-/healthy%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "half an escape in the target": b"GET /%6 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a blank before the colon": GET + b"X : a\r\n\r\n",
    "a blank before the colon of a length": POST + b"Content-Length : 5\r\n\r\nhello",
    "a header without a colon": GET + b"X\r\n\r\n",
    "a header without a name": GET + b": a\r\n\r\n",
    "a control character in a name": GET + b"X\x01: a\r\n\r\n",
    "no Host": b"GET /-/healthy HTTP/1.1\r\n\r\n",
    "two Hosts": GET + HOST + b"\r\n",
    "a Host that is none": b"GET /-/healthy HTTP/1.1\r\nHost: a/b@c\r\n\r\n",
    "a target without a slash": b"GET metrics HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS to a plain port": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
}


class Refused(Case):
    def test_each_ends_the_connection(self):
        for word, data in REFUSED.items():
            with self.subTest(word):
                # Our side is shut too, so that a reader that waits for more ends as well.
                self.assert_one_refusal(weir.port, data, 400, shut=True)
        self.assertEqual(weir.get("/-/healthy")[0], 200)
        weir.scrape_until(lambda page: page.value("weir_http_refused_total", reason="malformed") >= len(REFUSED) - 1,
                          5, "each is counted")

    def test_each_byte_by_itself(self):
        """Refused alike however it arrives."""
        for word in ("length and chunked", "two lengths", "a folded header", "a blank before the colon"):
            with self.subTest(word), socket.create_connection(("127.0.0.1", weir.port), timeout=10) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                received = b""
                try:
                    for byte in REFUSED[word]:
                        connection.sendall(bytes([byte]))
                    while piece := connection.recv(65536):
                        received += piece
                except (BrokenPipeError, ConnectionResetError):
                    received = received or b"reset"
                self.assertTrue(received.startswith(b"HTTP/1.1 400 ") or received == b"reset", received[:200])


# -- connections ----------------------------------------------------------------------------------------------


class Connections(Case):
    def test_http_client_keeps_its_connection(self):
        connection = http.client.HTTPConnection("127.0.0.1", weir.port, timeout=10)
        self.addCleanup(connection.close)
        connection.connect()
        port = connection.sock.getsockname()
        for number in range(20):
            path = ("/metrics", "/-/healthy", "/nothing")[number % 3]
            answer = endpoint.ask(connection, path, method="HEAD" if number % 4 == 3 else "GET")
            self.assertEqual(answer.status, 404 if path == "/nothing" else 200)
            self.assertEqual(connection.sock.getsockname(), port)

    def test_ten_requests_in_one_packet(self):
        paths = ["/-/healthy", "/nothing", "/metrics", "/-/ready", "/"] * 2
        data = b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths[:-1])
        data += f"GET {paths[-1]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        received, closed = raw(weir.port, data)
        self.assertTrue(closed)
        answers = parse_answers(received)
        self.assertEqual([answer.status for answer in answers], [404 if path == "/nothing" else 200 for path in paths])
        self.assertIn(b"weir_build_info", answers[2].body)
        self.assertIn(b"healthy", answers[5].body)

    def test_requests_with_bodies_in_one_packet(self):
        one = POST + b"Content-Length: 5\r\n\r\nGET /"
        other = POST + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nPOST \r\n0\r\nTrailer: z\r\n\r\n"
        received, closed = raw(weir.port, one + SMUGGLED + other + GET + b"Connection: close\r\n\r\n")
        self.assertTrue(closed)
        self.assertEqual([answer.status for answer in parse_answers(received)], [200] * 4)

    def test_requests_in_pieces(self):
        data = GET + b"X: " + b"y" * 300 + b"\r\n\r\n"
        with socket.create_connection(("127.0.0.1", weir.port), timeout=10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in data:
                connection.sendall(bytes([byte]))
            self.assertTrue(connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_close_is_said_and_done(self):
        received, closed = raw(weir.port, GET + b"Connection: close\r\n\r\n")
        self.assertTrue(closed)
        self.assertEqual(parse_answers(received)[0].headers["connection"], "close")

    def test_half_closed_peer_gets_its_answer(self):
        received, closed = raw(weir.port, GET + b"\r\n", shut=True)
        self.assertTrue(closed)
        self.assertEqual(parse_answers(received)[0].status, 200)

    def test_http_1_0(self):
        received, closed = raw(weir.port, b"GET /-/healthy HTTP/1.0\r\n\r\n")
        self.assertTrue(closed)
        self.assertEqual(parse_answers(received)[0].status, 200)

    def test_http_1_0_keep_alive(self):
        ask = b"GET /-/healthy HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        received, closed = raw(weir.port, ask * 2 + b"GET /-/healthy HTTP/1.0\r\n\r\n")
        self.assertTrue(closed)
        answers = parse_answers(received)
        self.assertEqual([answer.headers["connection"].lower() for answer in answers],
                         ["keep-alive", "keep-alive", "close"])

    def test_head_is_get_without_a_body(self):
        for path in ("/-/healthy", "/nothing", "/"):
            get = ask_once(weir.port, path)
            received, _ = raw(weir.port, f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head = parse_answers(received, heads=(0,))[0]
            self.assertEqual((head.status, head.body), (get.status, b""))
            if path != "/":  # it has a time on it
                self.assertEqual(head.headers["content-length"], get.headers["content-length"])
            self.assertEqual(head.headers["content-type"], get.headers["content-type"])

    def test_absolute_form(self):
        received, _ = raw(weir.port, f"GET http://127.0.0.1:{weir.port}/-/healthy?x HTTP/1.1\r\nHost: x\r\n"
                                     "Connection: close\r\n\r\n".encode())
        self.assertEqual(parse_answers(received)[0].status, 200)

    def test_route_prefix(self):
        own = self.start("--web.route-prefix=/deep/down")
        for path, status in (("/deep/down/metrics", 200), ("/deep/down/-/healthy", 200), ("/deep/down/", 200),
                             ("/metrics", 404), ("/deep/downmetrics", 404)):
            self.assertEqual(ask_once(own.port, path).status, status, path)

    def test_headers_of_the_configuration(self):
        more = ("http_server_config:\n  headers:\n    X-Frame-Options: deny\n    X-Content-Type-Options: nosniff\n"
                "    Content-Security-Policy: default-src 'none'\n")
        own = self.start(endpoint.web_config(f"{directory.name}/headers.yml", more=more))
        for path in ("/metrics", "/nothing"):
            headers = ask_once(own.port, path).headers
            self.assertEqual(headers["x-frame-options"], "deny")
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["content-security-policy"], "default-src 'none'")


class Coding(Case):
    def test_gzip_by_peer_and_by_wish(self):
        """auto: a peer on this host gets gzip only where it refuses what is not coded."""
        for mode, wish, wanted in (("auto", "gzip", None), ("auto", "gzip, identity;q=0", "gzip"),
                                   ("auto", "gzip, *;q=0", "gzip"), ("always", "gzip", "gzip"),
                                   ("always", "identity", None), ("always", "gzip;q=0", None), ("always", "", None),
                                   ("always", "deflate, br", None), ("always", "*", "gzip"), ("never", "gzip", None)):
            own = weir if mode == "always" else self.start(f"--web.gzip={mode}")
            answer = ask_once(own.port, headers={"Accept-Encoding": wish})
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers.get("content-encoding"), wanted, f"{mode}, {wish!r}")
            if mode != "never":
                self.assertIn("accept-encoding", answer.headers["vary"].lower())
            body = gzip.decompress(answer.body) if wanted else answer.body
            Exposition(body.decode())
            if wanted:
                self.assertLess(len(answer.body), len(body) / 4)


# -- curl ------------------------------------------------------------------------------------------------------


class Curl(Case):
    def curl(self, *arguments, limit_s=20):
        program = engines.need_program("curl", "curl")
        return engines.run(program, "--silent", "--show-error", "--noproxy", "", "--max-time", "15", *arguments,
                           limit_s=limit_s).stdout

    def url(self, path="/metrics"):
        return f"http://127.0.0.1:{weir.port}{path}"

    def test_keep_alive(self):
        out = self.curl("--output", "/dev/null", "--output", "/dev/null", "--output", "/dev/null",
                        "--write-out", "%{http_code} %{num_connects}\n", self.url(), self.url("/-/healthy"), self.url())
        self.assertEqual(out.split(), ["200", "1", "200", "0", "200", "0"])

    def test_head(self):
        out = self.curl("--head", self.url())
        self.assertIn("HTTP/1.1 200 OK", out)
        self.assertGreater(int(re.search(r"(?i)content-length: (\d+)", out).group(1)), 1000)

    def test_http_1_0(self):
        self.assertIn("weir_build_info", self.curl("--http1.0", self.url()))

    def test_compressed(self):
        plain, packed = (int(size) for size in (
            self.curl("--output", "/dev/null", "--write-out", "%{size_download}", *more, self.url())
            for more in ((), ("--header", "Accept-Encoding: gzip"))))
        self.assertLess(packed, plain / 4)
        Exposition(self.curl("--compressed", self.url()))

    def test_unix_socket(self):
        out = self.curl("--unix-socket", f"{directory.name}/weir.sock", "http://localhost/metrics")
        Exposition(out)

    def test_proxy_form(self):
        out = self.curl("--proxy", self.url(""), self.url("/-/healthy"))
        self.assertIn("healthy", out)

    def test_expect(self):
        out = self.curl("--request", "POST", "--header", "Expect: 100-continue", "--data", "x" * 100,
                        "--output", "/dev/null", "--write-out", "%{http_code} %{time_total}", self.url("/-/reload"))
        code, seconds = out.split()
        self.assertEqual(code, "200")
        self.assertLess(float(seconds), CURL_EXPECT_S * 0.9, "the body had to wait for its 100 Continue")

    def test_chunked_upload(self):
        path = f"{directory.name}/body"
        with open(path, "w", encoding="ascii") as file:
            file.write("x" * 3000)
        for method in ("POST", "PUT"):
            out = self.curl("--request", method, "--header", "Transfer-Encoding: chunked", "--data-binary", f"@{path}",
                            "--output", "/dev/null", "--write-out", "%{http_code}", self.url("/-/reload"))
            self.assertEqual(out, "200", method)


# -- sockets of others, and files ----------------------------------------------------------------------------

LAUNCHER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


class Sockets(Case):
    def test_systemd_hands_over_sockets(self):
        """As systemd does it: from descriptor 3 on, LISTEN_PID the process itself."""
        port = free_port()
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(64)
            started = Started("--web.systemd-socket", "--collect.tiers=simulated", port=port, listener=listener,
                              wrapper=(sys.executable, "-c", LAUNCHER, str(listener.fileno())))
        self.assertEqual(started.get("/-/healthy")[0], 200)
        started.close()

    def test_systemd_socket_activate(self):
        program = engines.need_program("systemd-socket-activate", "systemd")
        port = free_port()
        started = Started("--web.systemd-socket", "--collect.tiers=simulated", port=port,
                          wrapper=(program, "--listen", f"127.0.0.1:{port}"), wait=False)
        wait_for(lambda: "istening on" in started.log(), 10, "systemd-socket-activate listens")
        Exposition(started.get("/metrics")[1])  # the first connection starts weir
        started.close()

    def test_no_sockets_handed_over(self):
        """Said at once and clearly, instead of serving nowhere."""
        started = Started("--web.systemd-socket", "--collect.tiers=simulated", port=0, wait=False)
        self.assertGreater(started.process.wait(10), 0)
        self.assertRegex(started.log(), "LISTEN_FDS|systemd")

    def test_mode_and_group(self):
        group = next((entry for entry in grp.getgrall() if entry.gr_gid not in (0, os.getgid())), None)
        if os.geteuid() != 0 or not group:
            harness.skip("giving a socket to another group needs root and another group")
        for query, mode, gid in (("", None, os.getgid()), ("?mode=0600", 0o600, os.getgid()),
                                 (f"?mode=0660&group={group.gr_name}", 0o660, group.gr_gid),
                                 (f"?group={group.gr_name}&mode=0666", 0o666, group.gr_gid)):
            path = f"{directory.name}/moded.sock"
            own = simulated(f"--web.listen-address=unix:{path}{query}")
            found = os.stat(path)
            self.assertTrue(stat.S_ISSOCK(found.st_mode))
            self.assertEqual(found.st_gid, gid)
            if mode is not None:
                self.assertEqual(stat.S_IMODE(found.st_mode), mode)
            own.close()
            self.assertFalse(os.path.exists(path), "removed at the end")

    def test_socket_left_behind_and_socket_in_use(self):
        path = f"{directory.name}/left.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        own = simulated(f"--web.listen-address=unix:{path}")
        other = Started("--collect.tiers=simulated", f"--web.listen-address=unix:{path}", port=0, wait=False)
        self.assertGreater(other.process.wait(10), 0)
        self.assertIn(path, other.log())
        self.assertTrue(os.path.exists(path), "the one in use is left alone")
        own.close()

    def test_a_file_that_is_no_socket_stays(self):
        path = f"{directory.name}/precious"
        shutil.copy("/etc/hostname", path)
        other = Started("--collect.tiers=simulated", f"--web.listen-address=unix:{path}", port=0, wait=False)
        self.assertGreater(other.process.wait(10), 0)
        self.assertIn(path, other.log())
        self.assertTrue(os.path.isfile(path))

    def test_unknown_group(self):
        done = run_weir("--collect.tiers=simulated",
                        f"--web.listen-address=unix:{directory.name}/x?group=no-such-group", limit_s=20)
        self.assertGreater(done.returncode, 0)
        self.assertIn("no-such-group", done.stderr)


if __name__ == "__main__":
    harness.main(limit_s=220)
