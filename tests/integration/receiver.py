"""A strict receiver of remote write 1, remote write 2 and OTLP/HTTP: it holds each request against the rules, keeps all
of them in their order, and answers as it is told, well or badly."""

import dataclasses
import http.server
import os
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import time

import harness
import otlp
import remote_write
from harness import wait_for
from protobuf_wire import Damaged

PATHS = {"remote-write": "/api/v1/write", "remote-write-2": "/api/v2/write", "otlp": "/v1/metrics"}
WRITTEN = "X-Prometheus-Remote-Write-{}-Written"
# How long a connection that is held open for a fault is kept at most; longer than any timeout of a test.
HOLD_LIMIT_S = 120
LARGE_BODY = 1 << 20


@dataclasses.dataclass
class Answer:
    """What a request is answered with. `fault` is one of: "" an ordinary answer, "hang" none at all, "drip" one byte a
    second, "half" closed in the middle of the answer, "close" closed without an answer, "reset" reset without one,
    "empty" a status line alone, "garbage" no HTTP, "deaf" reset before the body was read."""

    status: int = 204
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)
    delay_s: float = 0.0
    fault: str = ""
    written: object = True  # remote write 2: the Written headers, True all of them, a number so many, None none of them
    stored: bool = None  # does it count as taken? None: as the status says
    hold_s: float = HOLD_LIMIT_S

    def is_stored(self):
        return self.status // 100 == 2 if self.stored is None else self.stored


