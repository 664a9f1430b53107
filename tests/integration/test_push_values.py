"""Real receivers: every sample of 200 rounds, read back, is what /metrics said for the same snapshot, to the digit.

One weir pushes to all of them at once: Prometheus 2.42 (remote write 1) and 3 (remote write 2), VictoriaMetrics 1.79,
1.112 and newer (remote write 1, the newer two OTLP as well). It watches containers of a Docker that work, one of which
ends half way, and the host; simulated containers where there is no Docker. Argument: how many rounds.

weir may do one round a second, and more often than that /metrics is asked and the destinations push. So all of them get
the same snapshots, and of every one of them there is a page: a second a round.
"""

import json
import math
import re
import sys
import tempfile
import unittest
import urllib.parse

import endpoint
import harness
import receivers
import workload
from harness import wait_for
from protobuf_wire import double
from pushing import Pages, as_remote_write
from remote_write import STALE
from weir import Weir

ROUNDS = 200
INTERVAL_MS = 250
# One a second, of which busy machines make more.
ROUND_S = 1.5
# The first rounds are done at once: scrapes and destinations do not all get each of them.
FIRST_MS = 10_000
SIMULATED = 3  # where there is no Docker
STAYING = ("web", "client", "worker")
TIERS = "engine,cgroup"
WHOLE_MAX = 10**15
WATCHED = "container_memory_usage_bytes"
# name -> (receiver, protocol); the receiver's label `instance` is the name.
DESTINATIONS = {
    "prometheus-2.42": ("prometheus-2.42", "remote-write"),
    "prometheus-3": ("prometheus-3", "remote-write-2"),
    "victoria-metrics-1.79": ("victoria-metrics-1.79", "remote-write"),
    "victoria-metrics-1.112": ("victoria-metrics-1.112", "remote-write"),
    "victoria-metrics-1": ("victoria-metrics-1", "remote-write"),
    "otlp-1.112": ("victoria-metrics-1.112", "otlp"),
    "otlp-1": ("victoria-metrics-1", "otlp"),
}
# docs/METRICS.md, "Names in OTLP": family -> (name, labels that choose, labels renamed, attributes added).
OTLP_NAMES = {
    "container_cpu_usage_seconds_total": ("container.cpu.time", {"cpu": "total"}, {}, {}),
    "weir_container_cpu_usage_percent": ("container.cpu.usage", {}, {}, {}),
    "container_memory_usage_bytes": ("container.memory.usage", {}, {}, {}),
    "container_memory_rss": ("container.memory.rss", {}, {}, {}),
    "container_memory_working_set_bytes": ("container.memory.working_set", {}, {}, {}),
    "container_memory_failures_total": (
        "container.paging.faults", {"failure_type": "pgfault", "scope": "hierarchy"}, {}, {}),
    "container_fs_reads_bytes_total": (
        "container.disk.io", {}, {"device": "system.device"}, {"disk.io.direction": "read"}),
    "container_fs_writes_bytes_total": (
        "container.disk.io", {}, {"device": "system.device"}, {"disk.io.direction": "write"}),
    "container_network_receive_bytes_total": (
        "container.network.io", {}, {"interface": "network.interface.name"}, {"network.io.direction": "receive"}),
    "container_network_transmit_bytes_total": (
        "container.network.io", {}, {"interface": "network.interface.name"}, {"network.io.direction": "transmit"}),
    "container_fs_limit_bytes": ("container.filesystem.capacity", {}, {"device": "system.device"}, {}),
    "container_fs_usage_bytes": ("container.filesystem.usage", {}, {"device": "system.device"}, {}),
}
# Added to what the page has; and a hundredth of a percentage, which has other digits.
ADDED = ("up", "container.uptime", "container.memory.available")
OF_ROW = re.compile(r"id|image|name|simulated|container|pod|namespace|container_label_.*")
# Newer stores make labels of the scope too.
OF_RESOURCE = re.compile(
    r"id|simulated|job|instance|container|pod|namespace|(service|host|container)\..*|scope\.(name|version)")


