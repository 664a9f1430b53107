"""Answers a second: weir with a snapshot that is reused, beside nginx with the same bytes in a file."""

import http.client
import os
import re
import shutil
import statistics
import subprocess
import tempfile

import engines
import harness
import weir as weir_module
from costs import cpu_s

CONTAINERS = 100
CONNECTIONS = 8
TURNS = 3
MEMORY = "/dev/shm"  # where nginx's file is, so that no disk is measured
# nginx as it is set for static files; its log would cost it what weir does not spend.
NGINX = """
worker_processes 1;
daemon off;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 300;
    keepalive_requests 1000000000;
    types {{ }}
    default_type "{content_type}";
    client_body_temp_path {directory}/a; proxy_temp_path {directory}/b; fastcgi_temp_path {directory}/c;
    uwsgi_temp_path {directory}/d; scgi_temp_path {directory}/e;
    server {{
        listen 127.0.0.1:{port};
        root {directory}/pages;
        {coding}
    }}
}}
"""


class Nginx:
    """One worker on a port of its own that serves `body` at /metrics."""

    def __init__(self, program, body, headers):
        self.port = weir_module.free_port()
        self.directory = tempfile.mkdtemp(prefix="weir-bench-", dir=MEMORY if os.path.isdir(MEMORY) else None)
        harness.at_end(self.stop)
        os.chmod(self.directory, 0o755)  # the worker may be another user
        os.mkdir(f"{self.directory}/pages", 0o755)
        with open(f"{self.directory}/pages/metrics", "wb") as file:
            file.write(body)
        coding = headers.get("Content-Encoding")
        with open(f"{self.directory}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(NGINX.format(directory=self.directory, port=self.port, content_type=headers["Content-Type"],
                                    coding=f"add_header Content-Encoding {coding};" if coding else ""))
        self.process = subprocess.Popen(
            [program, "-p", self.directory, "-e", f"{self.directory}/error.log", "-c", f"{self.directory}/nginx.conf"],
            stdin=subprocess.DEVNULL)
        harness.wait_for(self._serves, 10, "nginx serves")
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            self.worker = int(file.read().split()[0])

    def _serves(self):
        if self.process.poll() is not None:
            with open(f"{self.directory}/error.log", encoding="utf-8") as file:
                raise AssertionError(f"nginx ended: {file.read()[-2000:]}")
        try:
            return get(self.port, {})[0] == 200
        except OSError:
            return False

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)


def get(port, headers):
    """(status, bytes, headers) of /metrics."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics", headers=headers)
        response = connection.getresponse()
        return response.status, response.read(), dict(response.getheaders())
    finally:
        connection.close()


class Server:
    """One of the two, and how it did in each turn."""

    def __init__(self, name, port, pid):
        self.name, self.port, self.pid = name, port, pid
        self.rates, self.cpu_us = [], []

    def turn(self, wrk, seconds, headers):
        options = [text for key, value in headers.items() for text in ("-H", f"{key}: {value}")]
        before = cpu_s(self.pid)
        done = engines.run(wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *options,
                           f"http://127.0.0.1:{self.port}/metrics", limit_s=seconds + 30)
        used = cpu_s(self.pid) - before
        wrong = re.search(r"Non-2xx.*|Socket errors.*", done.stdout)
        if wrong:
            raise SystemExit(f"{self.name}: {wrong.group(0)}")
        self.rates.append(float(re.search(r"Requests/sec:\s*([0-9.]+)", done.stdout).group(1)))
        self.cpu_us.append(used * 1e6 / int(re.search(r"(\d+) requests in", done.stdout).group(1)))

    def show(self, bytes_an_answer):
        rate = statistics.median(self.rates)
        print(f"{self.name:<10}{bytes_an_answer:>10}{rate:>14.0f}{rate * bytes_an_answer / 1e6:>10.0f}"
              f"{statistics.median(self.cpu_us):>16.1f}   {' '.join(f'{one:.0f}' for one in self.rates)}")


def compare(title, weir, nginx_program, wrk, seconds, headers):
    """Both in turns with the same request; the figures."""
    status, body, got = get(weir.port, headers)
    if status != 200 or got.get("Content-Encoding", "identity") != headers["Accept-Encoding"]:
        raise SystemExit(f"weir answered {status} with {got}")
    nginx = Nginx(nginx_program, body, got)
    _, other, _ = get(nginx.port, headers)
    if other != body:
        raise SystemExit("nginx serves other bytes than weir")
    servers = [Server("weir", weir.port, weir.process.pid), Server("nginx", nginx.port, nginx.worker)]
    for server in servers:
        server.turn(wrk, 1, headers)  # connected once, sizes known
        server.rates.clear()
        server.cpu_us.clear()
    for _ in range(TURNS):
        for server in servers:
            server.turn(wrk, seconds, headers)
    nginx.stop()
    print(f"\n{title}\n{'':<10}{'bytes':>10}{'answers/s':>14}{'MB/s':>10}{'CPU us each':>16}   turns")
    for server in servers:
        server.show(len(body))
    own, theirs = servers
    ratio = statistics.median(a / b for a, b in zip(own.rates, theirs.rates))
    cpu_ratio = statistics.median(a / b for a, b in zip(own.cpu_us, theirs.cpu_us))
    print(f"weir / nginx: {ratio:.2f} times the answers a second, {cpu_ratio:.2f} times the server's CPU an answer")
    return {"bytes": len(body), "weir": own.rates, "nginx": theirs.rates, "ratio": ratio, "cpu_ratio": cpu_ratio}


def report(seconds):
    """Prints a table for each coding; the figures."""
    wrk = engines.need_program("wrk", "wrk")
    nginx = engines.need_program("nginx", "nginx-light", path=os.environ.get("PATH", "") + ":/usr/sbin")
    flags = [f"--simulate.containers={CONTAINERS}", "--collect.max-age=1h", "--log.level=error"]
    has_gzip = "--web.gzip" in weir_module.run_weir("--help").stdout
    if has_gzip:
        flags.append("--web.gzip=always")  # wrk is local, where gzip is not sent of weir's own accord
    weir = weir_module.Weir(*flags, tiers="simulated")
    figures = {}
    for title, coding in (("as it is", "identity"), ("gzip", "gzip")):
        if coding == "gzip" and not has_gzip:
            print("\ngzip: left out, this weir has no --web.gzip")
            continue
        figures[coding] = compare(f"{CONTAINERS} simulated containers, {title}, {CONNECTIONS} kept connections, "
                                  f"{TURNS} times {seconds} s each", weir, nginx, wrk, seconds,
                                  {"Accept-Encoding": coding})
    weir.close()
    return figures