@dataclasses.dataclass
class Request:
    """One request, decoded, with what was broken in it."""

    number: int
    arrived: float  # time.time()
    path: str
    headers: list  # (name in lower case, value)
    body: bytes
    message: object = None  # remote_write.Message, None where it could not be decoded
    broken: list = dataclasses.field(default_factory=list)
    answer: Answer = None
    answered: float = None  # time.time() of the end of the answer
    address: tuple = None

    def header(self, name):
        return next((value for key, value in self.headers if key == name), None)

    def kind(self):
        if self.message is None:
            return "damaged"
        if self.message.samples:
            return "samples"
        return "metadata" if self.message.metadata else "empty"

    def values(self, metric):
        """{timestamp: value bits} of the series of that name."""
        return {moment: bits for series, moment, bits in (self.message.samples if self.message else ())
                if ("__name__", metric) in series}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = HOLD_LIMIT_S
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_arguments):
        pass

    def setup(self):
        super().setup()
        self.server.owner.connections.add(self.connection)

    def finish(self):
        self.server.owner.connections.discard(self.connection)
        try:
            super().finish()
        except OSError:
            pass

    def do_POST(self):
        owner = self.server.owner
        headers = [(name.lower(), value.strip()) for name, value in self.headers.items()]
        length = dict(headers).get("content-length", "")
        request = Request(0, time.time(), self.path, headers, b"", address=self.client_address)
        if not length.isdigit():
            request.broken.append(f"MUST length: no Content-Length: {headers}")
            length = "0"
        if owner.is_deaf():
            owner.keep(request)
            return self._reset()
        request.body = self.rfile.read(int(length))
        if len(request.body) < int(length):
            request.broken.append(f"MUST body: {len(request.body)} of {length} bytes")
            self.close_connection = True
        answer = owner.take(request)
        self._give(request, answer)
        request.answered = time.time()
        return None

    def do_GET(self):
        request = Request(0, time.time(), self.path, [], b"", broken=[f"MUST method: {self.command}"])
        self.server.owner.keep(request)
        self.send_error(405)

    do_PUT = do_GET

    def _give(self, request, answer):
        if answer.delay_s:
            self.server.owner.ending.wait(answer.delay_s)
        try:
            if answer.fault:
                self._misbehave(request, answer)
            else:
                self.wfile.write(self._head(request, answer) + answer.body)
                self.wfile.flush()
        except OSError:
            self.close_connection = True

    def _head(self, request, answer):
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        if answer.status in (204, 304):
            del headers["Content-Length"]
        if request.message is not None and request.message.protocol == "remote-write-2" and answer.written is not None:
            every = len(request.message.samples) if answer.is_stored() else 0
            count = every if answer.written is True else answer.written
            headers.update({WRITTEN.format("Samples"): str(count), WRITTEN.format("Histograms"): "0",
                            WRITTEN.format("Exemplars"): "0"})
        lines = [f"HTTP/1.1 {answer.status} Answer", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _misbehave(self, request, answer):
        self.close_connection = True
        if answer.fault == "hang":
            self.server.owner.ending.wait(answer.hold_s)
        elif answer.fault == "drip":
            self._drip(self._head(request, answer) + answer.body, answer.hold_s)
        elif answer.fault == "half":
            whole = self._head(request, dataclasses.replace(answer, status=200, body=b"x" * 1000)) + b"x" * 500
            self.wfile.write(whole[:len(whole) - 250])
        elif answer.fault == "empty":
            self.wfile.write(f"HTTP/1.1 {answer.status} \r\n\r\n".encode("latin-1"))
        elif answer.fault == "garbage":
            self.wfile.write(b"\x00\xff this is no HTTP \r\n\r\n" * 10)
        elif answer.fault == "reset":
            self._reset()
        elif answer.fault != "close":
            raise AssertionError(f"no such fault: {answer.fault}")

    def _drip(self, data, hold_s):
        end = time.monotonic() + hold_s
        for at in range(len(data)):
            if time.monotonic() > end or self.server.owner.ending.wait(1.0):
                return
            self.wfile.write(data[at:at + 1])
            self.wfile.flush()

    def _reset(self):
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.close(self.connection)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64
    owner = None
    context = None  # a TLS context: the handshake is the connection's own thread's

    def handle_error(self, _request, _address):
        pass

    def server_bind(self):  # without the look-up of a name
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def finish_request(self, request, client_address):
        if self.context is not None:
            request.settimeout(HOLD_LIMIT_S)
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except OSError as error:
                self.owner.handshakes.append(str(error))
                return
        self.RequestHandlerClass(request, client_address, self)


class Receiver:
    """Listens on 127.0.0.1 until the test ends.

    Each request is judged by `rule(request)`, an Answer or None, then by the first of `answers`, which is used up, then
    by `usual`. Probes and metadata use up none of `answers`. `known` names the protocols it has: the others are
    answered as receivers do that have never heard of them.
    """

    def __init__(self, known=tuple(PATHS), tls=None, port=0):
        self.known, self.tls, self.port = known, tls, port
        self.lock = threading.RLock()  # a rule may ask what came
        self.requests = []
        self.answers = []
        self.usual = Answer()
        self.rule = None
        self.deaf = 0
        self.handshakes = []
        self.connections = set()
        self.readers = {"remote-write": remote_write.Reader1(), "remote-write-2": remote_write.Reader2(),
                        "otlp": otlp.Reader()}
        self.last = {}  # series -> (timestamp, bits) taken last
        self.duplicates, self.inversions, self.conflicts = 0, 0, []
        self.server = self.ending = None
        self.start()
        harness.at_end(self.stop)

    def start(self):
        """Listens, on the port it had before."""
        self.ending = threading.Event()
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.owner, self.server.context = self, self.tls
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Closes everything at once, as a process that ends does."""
        if self.server is None:
            return
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.server = None

    def url(self, protocol="remote-write", host="127.0.0.1"):
        return f"http{'s' if self.tls else ''}://{host}:{self.port}{PATHS[protocol]}"

    # -- one request ---------------------------------------------------------------------------------------------

    def is_deaf(self):
        with self.lock:
            self.deaf -= self.deaf > 0
            return self.deaf > 0

    def keep(self, request):
        with self.lock:
            request.number = len(self.requests)
            self.requests.append(request)

    def take(self, request):
        """Reads and keeps it, and decides on the answer."""
        protocol = self._protocol_of(request)
        with self.lock:
            try:
                request.message = self.readers[protocol].read(request.headers, request.body)
                request.broken += request.message.broken
            except Damaged as error:
                request.broken.append(f"MUST message: {error}")
            if request.path != PATHS[protocol]:
                request.broken.append(f"MUST path: {request.path}")
            request.number = len(self.requests)
            request.answer = self._answer(request, protocol)
            self.requests.append(request)
            if request.message is not None and request.answer.is_stored():
                self._store(request)
        return request.answer

    @staticmethod
    def _protocol_of(request):
        if "proto=io.prometheus.write.v2.Request" in (request.header("content-type") or ""):
            return "remote-write-2"
        return "remote-write" if request.header("x-prometheus-remote-write-version") else "otlp"

    def _answer(self, request, protocol):
        if protocol not in self.known:
            # A receiver of version 1 reads a message of version 2 as an empty one of its own.
            return Answer(204 if protocol == "remote-write-2" else 404, written=None, stored=False)
        if request.message is None:
            return Answer(400, b"this is no message\n")
        answer = self.rule(request) if self.rule else None
        if answer is None and self.answers and request.kind() == "samples":
            answer = self.answers.pop(0)
        answer = answer or self.usual
        if protocol == "otlp" and answer.status == 204:
            answer = dataclasses.replace(answer, status=200)
        return answer

    def _store(self, request):
        for series, moment, bits in request.message.samples:
            before = self.last.get(series)
            if before is None or moment > before[0]:
                self.last[series] = moment, bits
            elif moment < before[0]:
                self.inversions += 1
            elif bits == before[1]:
                self.duplicates += 1
            else:
                self.conflicts.append((series, moment, before[1], bits))

    # -- what came -----------------------------------------------------------------------------------------------

    def of(self, kind="samples"):
        """The requests of that kind, in the order they came."""
        with self.lock:
            return [request for request in self.requests if request.kind() == kind]

    def stored(self):
        """The requests with samples that were taken."""
        return [request for request in self.of() if request.answer.is_stored()]

    def samples(self):
        """series -> [(timestamp, bits)] taken, in the order they came."""
        found = {}
        for request in self.stored():
            for series, moment, bits in request.message.samples:
                found.setdefault(series, []).append((moment, bits))
        return found

    def broken(self):
        """Every rule broken so far, with the request's number."""
        with self.lock:
            return [f"request {request.number}: {sentence}" for request in self.requests for sentence in request.broken]

    def wait(self, count, kind="samples", limit_s=15, what=None):
        """Waits until `count` requests of that kind came in all; they."""
        wait_for(lambda: len(self.of(kind)) >= count, limit_s, what or f"{count} requests of kind {kind}", 0.02)
        return self.of(kind)

    def wait_stored(self, count, limit_s=15):
        wait_for(lambda: len(self.stored()) >= count, limit_s, f"{count} requests taken", 0.02)
        return self.stored()

    def wait_more(self, count=1, limit_s=15):
        """Waits for so many further requests taken; they."""
        before = len(self.stored())
        return self.wait_stored(before + count, limit_s)[before:]


# -- certificates --------------------------------------------------------------------------------------------


def certificates(directory, names=("server", "client")):
    """Makes ca.pem, and NAME.pem with NAME.key signed by it, for 127.0.0.1; and other-ca.pem, which signed nothing."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory, timeout=30)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for authority in ("ca", "other-ca"):
        openssl("req", "-x509", *key, "-days", "30", "-subj", f"/CN={authority}", "-keyout", f"{authority}.key", "-out",
                f"{authority}.pem")
    with open(os.path.join(directory, "extensions"), "w", encoding="ascii") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name in names:
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "30", "-extfile", "extensions", "-out", f"{name}.pem")
    return directory


def server_tls(directory, name="server", client_ca=None):
    """The context of a receiver; with `client_ca` a client must show a certificate of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, f"{name}.pem"), os.path.join(directory, f"{name}.key"))
    if client_ca:
        context.load_verify_locations(os.path.join(directory, client_ca))
        context.verify_mode = ssl.CERT_REQUIRED
    return context