def otlp_key(series):
    """(name, the resource's `id`, attributes of the point) that a series of a page must become."""
    labels = dict(series)
    family, row = labels.pop("__name__"), labels.get("id", "")
    name, chosen, renamed, fixed = OTLP_NAMES.get(family, (family, {}, {}, {}))
    if "name" not in labels or any(labels.get(key) != value for key, value in chosen.items()):
        name, chosen, renamed, fixed = family, {}, {}, {}
    attributes = {renamed.get(key, key): value for key, value in labels.items()
                  if key not in ("job", "instance", *chosen) and not (row and OF_ROW.fullmatch(key))}
    return name, row, tuple(sorted({**attributes, **fixed}.items()))


def stored_key(series):
    """The same of a series that a store got by OTLP."""
    labels = dict(series)
    name, row = labels.pop("__name__"), labels.get("id", "")
    return name, row, tuple(sorted((key, value) for key, value in labels.items() if not OF_RESOURCE.fullmatch(key)))


def whole_numbers(got, page):
    """What `got` and the page have where the page has a whole number that every store can keep."""
    keys = {key for key, bits in page.items() if double(bits).is_integer() and abs(double(bits)) < WHOLE_MAX}
    return {key: got[key] for key in keys}, page


class Values(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stores, cls.missing = {}, {}
        for name, _ in DESTINATIONS.values():
            if name not in cls.stores and name not in cls.missing:
                try:
                    cls.stores[name] = receivers.start(name)
                except unittest.SkipTest as error:
                    cls.missing[name] = str(error)
        cls.engine = None
        try:
            cls.engine = workload.any_docker()
            cls.start_containers()
        except unittest.SkipTest as error:
            cls.missing["docker"] = str(error)
        directory = tempfile.TemporaryDirectory(prefix="weir-values-")
        harness.at_end(directory.cleanup)
        cls.entries = [{"name": name, "url": cls.stores[store].url(protocol), "protocol": protocol,
                        "interval": f"{INTERVAL_MS}ms", "queue": {"dir": directory.name},
                        "external-labels": {"service.instance.id" if protocol == "otlp" else "instance": name}}
                       for name, (store, protocol) in DESTINATIONS.items() if store in cls.stores]
        endpoint.write_whole(f"{directory.name}/weir.yaml", json.dumps({"push": cls.entries}))
        flags, tiers = [f"--engine.host={cls.engine.host}"] if cls.engine else [], TIERS
        if not cls.engine:
            flags, tiers = [f"--simulate.containers={SIMULATED}"], "simulated"
        cls.weir = Weir(f"--config.file={directory.name}/weir.yaml", *flags, tiers=tiers)
        cls.pages = Pages(cls.weir.port)
        cls.push()
        cls.pages.stop()
        cls.weir.close()
        cls.parsed, cls.read = {}, {}

    @classmethod
    def start_containers(cls):
        """Three that work and one that will end."""
        cls.engine.run("web", "sh", "-c", "mkdir /srv; dd if=/dev/zero of=/srv/x bs=64k count=16; httpd -f -p 80 -h /srv",
                       options=("--cpus", "0.2", "--memory", "256m"))
        cls.engine.run("client", *workload.client(cls.engine.address("web")), options=workload.compose("client"))
        cls.engine.run("worker", *workload.BURN, options=("--cpus", "0.05", "--label", "text=größe \"数\""))
        cls.engine.run("leaving", *workload.SLEEP)

    @classmethod
    def push(cls):
        """As many rounds as were asked for to each; half way a container goes."""
        rounds = int(cls.rounds) + FIRST_MS // 1000

        def done(count):
            return lambda: len(cls.pages.pages) >= count

        wait_for(done(rounds // 2), 60 + rounds * ROUND_S, f"{rounds // 2} rounds", 1)
        if cls.engine:
            cls.engine.cli("rm", "--force", "leaving")
        wait_for(done(rounds + 5), 60 + rounds * ROUND_S, f"{rounds} rounds", 1)
        # What was queued is on its way: those who have all of it have counted it.
        cls.last = cls.weir.scrape_until(
            lambda page: all(page.total("weir_push_queue_samples", destination=entry["name"]) == 0
                             for entry in cls.entries), 30, "nothing waits")

    def store(self, name):
        store = DESTINATIONS[name][0]
        if store in self.missing:
            harness.skip(self.missing[store])
        return self.stores[store]

    def page(self, moment):
        if moment not in self.parsed:
            self.parsed[moment] = self.pages.page(moment)
        return self.parsed[moment]

    def by_round(self, name, label="instance"):
        """timestamp -> {series: bits} read back, without stale markers."""
        found = {}
        for series, values in self.all_samples(name, label).items():
            for moment, bits in values:
                if bits != STALE:
                    found.setdefault(moment, {})[series] = bits
        return found

    def all_samples(self, name, label="instance"):
        """series -> [(timestamp, bits)] of a destination, read once."""
        store = self.store(name)
        if name not in self.read:
            self.read[name] = store.samples(**{label: name})
        return self.read[name]

    def compare(self, name):
        """Every round that has a page: the same series, the same values."""
        rounds = self.by_round(name)
        compared = samples = 0
        for moment, got in sorted(rounds.items()):
            if moment not in self.pages.pages:
                continue
            wanted = as_remote_write(self.page(moment), {"job": "weir", "instance": name})
            got = dict(got)
            up = [series for series in got if ("__name__", "up") in series]
            self.assertEqual([double(got.pop(series)) for series in up], [1.0])
            self.assertEqual(set(got), set(wanted), f"series of {moment}")
            self.same(got, wanted, moment)
            compared, samples = compared + 1, samples + len(got)
        print(f"{name}: {samples} samples of {compared} rounds are the same; {len(rounds) - compared} rounds of "
              f"{len(rounds)} had no page", flush=True)
        self.assertGreaterEqual(compared, int(self.rounds))

    def test_prometheus_2_42_by_remote_write_1(self):
        self.compare("prometheus-2.42")

    def test_prometheus_3_by_remote_write_2(self):
        self.compare("prometheus-3")

    def test_no_round_is_missing_and_none_comes_twice(self):
        """Every snapshot that /metrics showed, after the first seconds, is in every store, once."""
        for name, (store, protocol) in DESTINATIONS.items():
            if store not in self.stores:
                continue
            with self.subTest(name):
                moments = []
                for series, values in self.all_samples(
                        name, "service.instance.id" if protocol == "otlp" else "instance").items():
                    if ("__name__", "weir_rounds_total") in series:
                        moments += [moment for moment, bits in values if bits != STALE]
                self.assertEqual(len(moments), len(set(moments)))
                pages = [moment for moment in self.pages.pages
                         if min(moments) + FIRST_MS < moment <= max(moments)]
                self.assertEqual(sorted(set(pages) - set(moments)), [])
                self.assertGreaterEqual(len(pages), int(self.rounds))

    def test_all_was_taken(self):
        """Every sample that was queued is counted as sent, once, and every answer was a good one."""
        for entry in self.entries:
            with self.subTest(entry["name"]):
                def total(name, **labels):
                    return self.last.total(f"weir_push_{name}", destination=entry["name"], **labels) or 0
                self.assertGreater(total("samples_sent_total"), int(self.rounds) * 100)
                self.assertEqual(total("samples_sent_total"), total("samples_queued_total"))
                for name in ("samples_retried_total", "samples_duplicate_total", "samples_dropped_total",
                             "rounds_dropped_total"):
                    self.assertEqual(total(name), 0, name)
                codes = {sample.labels["code"] for sample in self.last.all(
                    "weir_push_responses_total", destination=entry["name"]) if sample.value}
                self.assertLessEqual(codes, {"200", "204"})
                self.assertEqual(self.last.value("weir_push_destination_info", destination=entry["name"],
                                                 protocol=entry["protocol"]), 1)

    def victoria(self, name):
        """This store keeps a value as a decimal number of some 15 digits. What it makes of the page's values it shows
        itself: the same page is given to it as text, and what comes back must be the same, and for whole numbers what
        the page says. One unit in the last place may be between the two: the numbers of a block share an exponent,
        and a marker, which no text can say, cuts blocks elsewhere."""
        got = self.by_round(name)
        rounds = [moment for moment in sorted(got) if moment in self.pages.pages]
        want = self.imported(name, rounds)
        samples = exact = near = 0
        for moment in rounds:
            now = {series: bits for series, bits in got[moment].items() if ("__name__", "up") not in series}
            page = as_remote_write(self.page(moment), {"job": "weir", "instance": name})
            self.assertEqual(set(now), set(want[moment]))
            self.assertEqual(set(now), set(page))
            near += self.alike(now, want[moment], moment)
            self.same(*whole_numbers(now, page), moment)
            exact += sum(1 for series, bits in now.items() if page[series] == bits)
            samples += len(now)
        self.say(name, rounds, (samples, exact, near))
        self.assertGreaterEqual(len(rounds), int(self.rounds))

    def same(self, got, want, moment):
        wrong = {series: (double(bits), double(want[series])) for series, bits in got.items() if bits != want[series]}
        self.assertEqual(wrong, {}, moment)

    def alike(self, got, want, moment):
        """The same but for one unit in the last place: how many have that."""
        near = {series for series, bits in got.items()
                if bits != want[series] and abs(double(bits) - double(want[series])) <= math.ulp(double(want[series]))}
        self.same({series: bits for series, bits in got.items() if series not in near}, want, moment)
        return len(near)

    @staticmethod
    def say(name, rounds, counts):
        samples, exact, near = counts
        print(f"{name}: {samples} samples of {len(rounds)} rounds are what it makes of the page's ({near} of them but "
              f"for the last place); {exact} have every digit of the page", flush=True)

    def imported(self, name, rounds):
        """timestamp -> {series: bits} of those pages, as the store has them when it gets their text."""
        store = self.store(name)
        for moment in rounds:
            page = "\n".join(line for line in self.pages.text(moment).splitlines() if not line.startswith("#")) + "\n"
            store.import_text(page, moment, job="weir", instance=f"{name}-page")
        want = {}

        def imported():
            want.clear()
            for series, values in store.samples(instance=f"{name}-page").items():
                for moment, bits in values:
                    want.setdefault(moment, {})[tuple(sorted({**dict(series), "instance": name}.items()))] = bits
            return set(want) >= set(rounds)

        wait_for(imported, 20, "the pages are there")
        return want

    def otlp(self, name):
        """The same by OTLP: other names, one resource a container."""
        got = self.by_round(name, "service.instance.id")
        rounds = [moment for moment in sorted(got) if moment in self.pages.pages]
        want = self.imported(name, rounds)
        samples = exact = near = 0
        for moment in rounds:
            now = {stored_key(series): bits for series, bits in got[moment].items()}
            self.assertEqual(len(now), len(got[moment]), "two series of one name and place")
            wanted = {otlp_key(series): bits for series, bits in want[moment].items()}
            page = {otlp_key(series): bits for series, bits in as_remote_write(
                self.page(moment), {"job": "weir", "instance": name}).items()}
            self.assertEqual([double(bits) for key, bits in now.items() if key[0] == "up"], [1.0])
            for key in [key for key in now if key[0] in ADDED]:
                del now[key]
            for key in [key for key in now if key[0] == "container.cpu.usage"]:
                self.assertAlmostEqual(double(now.pop(key)) * 100, double(wanted.pop(key)), 9)
                del page[key]
            self.assertEqual(set(now), set(wanted), moment)
            self.assertEqual(set(now), set(page), moment)
            near += self.alike(now, wanted, moment)
            self.same(*whole_numbers(now, page), moment)
            exact += sum(1 for key, bits in now.items() if page[key] == bits)
            samples += len(now)
        self.say(name, rounds, (samples, exact, near))
        self.assertGreaterEqual(len(rounds), int(self.rounds))

    def test_otlp_to_1_112(self):
        self.otlp("otlp-1.112")

    def test_otlp_to_the_newest(self):
        self.otlp("otlp-1")

    def test_victoria_metrics_1_79(self):
        self.victoria("victoria-metrics-1.79")

    def test_victoria_metrics_1_112(self):
        self.victoria("victoria-metrics-1.112")

    def test_victoria_metrics_newest(self):
        self.victoria("victoria-metrics-1")

    def test_series_end_with_a_stale_marker(self):
        """In every store: where a series is not in the next round, that round has its marker, and there is no other.
        weir has ended, so each one's last sample is a marker."""
        for name, (store, protocol) in DESTINATIONS.items():
            if store not in self.stores:
                continue
            with self.subTest(name):
                series = self.all_samples(name, "service.instance.id" if protocol == "otlp" else "instance")
                moments = sorted({moment for values in series.values() for moment, _ in values})
                after = dict(zip(moments, moments[1:]))
                wrong = []
                for key, values in series.items():
                    have = {moment for moment, bits in values if bits != STALE}
                    marked = {moment for moment, bits in values if bits == STALE}
                    ends = {after.get(moment) for moment in have} - have
                    if marked != ends:
                        wrong.append((key, sorted(marked ^ ends, key=str)))
                self.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(series)}")

    def test_what_ended_is_gone_at_once(self):
        """Asked for the moment of the marker, a store has nothing; a round before it still has the value."""
        if not self.engine:
            harness.skip(self.missing["docker"])
        for name, (store, protocol) in DESTINATIONS.items():
            if store not in self.stores or protocol == "otlp":
                continue
            with self.subTest(name):
                found = [values for series, values in self.all_samples(name).items()
                         if {("__name__", WATCHED), ("name", "leaving")} <= set(series)]
                self.assertEqual(len(found), 1)
                (last, _), (marker, bits) = found[0][-2:]
                self.assertEqual(bits, STALE)
                selector = f'{WATCHED}{{instance="{name}",name="leaving"}}'
                self.assertEqual(self.found_at(name, selector, last), 1)
                self.assertEqual(self.found_at(name, selector, marker), 0)
                others = f'{WATCHED}{{instance="{name}",name=~"{"|".join(STAYING)}"}}'
                self.assertEqual(self.found_at(name, others, marker), len(STAYING))

    def test_after_a_clean_stop_nothing_is_left(self):
        for name, (store, protocol) in DESTINATIONS.items():
            if store not in self.stores or protocol == "otlp":
                continue
            with self.subTest(name):
                stop = max(values[-1][0] for values in self.all_samples(name).values())
                before = max(moment for values in self.all_samples(name).values() for moment, _ in values
                             if moment < stop)
                selector = f'{{instance="{name}"}}'
                self.assertEqual(self.found_at(name, f'up{{instance="{name}"}}', before), 1)
                self.assertGreater(self.found_at(name, selector, before), 100)
                self.assertEqual(self.found_at(name, selector, stop), 0)

    def found_at(self, name, selector, moment):
        """How many series an instant query finds."""
        query = urllib.parse.urlencode({"query": selector, "time": f"{moment / 1000:.3f}", "nocache": "1"})
        status, body = self.store(name).request("GET", f"/api/v1/query?{query}")
        self.assertEqual(status, 200, body[:300])
        return len(json.loads(body)["data"]["result"])


if __name__ == "__main__":
    Values.rounds = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1].isdigit() else ROUNDS
    harness.main(limit_s=200 + int(float(Values.rounds) * ROUND_S * 1.5))
