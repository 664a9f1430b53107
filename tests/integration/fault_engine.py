"""A scripted engine on a unix socket: right answers by default, and one of many wrong ones where a test says so.

It speaks the part of the Docker Engine API a reader needs. The containers' CPU counters follow the clock, so
that the right percentage is known exactly.
"""

import datetime
import hashlib
import json
import os
import re
import select
import shutil
import socket
import tempfile
import threading
import time
import urllib.parse

import harness

MEBI = 1 << 20
HOST_MEMORY = 8 << 30
HOST_CPUS = 4
HUGE_BODY = 64 * MEBI
GATHER_LIMIT_S = 2.5  # shorter than a reader waits for one call
ENDPOINTS = ("ping", "version", "info", "list", "inspect", "stats", "events")

ROUTES = (
    ("ping", re.compile(r"/_ping$")),
    ("version", re.compile(r"/version$")),
    ("info", re.compile(r"/info$")),
    ("list", re.compile(r"/containers/json$")),
    ("inspect", re.compile(r"/containers/([^/]+)/json$")),
    ("stats", re.compile(r"/containers/([^/]+)/stats$")),
    ("events", re.compile(r"/events$")),
)


def rfc3339(seconds):
    moment = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{int(seconds % 1 * 1e9):09d}Z"


class Container:
    """What the engine says of one container. `cpu_rate` is how many CPUs it keeps busy."""

    def __init__(self, name, cpu_rate=0.25, image="app:1", labels=None, cpu_before_s=0.0):
        self.id = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        self.name, self.image, self.labels = name, image, dict(labels or {})
        self.created = time.time()
        self.memory = {"usage": 60 * MEBI, "inactive_file": 10 * MEBI, "rss": 40 * MEBI}
        self.rx, self.tx = 1000, 2000
        self.blk_read, self.blk_write = 4096, 8192
        self.empty_stats = False  # running, but the engine gives the object of a stopped one
        self.state = "running"
        self.cpu_rate = cpu_rate
        self.restart(cpu_before_s)

    def restart(self, cpu_before_s=0.0):
        """A new instance whose CPU counter begins at `cpu_before_s`."""
        self.started = time.time()
        self.cpu_base_ns, self.cpu_since = int(cpu_before_s * 1e9), time.monotonic()
        self.state = "running"

    def set_cpu_rate(self, rate):
        self.cpu_base_ns, self.cpu_since, self.cpu_rate = self.cpu_ns(), time.monotonic(), rate

    def cpu_ns(self):
        return self.cpu_base_ns + int((time.monotonic() - self.cpu_since) * 1e9 * self.cpu_rate)

    def list_entry(self):
        return {"Id": self.id, "Names": ["/" + self.name], "Image": self.image, "ImageID": "sha256:" + "0" * 64,
                "Command": "run", "Created": int(self.created), "Ports": [], "Labels": self.labels,
                "State": self.state, "Status": "Up", "HostConfig": {"NetworkMode": "default"},
                "NetworkSettings": {"Networks": {}}, "Mounts": []}

    def inspect(self):
        live = self.state in ("running", "paused")
        return {
            "Id": self.id, "Created": rfc3339(self.created), "Name": "/" + self.name, "RestartCount": 0,
            "State": {"Status": self.state, "Running": live, "Paused": self.state == "paused",
                      "Restarting": False, "OOMKilled": False, "Dead": False, "Pid": 0, "ExitCode": 0,
                      "Error": "", "StartedAt": rfc3339(self.started), "FinishedAt": "0001-01-01T00:00:00Z"},
            "Config": {"Hostname": self.id[:12], "Image": self.image, "Labels": self.labels, "Env": ["SECRET=x"]},
            "HostConfig": {"NetworkMode": "default", "CgroupParent": "", "NanoCpus": 0, "CpuShares": 0,
                           "CpuPeriod": 0, "CpuQuota": 0, "Memory": 0, "MemorySwap": 0,
                           "MemoryReservation": 0, "PidsLimit": None, "CgroupnsMode": "host"},
            "NetworkSettings": {"SandboxKey": "", "Networks": {}},
        }

    def stats(self):
        if self.state not in ("running", "paused") or self.empty_stats:
            return {"read": "0001-01-01T00:00:00Z", "preread": "0001-01-01T00:00:00Z", "pids_stats": {},
                    "blkio_stats": {"io_service_bytes_recursive": None}, "num_procs": 0, "storage_stats": {},
                    "cpu_stats": {"cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0,
                                                "usage_in_usermode": 0}},
                    "precpu_stats": {}, "memory_stats": {}, "name": "/" + self.name, "id": self.id}
        cpu, memory = self.cpu_ns(), self.memory
        return {
            "read": rfc3339(time.time()), "preread": "0001-01-01T00:00:00Z",
            "pids_stats": {"current": 3}, "num_procs": 0, "storage_stats": {},
            "blkio_stats": {"io_service_bytes_recursive": [
                {"major": 8, "minor": 0, "op": "Read", "value": self.blk_read},
                {"major": 8, "minor": 0, "op": "Write", "value": self.blk_write},
                {"major": 8, "minor": 0, "op": "Total", "value": self.blk_read + self.blk_write}],
                "io_serviced_recursive": []},
            "cpu_stats": {"cpu_usage": {"total_usage": cpu, "usage_in_kernelmode": cpu // 4,
                                        "usage_in_usermode": cpu - cpu // 4},
                          "system_cpu_usage": int(time.monotonic() * 1e9 * HOST_CPUS),
                          "online_cpus": HOST_CPUS,
                          "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0}},
            "precpu_stats": {"cpu_usage": {"total_usage": 0}},
            "memory_stats": {"usage": memory["usage"], "max_usage": memory["usage"], "limit": HOST_MEMORY,
                             "stats": {"total_inactive_file": memory["inactive_file"],
                                       "total_rss": memory["rss"], "total_cache": 20 * MEBI,
                                       "total_active_file": 5 * MEBI, "total_pgfault": 100,
                                       "total_pgmajfault": 1, "pgfault": 100, "pgmajfault": 1}},
            "name": "/" + self.name, "id": self.id,
            "networks": {"eth0": {"rx_bytes": self.rx, "rx_packets": 10, "rx_errors": 0, "rx_dropped": 0,
                                  "tx_bytes": self.tx, "tx_packets": 20, "tx_errors": 0, "tx_dropped": 0}},
        }


class Drop(Exception):
    """The connection is to be closed now."""


class FaultEngine:
    """Listens at once. `faults` maps an endpoint, or endpoint:ID, to a fault; `fail` and `heal` change it.

    Faults: hang, hang_after_header, cut, cut_chunked, garbage, not_http, 500, 404, huge, empty, slow, wrong_shape,
    close_after, close_kept.
    """

    def __init__(self, containers=(), api="1.41", min_api="1.12", version="24.0.9", gather=0, path=None):
        self.containers = {container.id: container for container in containers}
        self.api, self.min_api, self.version = api, min_api, version
        self.faults = {}
        self.requests = []  # (monotonic time, method, target)
        self.in_flight, self.most_in_flight = {}, 0  # statistics calls: of one container, at most
        self.at_once, self.most_at_once = 0, 0  # and of all together
        self.gather = gather  # statistics calls wait until so many are under way together, for GATHER_LIMIT_S
        self.gathered = threading.Event()
        self.released = threading.Event()  # set: what hangs stops hanging (its connection is closed)
        self.event_connections = []
        self.lock = threading.Lock()
        self.directory = None
        if path is None:
            self.directory = tempfile.mkdtemp(prefix="weir-fake-")
            os.chmod(self.directory, 0o755)
            path = os.path.join(self.directory, "engine.sock")
        self.path, self.host = path, f"unix://{path}"
        self.listener = None
        self.connections = set()
        self.listen()
        harness.at_end(self.close)

    # -- control ------------------------------------------------------------------------------------------

    def listen(self):
        """Takes connections (again)."""
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(128)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def deafen(self, unlink=False):
        """Nobody listens any more, every connection is cut; the socket's file stays unless `unlink`."""
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        self.cut_connections()
        if unlink and os.path.exists(self.path):
            os.unlink(self.path)

    def cut_connections(self):
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def fail(self, endpoint, fault):
        self.faults[endpoint] = fault

    def fail_all(self, fault):
        for endpoint in ENDPOINTS:
            self.faults[endpoint] = fault

    def heal(self):
        """Right answers from now on; what hangs is let go."""
        self.faults.clear()
        self.released.set()
        self.released = threading.Event()

    def close(self):
        self.released.set()
        self.deafen(unlink=True)
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def add(self, container, event="start"):
        self.containers[container.id] = container
        self.emit(container, event)

    def remove(self, container):
        del self.containers[container.id]
        self.emit(container, "destroy")

    def emit(self, container, action):
        """Sends an event to everybody who listens for them."""
        now = time.time()
        event = {"status": action, "id": container.id, "from": container.image, "Type": "container",
                 "Action": action, "Actor": {"ID": container.id, "Attributes": {"name": container.name}},
                 "scope": "local", "time": int(now), "timeNano": int(now * 1e9)}
        line = json.dumps(event).encode() + b"\n"
        with self.lock:
            listeners = list(self.event_connections)
        for connection in listeners:
            try:
                connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            except OSError:
                pass

    def targets(self, endpoint):
        """Targets of the requests that went to `endpoint` so far."""
        pattern = dict(ROUTES)[endpoint]
        return [target for _, _, target in self.requests if pattern.search(urllib.parse.urlsplit(target).path)]

    # -- connections --------------------------------------------------------------------------------------

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            buffered, count = b"", 0
            while True:
                while b"\r\n\r\n" not in buffered:
                    data = connection.recv(65536)
                    if not data:
                        return
                    buffered += data
                head, buffered = buffered.split(b"\r\n\r\n", 1)
                count += 1
                self._answer(connection, head.decode("latin-1"), count)
        except (OSError, Drop):
            pass
        finally:
            with self.lock:
                self.connections.discard(connection)
                if connection in self.event_connections:
                    self.event_connections.remove(connection)
            connection.close()

    def _answer(self, connection, head, count):
        method, target, _ = head.split("\r\n")[0].split(" ")
        self.requests.append((time.monotonic(), method, target))
        path = urllib.parse.urlsplit(target).path
        prefix = re.match(r"/v(\d+\.\d+)(/.*)", path)
        route = prefix.group(2) if prefix else path
        endpoint, container = self._route(route)
        if prefix and endpoint != "ping":
            self._check_version(connection, prefix.group(1))
        key = (endpoint, container)
        self._count(key, 1)
        try:
            if endpoint == "stats" and self.gather:
                self.gathered.wait(GATHER_LIMIT_S)
            self._respond(connection, method, endpoint, container, count)
        finally:
            self._count(key, -1)

    def _count(self, key, step):
        if key[0] != "stats":
            return
        with self.lock:
            self.in_flight[key] = self.in_flight.get(key, 0) + step
            self.at_once += step
            self.most_in_flight = max(self.most_in_flight, self.in_flight[key])
            self.most_at_once = max(self.most_at_once, self.at_once)
            if self.at_once >= self.gather:
                self.gathered.set()

    @staticmethod
    def _route(path):
        for endpoint, pattern in ROUTES:
            match = pattern.match(path)
            if match:
                return endpoint, match.group(1) if match.groups() else None
        return None, None

    def _check_version(self, connection, asked):
        def numbers(text):
            return tuple(int(part) for part in text.split("."))

        if numbers(asked) < numbers(self.min_api):
            message = f"client version {asked} is too old. Minimum supported API version is {self.min_api}"
        elif numbers(asked) > numbers(self.api):
            message = f"client version {asked} is too new. Maximum supported API version is {self.api}"
        else:
            return
        self._send(connection, 400, json.dumps({"message": message}).encode())
        raise Drop()

    # -- answers ------------------------------------------------------------------------------------------

    def _body(self, endpoint, container):
        if endpoint == "ping":
            return 200, b"OK"
        if endpoint == "version":
            answer = {"Version": self.version, "ApiVersion": self.api, "MinAPIVersion": self.min_api, "Os": "linux",
                      "Arch": "amd64", "Components": [{"Name": "Engine", "Version": self.version}]}
        elif endpoint == "info":
            answer = {"NCPU": HOST_CPUS, "MemTotal": HOST_MEMORY, "CgroupDriver": "cgroupfs", "CgroupVersion": "1",
                      "ID": f"fake-{id(self)}", "Name": "fake", "SecurityOptions": [], "Containers": len(self.containers)}
        elif endpoint == "list":
            answer = [entry.list_entry() for entry in list(self.containers.values())]
        else:
            known = self.containers.get(container)
            if known is None:
                return 404, json.dumps({"message": f"No such container: {container}"}).encode()
            answer = known.inspect() if endpoint == "inspect" else known.stats()
        return 200, json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass")

    def _headers(self, status, length):
        reason = {200: "OK", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error"}[status]
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        return (f"HTTP/1.1 {status} {reason}\r\nApi-Version: {self.api}\r\nServer: Docker/{self.version} (linux)\r\n"
                f"Ostype: linux\r\nContent-Type: application/json\r\n{framing}\r\n\r\n").encode()

    def _send(self, connection, status, body, method="GET"):
        """Short bodies with a length, long ones chunked, as the engine does."""
        if len(body) < 2048:
            connection.sendall(self._headers(status, len(body)) + (body if method == "GET" else b""))
            return
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part)
                          for part in (body[i:i + 4096] for i in range(0, len(body), 4096)))
        connection.sendall(self._headers(status, None) + chunks + b"0\r\n\r\n")

    def _hold(self, connection):
        """Says nothing until the peer goes away or the engine is healed."""
        released = self.released
        while not released.is_set():
            readable, _, _ = select.select([connection], [], [], 0.1)
            if readable and not connection.recv(65536):
                break
        raise Drop()

    def _respond(self, connection, method, endpoint, container, count):
        fault = self.faults.get(f"{endpoint}:{container}", self.faults.get(endpoint))
        if endpoint is None:
            self._send(connection, 404, b'{"message":"page not found"}')
            return
        if fault == "hang":
            self._hold(connection)
        if endpoint == "events" and fault is None:
            connection.sendall(self._headers(200, None))
            with self.lock:
                self.event_connections.append(connection)
            self._hold(connection)
        if endpoint == "events":
            status, body = 200, b"{}\n"
        else:
            status, body = self._body(endpoint, container)
        if fault is None:
            self._send(connection, status, body, method)
            return
        self._respond_wrong(connection, fault, body, count)

    def _respond_wrong(self, connection, fault, body, count):
        if fault in ("500", "404"):
            self._send(connection, int(fault), b'{"message":"scripted failure"}')
        elif fault == "garbage":
            self._send(connection, 200, b'{"read": \xff\xfe nonsense ]')
        elif fault == "wrong_shape":
            self._send(connection, 200, b'"a string where an object or a list belongs"')
        elif fault == "empty":
            self._send(connection, 200, b"")
        elif fault == "not_http":
            connection.sendall(b"\x16\x03\x01 this is no HTTP at all\r\n\r\n")
            raise Drop()
        elif fault == "cut":
            connection.sendall(self._headers(200, len(body)) + body[:len(body) // 2])
            raise Drop()
        elif fault == "cut_chunked":
            part = body[:len(body) // 2] or b"{"
            connection.sendall(self._headers(200, None) + b"%x\r\n%s\r\n" % (len(part), part))
            raise Drop()
        elif fault == "hang_after_header":
            connection.sendall(self._headers(200, len(body)))
            self._hold(connection)
        elif fault == "slow":
            self._drip(connection, body)
        elif fault == "huge":
            self._flood(connection)
        elif fault == "close_after":
            self._send(connection, 200, body)
            raise Drop()
        elif fault == "close_kept":
            if count > 1:
                raise Drop()
            self._send(connection, 200, body)
        else:
            raise ValueError(fault)

    def _drip(self, connection, body):
        """One byte every 50 ms: it would be minutes until the end."""
        connection.sendall(self._headers(200, len(body)))
        released = self.released
        for index in range(len(body)):
            if released.wait(0.05):
                raise Drop()
            connection.sendall(body[index:index + 1])

    def _flood(self, connection):
        connection.sendall(self._headers(200, HUGE_BODY) + b"[")
        block = b" " * 65536
        for _ in range(HUGE_BODY // len(block) - 1):
            connection.sendall(block)
        connection.sendall(b" " * (len(block) - 2) + b"]")


def main():
    """For use by hand: two containers, the faults as ENDPOINT=FAULT arguments."""
    import sys
    engine = FaultEngine([Container("web", 0.25), Container("db", 0.5)])
    for argument in sys.argv[1:]:
        engine.fail(*argument.split("=", 1))
    print(f"DOCKER_HOST={engine.host}", flush=True)
    sys.stdin.read()
    engine.close()


if __name__ == "__main__":
    main()
