"""What the tests of the endpoint share: weir started in other ways, its web configuration, clients, scrape loops."""

import base64
import dataclasses
import http.client
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import harness
import weir as weir_module
from harness import wait_for
from weir import Weir

USER = ("scraper", "weir-test")
# bcrypt of that password, at the least cost there is.
USER_HASH = "$2b$04$0FkgKL7GzrLWYcGc2Ij7COS.f8MyYbgo0otpVYLvAE4MkZIsAK4wu"
ANSWER_LIMIT_S = 15


class Started(Weir):
    """weir started with exactly these flags; `port` is where it will answer on 127.0.0.1.

    `wrapper` is a command that starts it, `listener` a socket that its process inherits.
    """

    def __init__(self, *flags, port, wrapper=(), listener=None, wait=True):
        weir_module.need_binary()
        self.port = port
        self.flags = flags
        self.log_file = tempfile.NamedTemporaryFile(prefix="weir-log-", suffix=".txt")
        inherited = {key: value for key, value in os.environ.items()
                     if key not in ("DOCKER_HOST", "CONTAINER_HOST") and not key.startswith(("WEIR_", "LISTEN_"))}
        self.process = subprocess.Popen(
            [*wrapper, weir_module.BINARY, *flags], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.log_file, env=inherited, pass_fds=() if listener is None else (listener.fileno(),))
        harness.at_end(self.kill)
        if wait:
            wait_for(self._listens, weir_module.START_LIMIT_S, f"weir listens ({' '.join(flags)}); log: {self.log()}")


# -- the file of --web.config.file ---------------------------------------------------------------------------


def write_whole(path, text):
    """Replaces a file in one step, as an editor that is careful does."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(f"{path}.new", path)


def web_config(path, certificate=None, key=None, client_ca=None, users=False, more=""):
    """Writes one in the schema of the exporter toolkit; the flag that names it."""
    lines = []
    if certificate:
        lines += ["tls_server_config:", f"  cert_file: {certificate}", f"  key_file: {key}"]
        if client_ca:
            lines += ["  client_auth_type: RequireAndVerifyClientCert", f"  client_ca_file: {client_ca}"]
    if users:
        lines += ["basic_auth_users:", f"  {USER[0]}: {USER_HASH}"]
    write_whole(path, "\n".join(lines) + "\n" + more)
    return f"--web.config.file={path}"


# -- clients -------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict  # by names in lower case
    body: bytes


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def client_tls(ca, certificate=None, key=None):
    """A context that trusts `ca` and shows a certificate of its own."""
    context = ssl.create_default_context(cafile=ca)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def connect(port, tls=None, host="127.0.0.1", limit_s=ANSWER_LIMIT_S):
    if tls:
        return http.client.HTTPSConnection(host, port, timeout=limit_s, context=tls)
    return http.client.HTTPConnection(host, port, timeout=limit_s)


def ask(connection, path="/metrics", headers=None, method="GET", body=None):
    """One request on a connection that stays open."""
    connection.request(method, path, headers=headers or {}, body=body)
    response = connection.getresponse()
    return Answer(response.status, {key.lower(): value for key, value in response.getheaders()}, response.read())


def ask_once(port, path="/metrics", tls=None, host="127.0.0.1", **more):
    connection = connect(port, tls, host)
    try:
        return ask(connection, path, **more)
    finally:
        connection.close()


def raw(port, data, limit_s=ANSWER_LIMIT_S, shut=False):
    """Sends bytes; (everything that comes back, did the other side close)."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=limit_s) as connection:
        connection.sendall(data)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            return received, True
        except TimeoutError:
            return received, False
    return received, True


def parse_answers(data, heads=()):
    """The answers in a stream of bytes, one after the other; `heads` are the indexes of those to HEAD requests."""
    answers = []
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        if not separator:
            raise AssertionError(f"a head without its end: {head[:300]!r}")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        status = int(lines[0].split()[1])
        length = 0 if len(answers) in heads or status < 200 else int(headers["content-length"])
        if len(data) < length:
            raise AssertionError(f"{len(data)} of {length} bytes of a body")
        answers.append(Answer(status, headers, data[:length]))
        data = data[length:]
    return answers


# -- a loop of scrapes ---------------------------------------------------------------------------------------


class ScrapeLoop:
    """Ten scrapes a second while a test changes things. What goes wrong is kept in `lost`.

    `open_connection` makes a connection for http.client. With `kept` one is used again and again; where weir has
    closed it meanwhile, the request is sent once more on a new one, as Go's client does, and counted in `reopened`.
    """

    PERIOD_S = 0.1

    def __init__(self, open_connection, path="/metrics", kept=False, allowed=(200,), headers=None):
        self.open_connection, self.path, self.kept, self.allowed = open_connection, path, kept, allowed
        self.headers = headers
        self.lost, self.statuses, self.certificates = [], [], []
        self.reopened = 0
        self.connection = None
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        harness.at_end(self.ending.set)

    def _run(self):
        due = time.monotonic()
        while not self.ending.is_set():
            try:
                self._scrape()
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.lost.append(f"{time.strftime('%H:%M:%S')} {error!r}")
                self._close()
            due = max(due + self.PERIOD_S, time.monotonic() - self.PERIOD_S)
            self.ending.wait(max(0.0, due - time.monotonic()))
        self._close()

    def _scrape(self):
        used_before = self.connection is not None
        if not used_before:
            self.connection = self.open_connection()
        try:
            answer = ask(self.connection, self.path, self.headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            if not used_before:
                raise
            self.reopened += 1
            self._close()
            self.connection = self.open_connection()
            answer = ask(self.connection, self.path, self.headers)
        if answer.status not in self.allowed:
            raise AssertionError(f"{answer.status} {answer.body[:200]!r}")
        if isinstance(self.connection.sock, ssl.SSLSocket):
            self.certificates.append(self.connection.sock.getpeercert(binary_form=True))
        self.statuses.append(answer.status)
        if not self.kept:
            self._close()
        elif self.connection.sock is None:  # the answer said that the connection ends with it
            self.reopened += 1
            self.connection = None

    def _close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def count(self):
        return len(self.statuses)

    def wait_more(self, count, limit_s=10):
        """Waits for so many further scrapes."""
        before = self.count()
        wait_for(lambda: self.count() >= before + count or self.lost, limit_s, f"{count} more scrapes")

    def stop(self):
        """Ends it; nothing must be lost."""
        self.ending.set()
        self.thread.join(ANSWER_LIMIT_S + 5)
        if self.thread.is_alive():
            raise AssertionError("a scrape does not end")
        if self.lost:
            raise AssertionError(f"{len(self.lost)} scrapes lost beside {self.count()} good ones: {self.lost[:10]}")


# -- what a process holds ------------------------------------------------------------------------------------


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def descriptors(pid):
    """What the open descriptors are, sorted; sockets without their numbers."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{name}").split(":[")[0])
        except FileNotFoundError:
            pass
    return sorted(found)
