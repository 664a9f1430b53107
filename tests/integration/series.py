"""What a page says of containers as plain series, which of them two sources must agree in, and how they may move."""

import os
import re

import harness

# A line of the metric list: M(ID, "name", TYPE, UNIT, GROUP, "labels", TIERS, ...
LIST_LINE = re.compile(r'\bM\((\w+),\s*"(\w+)",\s*(\w+),\s*(\w+),\s*(\w+),\s*"((?:\\.|[^"\\])*)",\s*([A-Z0-9| ]+?)\s*,')
LABEL = re.compile(r'(\w+)="([^"]*)"')
IDENTITY_LABELS = ("name", "image")
# They say where values come from, not what they are.
ABOUT_SOURCES = ("weir_container_tier", "weir_container_absent")
# The only value below 0: without a health check.
LEAST = {"container_health_state": -1}
CONTAINER_ID = re.compile(r"[0-9a-f]{64}")


class Listed:
    """One line of base/metric_list*.h."""

    def __init__(self, section, match):
        self.section = section  # CONTAINER, INTERFACE, DEVICE, POINT or AGENT
        self.id, self.name, self.type, self.unit, self.group, labels, tiers = match.groups()
        self.tiers = set(tiers.replace(" ", "").split("|"))
        self.labels = dict(LABEL.findall(labels.replace('\\"', '"')))
        self.label_names = set(self.labels or filter(None, labels.split(",")))

    def is_counter(self):
        return self.type == "COUNTER"

    def fits(self, name, labels):
        return name == self.name and all(labels.get(key) == value for key, value in self.labels.items())


def metric_list():
    """Every line of the metric list, in its order."""
    lines = []
    for name in ("metric_list.h", "metric_list_agent.h"):
        with open(os.path.join(harness.REPOSITORY, "base", name), encoding="utf-8") as file:
            parts = re.split(r"#define METRIC_LIST_([A-Z]+)\(M\)", file.read().replace("\\\n", " "))
        for section, text in zip(parts[1::2], parts[2::2]):
            found = [Listed(section, match) for match in LIST_LINE.finditer(text)]
            if len(found) != len(re.findall(r"\bM\(\w+,", text)):
                raise AssertionError(f"a line of base/{name} has a shape that this test does not know")
            lines += found
    return lines


def common_metrics(version):
    """What the engine and the cgroup tier may both give on a host of this cgroup version."""
    return [m for m in metric_list() if {f"E{version}", f"C{version}"} <= m.tiers]


def container_of(labels):
    """The 64 digits in the label `id`, or None."""
    match = CONTAINER_ID.search(labels.get("id", ""))
    return match.group(0) if match else None


def key_of(sample):
    return sample.name, tuple(sorted(sample.labels.items()))


def series_of(page, containers, metrics=None):
    """key -> value of every sample of these containers (ids), or of those that one of `metrics` fits."""
    wanted = set(containers)
    return {key_of(sample): sample.value for sample in page.samples
            if container_of(sample.labels) in wanted
            and (metrics is None or any(m.fits(sample.name, sample.labels) for m in metrics))}


def types_of(page):
    """Sample name -> type of its family."""
    return {sample.name: family.type for family in page.families.values() for sample in family.samples}


def tiers_of(page, containers):
    """Container id -> tier that gave its CPU values."""
    return {container_of(s.labels): s.labels["tier"] for s in page.all("weir_container_tier")
            if s.value == 1 and container_of(s.labels) in containers}


def without_identity(key):
    """The key without what only names give: two pages of the same containers, one of them nameless, then have the same."""
    name, labels = key
    return name, tuple((label, value) for label, value in labels
                       if label not in IDENTITY_LABELS and not label.startswith("container_label_"))


class Follower:
    """Reads one weir again and again, and checks each page against those before: nothing falls, nothing vanishes."""

    def __init__(self, test, weir, containers):
        self.test, self.weir, self.containers = test, weir, dict(containers)  # id -> name
        self.pages = []
        self.last = {}
        self.durations = []

    def scrape(self, timeout_s=None):
        """One page; a container, a name, a series or the height of a counter that is lost fails the test."""
        page = self.weir.scrape(timeout_s)
        now = series_of(page, self.containers)
        counters = {name for name, kind in types_of(page).items() if kind == "counter"}
        for key, value in now.items():
            self.test.assertGreaterEqual(value, LEAST.get(key[0], 0), key)
            if key in self.last and key[0] in counters:
                self.test.assertGreaterEqual(value, self.last[key], f"page {len(self.pages)}: {key} fell")
        lost = [key for key in self.last if key not in now and key[0] not in ABOUT_SOURCES]
        self.test.assertEqual(lost, [], f"page {len(self.pages)}: series vanished")
        for container, name in self.containers.items():
            states = {s.labels.get("name") for s in page.all("weir_container_state")
                      if container_of(s.labels) == container}
            self.test.assertEqual(states, {name}, f"page {len(self.pages)}: name of {container}")
        self.last = now
        self.pages.append(page)
        self.durations.append(page.seconds)
        return page

    def tiers(self):
        """The tiers of the last page, each once."""
        return set(tiers_of(self.pages[-1], self.containers).values())
