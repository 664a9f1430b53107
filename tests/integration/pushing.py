"""What the tests of the push exporter share: weir with destinations, and a page as a receiver would have it."""

import json
import os
import tempfile
import threading
import unittest
import zlib

import endpoint
import harness
from fault_engine import Container, FaultEngine
from harness import wait_for
from protobuf_wire import bits_of, double
from receiver import Receiver
from remote_write import STALE
from weir import Exposition, Weir

INTERVAL_MS = 200
TIMEOUT_MS = 1500
EXTERNAL = {"job": "weir", "instance": "testhost:10142"}


def destination(receiver, protocol="remote-write", **more):
    """An entry of `push`; a name with _ for - in Python's keywords."""
    entry = {"url": receiver.url(protocol), "protocol": protocol, "interval": f"{INTERVAL_MS}ms",
             "timeout": f"{TIMEOUT_MS}ms", "external-labels": EXTERNAL}
    entry.update({key.replace("_", "-"): value for key, value in more.items()})
    return entry


class PushCase(unittest.TestCase):
    """Each test has a strict receiver, an engine with containers, and weir between them. No rule may be broken."""

    protocol = "remote-write"
    broken_allowed = False

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="weir-push-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.weir = None
        self.fake = None
        self.receiver = Receiver()
        self.addCleanup(self._end)

    def _end(self):
        if self.weir is not None:
            self.weir.close()
        self.receiver.stop()
        if self.fake is not None:
            self.fake.close()
        if not self.broken_allowed:
            self.assertEqual(self.receiver.broken()[:20], [])

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, *destinations, **sections):
        """The configuration file."""
        whole = {"push": list(destinations), **sections}
        endpoint.write_whole(self.path("weir.yaml"), json.dumps(whole, indent=1) + "\n")  # JSON is YAML

    def start(self, *destinations, containers=None, flags=("--collect.max-age=0s",), environment=None, **more):
        """weir with these destinations, or the usual one with `more`. Every demand is a round of its own: the bucket of
        rounds gains but one a second."""
        self.fake = FaultEngine([Container("web"), Container("db")] if containers is None else containers)
        self.write(*(destinations or [destination(self.receiver, self.protocol, **more)]))
        self.weir = Weir(f"--config.file={self.path('weir.yaml')}", f"--engine.host={self.fake.host}",
                         "--container.label-allow=*", *flags, environment=environment)
        return self.weir

    def counter(self, name, /, **labels):
        """The sum of weir_push_NAME over what carries these labels, 0 without any."""
        return self.weir.scrape().total(f"weir_push_{name}", **labels) or 0

    def wait_counter(self, name, least=1, limit_s=15, **labels):
        wait_for(lambda: self.counter(name, **labels) >= least, limit_s, f"weir_push_{name}{labels} is {least}", 0.1)

    # -- what came -----------------------------------------------------------------------------------------------

    def of_metric(self, name, samples=None, /, **labels):
        """series (a dict of labels) and [(timestamp, value bits)] of that name."""
        found = []
        for series, values in (samples or self.receiver.samples()).items():
            have = dict(series)
            if have.get("__name__") == name and all(have.get(key) == value for key, value in labels.items()):
                found.append((have, values))
        return found

    def wait_marker(self, name, /, **labels):
        """Waits for a stale marker of such a series."""
        wait_for(lambda: any(bits == STALE for _, values in self.of_metric(name, **labels) for _, bits in values), 10,
                 f"a stale marker of {name}{labels}")

    def values(self, name, /, **labels):
        """[(timestamp, value)] of the only such series, stale markers left out."""
        found = self.of_metric(name, **labels)
        self.assertEqual(len(found), 1, f"{name}{labels}: {[have for have, _ in found][:5]}")
        return [(moment, double(bits)) for moment, bits in found[0][1] if bits != STALE]

    def nothing_is_lost(self, receiver=None):
        """Each round says how many samples were queued before it; so many have come by then, each once.

        The round before may be on its way into the queue when a snapshot is sealed.
        """
        receiver = receiver or self.receiver
        queued, rounds = {}, {}
        for request in receiver.stored():
            for series, moment, bits in request.message.samples:
                rounds.setdefault(moment, set()).add(series)
                if ("__name__", "weir_push_samples_queued_total") in series and bits != STALE and \
                        ("destination", f"127.0.0.1:{receiver.port}") in series:
                    queued[moment] = double(bits)
        came, before = 0, 0
        for moment in sorted(rounds):
            if moment in queued:
                self.assertIn(queued[moment], (came, before), f"queued and come before the round of {moment}")
            came, before = came + len(rounds[moment]), came
        self.assertGreater(len(queued), 2)


def as_remote_write(page, external):
    """{sorted labels: bits} of a page, as it must come by remote write."""
    found = {}
    for sample in page.samples:
        labels = {"__name__": sample.name, **external, **{key: value for key, value in sample.labels.items() if value}}
        found[tuple(sorted(labels.items()))] = bits_of(float(sample.value))
    return found


class Pages:
    """Asks for /metrics again and again and keeps each snapshot's page once, by its time in milliseconds."""

    PERIOD_S = 0.02

    def __init__(self, port):
        self.port = port
        self.pages = {}  # milliseconds -> compressed text
        self.ending = threading.Event()
        self.failed = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        harness.at_end(self.ending.set)

    def _run(self):
        connection = endpoint.connect(self.port)
        while not self.ending.wait(self.PERIOD_S):
            try:
                self._keep(endpoint.ask(connection).body)
            except Exception as error:
                self.failed.append(repr(error))
                connection.close()
                connection = endpoint.connect(self.port)
        connection.close()

    def _keep(self, body):
        name = b"\nweir_snapshot_timestamp_seconds "
        at = body.index(name) + len(name)
        seconds, _, rest = body[at:body.index(b"\n", at)].partition(b".")
        milliseconds = int(seconds) * 1000 + int(rest.ljust(9, b"0")[:3])
        if milliseconds not in self.pages:
            self.pages[milliseconds] = zlib.compress(body, 1)

    def stop(self):
        self.ending.set()
        self.thread.join(20)

    def text(self, milliseconds):
        return zlib.decompress(self.pages[milliseconds]).decode("utf-8")

    def page(self, milliseconds):
        return Exposition(self.text(milliseconds))
