"""The senders that the crash table compares: weir, vmagent and Prometheus agent, each behind the same few calls.

vmagent and Prometheus agent scrape a target here that counts its scrapes, so that what they collected is known one by
one. weir numbers its own rounds (weir_rounds_total).
"""

import collections
import glob
import http.server
import os
import socketserver
import subprocess
import threading
import time

import crash_queue
import harness
import receivers
import weir as weir_module
from harness import wait_for
from protobuf_wire import double
from remote_write import STALE
from weir import free_port

COUNTER = "target_scrapes_total"
SERIES = 500  # so that a round has the size of a host
KILL_LIMIT_S = 10
BEHIND_ROUNDS = 10
CAUGHT_UP_ROUNDS = 3
# weir takes variables of its own name for settings.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}


class Target:
    """What the others scrape: counters that all count the scrapes."""

    def __init__(self):
        target = self
        self.served = []  # time.time() of scrape 1, 2, ...
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with lock:
                    target.served.append(time.time())
                    number = len(target.served)
                page = f"# HELP {COUNTER} Scrapes.\n# TYPE {COUNTER} counter\n" + "".join(
                    f'{COUNTER}{{row="{row}"}} {number}\n' for row in range(SERIES))
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page.encode("ascii"))

            def log_message(self, *_arguments):
                pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True

            def handle_error(self, _request, _address):  # a sender that was killed while it read
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True).start()
        harness.at_end(self.close)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Sender:
    """One sender with a queue in `directory`, started and killed again and again."""

    round_s = 1.0
    stop_limit_s = 30
    warm_limit_s = 40
    settle_limit_s = 75  # after which what has not come is lost
    small = False  # where it can: records so small that they can be cut at each of their bytes

    def __init__(self, directory, receiver):
        self.directory, self.receiver = directory, receiver
        self.queue = os.path.join(directory, "queue")
        self.lives = []  # [begin, end] by time.time(), end None while it runs
        self.process = None
        self.ports = free_port()
        self.read = 0
        self.unwritten = 0
        self.silence_ms = 0  # between the last round that was found and SIGKILL
        harness.at_end(Sender.kill, self)

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=ENVIRONMENT)
        self.lives.append([time.time(), None])

    def _ended(self):
        if self.lives and self.lives[-1][1] is None:
            self.lives[-1][1] = time.time()

    def kill(self):
        """SIGKILL."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self._ended()
            self.process.wait(KILL_LIMIT_S)

    def terminate(self):
        """SIGTERM; the seconds it took to end, None when it had to be killed."""
        begin = time.monotonic()
        self.lives[-1][1] = time.time()
        self.process.terminate()
        try:
            self.process.wait(self.stop_limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(KILL_LIMIT_S)
            return None
        return time.monotonic() - begin

    def running(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def collected(self, begin, end):
        """What it collected between two moments: identities, in order."""
        raise NotImplementedError

    def has_caught_up(self):
        """Does nothing wait any more that a cap could still take?"""
        return True

    def is_through(self, lost, _end):
        """Can nothing more come of what was collected until `_end`?"""
        return not lost

    def received(self):
        """Identities that the receiver took, in the order they came."""
        raise NotImplementedError

    def _unread(self):
        """The requests taken since this was called last."""
        stored = self.receiver.stored()
        new, self.read = stored[self.read:], len(stored)
        return new

    def altered(self):
        """Samples that came with another value than they had."""
        return 0

    def samples_a_round(self):
        """How many samples one identity stands for."""
        return SERIES

    def data_files(self):
        """The files of the queue that hold samples, the newest last."""
        raise NotImplementedError

    def last_record(self):
        """(file, offset, length) of the newest record on disk, None where there is none."""
        raise NotImplementedError

    def dropped(self):
        """What it says of itself that it gave up: reason -> rounds."""
        return {}

    def unaccounted(self, _lost):
        """Of what was lost, what it does not say: (rounds, samples). The others say nothing of it by reason."""
        return 0, 0


class Scraper(Sender):
    """A sender that scrapes the target."""

    def __init__(self, directory, receiver):
        super().__init__(directory, receiver)
        self.target = Target()
        self.rows = {}  # number -> how often it came, by series
        self.whole = []

    def collected(self, begin, end):
        return [number for number, moment in enumerate(self.target.served, 1) if begin <= moment <= end]

    def received(self):
        """The numbers of the scrapes of which every series came, with the same number."""
        for request in self._unread():
            for series, _, bits in request.message.samples:
                if ("__name__", COUNTER) in series and bits != STALE:
                    number = double(bits)
                    came = self.rows.setdefault(number, collections.Counter())
                    came[series] += 1
                    if sum(came.values()) == SERIES * came[series] and len(came) == SERIES:
                        self.whole.append(int(number))
        return self.whole

    def altered(self):
        """Samples that were never collected like that."""
        self.received()
        known = set(range(1, len(self.target.served) + 1))
        return sum(sum(came.values()) for number, came in self.rows.items() if number not in known)


class Vmagent(Scraper):
    version = "vmagent-1"

    def __init__(self, directory, receiver):
        super().__init__(directory, receiver)
        self.program = receivers.program(self.version)
        self.config = os.path.join(directory, "scrape.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("scrape_configs: [{job_name: target, scrape_interval: 1s, static_configs: "
                       f'[{{targets: ["127.0.0.1:{self.target.port}"]}}]}}]\n')

    def command(self):
        return [self.program, f"-promscrape.config={self.config}", f"-remoteWrite.url={self.receiver.url()}",
                f"-remoteWrite.tmpDataPath={self.queue}", f"-httpListenAddr=127.0.0.1:{self.ports}",
                "-remoteWrite.forcePromProto", "-memory.allowedPercent=5"]

    def data_files(self):
        return sorted(path for path in glob.glob(f"{self.queue}/persistent-queue/*/*")
                      if len(os.path.basename(path)) == 16)

    def last_record(self):
        """Blocks of 8 bytes of length, big-endian, and so many bytes."""
        for path in reversed(self.data_files()):
            with open(path, "rb") as file:
                data = file.read()
            at, last = 0, None
            while at + 8 <= len(data):
                length = int.from_bytes(data[at:at + 8], "big")
                if at + 8 + length > len(data):
                    break
                last = path, at, 8 + length
                at += 8 + length
            if last:
                return last
        return None


class OlderVmagent(Vmagent):
    version = "vmagent-1.112"


class PrometheusAgent(Scraper):
    version = "prometheus-3"
    stop_limit_s = 90  # it tries for a minute
    settle_limit_s = 30  # it backs off for 5 s at most
    agent_flag = "--agent"

    def __init__(self, directory, receiver):
        super().__init__(directory, receiver)
        self.program = receivers.program(self.version)
        self.config = os.path.join(directory, "prometheus.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("scrape_configs: [{job_name: target, scrape_interval: 1s, static_configs: "
                       f'[{{targets: ["127.0.0.1:{self.target.port}"]}}]}}]\n'
                       f'remote_write: [{{url: "{self.receiver.url()}"}}]\n')

    def command(self):
        return [self.program, f"--config.file={self.config}", self.agent_flag, f"--storage.agent.path={self.queue}",
                f"--web.listen-address=127.0.0.1:{self.ports}"]

    def data_files(self):
        return [path for path in sorted(glob.glob(f"{self.queue}/wal/0*")) if os.path.getsize(path)]

    def last_record(self):
        """The last fragment: type, 2 bytes of length, 4 of checksum, in pages of 32 KiB that end in zeros."""
        for path in reversed(self.data_files()):
            with open(path, "rb") as file:
                data = file.read()
            at, last = 0, None
            while at + 7 <= len(data):
                length = int.from_bytes(data[at + 1:at + 3], "big")
                if data[at] == 0 or length == 0:
                    at = (at // 32768 + 1) * 32768
                    continue
                last = path, at, 7 + length
                at += 7 + length
            if last:
                return last
        return None


class OlderPrometheusAgent(PrometheusAgent):
    version = "prometheus-2.42"
    agent_flag = "--enable-feature=agent"


class Weir(Sender):
    """A round is a record; its time tells it apart from all others, and its number (weir_rounds_total) tells of those
    that are missing. What was collected is known from its queue's files, read after each end of the process, and from
    what came: neither needs a clock."""

    version = "weir"
    round_s = 0.1
    containers = 5
    stop_limit_s = 15
    warm_limit_s = 20
    settle_limit_s = 60
    more_flags = ()

    def __init__(self, directory, receiver):
        super().__init__(directory, receiver)
        self.program = weir_module.need_binary()
        self.url = receiver.url()
        self.arrived = []  # (moment, number, samples), in the order they came
        self.on_disk = {}  # moment -> crash_queue.Record, of all ends of the process
        self.acked = set()  # moments of records that were done with by then
        self.records = []  # of the last end of the process
        self.unwritten = 0  # rounds due before a SIGKILL of which nothing was found

    def command(self):
        command = [self.program, f"--web.listen-address=127.0.0.1:{self.ports}", "--collect.tiers=simulated",
                   "--collect.max-age=0s", f"--simulate.containers={1 if self.small else self.containers}"]
        if self.small:
            return [*command, f"--config.file={self._config()}", *self.more_flags]
        return [*command, f"--push.url={self.url}", f"--push.interval={int(self.round_s * 1000)}ms",
                f"--push.queue-dir={self.queue}", *self.more_flags]

    def _config(self):
        path = os.path.join(self.directory, "weir.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"push:\n  - url: {self.url}\n    interval: {int(self.round_s * 1000)}ms\n"
                       f"    queue: {{dir: {self.queue}}}\n"
                       f"    metrics: {{include: [{crash_queue.ROUNDS}]}}\n")
        return path

    @staticmethod
    def rounds_in(real):
        """A function that reads moment -> number of the rounds that a real receiver has."""
        return lambda: {moment: int(double(bits)) for values in real.samples(crash_queue.ROUNDS).values()
                        for moment, bits in values if bits != STALE}

    # -- the ends of the process ---------------------------------------------------------------------------------

    def kill(self):
        runs = self.running()
        super().kill()
        if runs and os.path.isdir(self.queue):
            self._look()
            self._miss()

    def terminate(self):
        seconds = super().terminate()
        self._look()
        return seconds

    def _look(self):
        self.records, _ = crash_queue.read(self.queue)
        waiting = crash_queue.first_waiting(self.queue)
        for record in self.records:
            self.on_disk[record.moment] = record
            if record.sequence < waiting:
                self.acked.add(record.moment)

    def _miss(self):
        """The round that was due before the kill, or was being collected or written then."""
        begin, end = self.lives[-1]
        known = [moment for moment in self._known() if moment >= begin * 1000]
        if known:
            self.silence_ms = int(end * 1000 - max(known))
            self.unwritten += int(self.silence_ms / (self.round_s * 1000))

    # -- what there was and what came ----------------------------------------------------------------------------

    def _arrivals(self):
        for request in self._unread():
            moments = {moment for _, moment, _ in request.message.samples}
            if len(moments) != 1:
                raise AssertionError(f"a request of {len(moments)} rounds")
            self.arrived.append((moments.pop(), crash_queue.number_in(request.message), len(request.message.samples)))
        return self.arrived

    def _known(self):
        """moment -> number of the round."""
        found = {moment: number for moment, number, _ in self._arrivals()}
        found.update({record.moment: record.number for record in self.on_disk.values()})
        return found

    def received(self):
        return [moment for moment, _, _ in self._arrivals()]

    def collected(self, begin, end):
        """What came or was in the queue; of those whose number is missing between two others, a moment between."""
        known = self._known()
        found = set(known)
        for born, died in self.lives:
            life = sorted((number, moment) for moment, number in known.items()
                          if number is not None and born * 1000 <= moment <= (died or end) * 1000 + 1)
            for (number, moment), (following, _) in zip(life, life[1:]):
                found |= {moment + (missing - number) * 1e-3 for missing in range(number + 1, following)}
        return sorted(moment for moment in found if begin * 1000 <= moment <= end * 1000)

    def has_caught_up(self):
        return max(self.received(), default=0) > (time.time() - CAUGHT_UP_ROUNDS * self.round_s) * 1000

    def is_through(self, _lost, end):
        """So long after it that even what is out of order would have come."""
        return max(self.received(), default=0) > (end + BEHIND_ROUNDS * self.round_s) * 1000

    def unaccounted(self, lost):
        """(rounds, samples) lost and not counted under a reason, by the difference; samples where all are known."""
        page = self.page()
        # What is queue_stuck was not collected either: the round before it was not in the queue yet.
        rounds = (page.total("weir_push_rounds_dropped_total")
                  - page.total("weir_push_rounds_dropped_total", reason="queue_stuck"))
        samples = page.total("weir_push_samples_dropped_total")
        known = [self.on_disk[moment].samples for moment in lost if moment in self.on_disk]
        return len(lost) - rounds, sum(known) - samples if len(known) == len(lost) else 0

    def samples_a_round(self):
        sizes = [samples for _, _, samples in self.arrived]
        return sorted(sizes)[len(sizes) // 2] if sizes else 1

    def data_files(self):
        return crash_queue.all_files(self.queue)

    def last_record(self):
        """As it was found when the process had ended."""
        return (self.records[-1].path, self.records[-1].offset, self.records[-1].length) if self.records else None

    def page(self):
        """Its own page, of which the counters weir_push_* are of interest."""
        status, body = receivers.Receiver.request(_Port(self.ports), "GET", "/metrics")
        return weir_module.Exposition(body.decode("utf-8")) if status == 200 else None

    def dropped(self):
        """Rounds given up, by reason."""
        return {sample.labels["reason"]: int(sample.value)
                for sample in self.page().all("weir_push_rounds_dropped_total") if sample.value}


class _Port:
    """What Receiver.request needs of a receiver, for any other server."""

    tls_ca = None
    user = None

    def __init__(self, port):
        self.port = port


SENDERS = {"weir": Weir, "vmagent": Vmagent, "vmagent-1.112": OlderVmagent, "prometheus": PrometheusAgent,
           "prometheus-2.42": OlderPrometheusAgent}


def title(name):
    """Name and exact version, as the table has it."""
    if name == "weir":
        return "weir"
    version = receivers.exact_version(SENDERS[name].version)
    return f"{'vmagent' if name.startswith('vmagent') else 'Prometheus agent'} {version}"
