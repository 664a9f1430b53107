"""The whole host: systemd, cgroup v2, a Docker engine of Debian 13, and weir beside them."""

import unittest

import host
import harness
import images
import kernel_files
import series
from kernel_files import Brackets, Look, absent, ids_of

MEBI = 1 << 20
ATTEMPTS = 4


class Recorded:
    """A weir of which only what it once answered is left."""

    def __init__(self, pages):
        self.pages = iter(pages)

    def scrape(self, _):
        return next(self.pages)


class WholeHost(unittest.TestCase):
    """One boot; each test looks at a part of what it left."""

    @classmethod
    def setUpClass(cls):
        files = {"groups.sh": images.guest_file("groups.sh")}
        cls.result = host.WholeHost().run(images.guest_file("whole_host.sh").decode(), files=files, limit_s=500)
        print(f"{cls.result.seconds:.1f} s")
        cls.ids = dict(reversed(line.split()) for line in cls.result.text("ids").splitlines())  # id -> name
        cls.groups = {name: f"/system.slice/docker-{container}.scope" for container, name in cls.ids.items()}
        cls.pid = next(path.split("/")[2] for path in Look(cls.result.text("kernel-before")).files
                       if path.endswith("/net/dev"))

    def page(self, name):
        return self.result.exposition(name)

    def triples(self, name):
        return [(Look(self.result.text(f"{one}-before")), self.page(one), Look(self.result.text(f"{one}-after")))
                for one in (name, f"{name}-again")]

    def tier_pages(self):
        return [[self.page(f"tiers-{attempt}-{word}") for word in ("before", "engine", "after")]
                for attempt in range(1, ATTEMPTS + 1)]

    def test_machine(self):
        self.assertEqual(self.result.text("info").split(), ["2", "systemd"])
        self.assertIn("some avg10=", self.result.text("pressure"))
        self.assertEqual(self.page("metrics").state("burn"), "running")

    def disagreements(self, metrics, pages):
        """What the engine's value is not between those of the kernel before and after it: key -> the three."""
        before, middle, after = (series.series_of(page, self.ids, metrics) for page in pages)
        wrong = {}
        for key in set(before) | set(middle) | set(after):
            three = before.get(key), middle.get(key), after.get(key)
            counter = any(m.is_counter() and m.fits(key[0], dict(key[1])) for m in metrics)
            if None in three:
                wrong[key] = three
            elif counter:
                self.assertTrue(three[0] <= three[1] <= three[2], f"{key}: kernel, engine, kernel: {three}")
            elif not min(three[0], three[2]) <= three[1] <= max(three[0], three[2]):
                wrong[key] = three
        return wrong

    def test_both_tiers_say_the_same(self):
        """Every value that both may give, labels and all. A gauge may have been elsewhere for a moment, but not always."""
        metrics = series.common_metrics(2)
        self.assertGreater(len(metrics), 25)
        always, seen = None, set()
        for pages in self.tier_pages():
            now = self.disagreements(metrics, pages)
            always = now if always is None else {key: now[key] for key in always if key in now}
            seen |= set(series.series_of(pages[1], self.ids, metrics))
        self.assertEqual(always, {}, "kernel, engine, kernel (None: absent)")
        for metric in metrics:
            self.assertTrue(any(metric.fits(key[0], dict(key[1])) for key in seen),
                            f"no container of this test has {metric.name} {metric.labels}: add one that does")

    def test_values_are_not_all_zero(self):
        page = self.tier_pages()[0][1]
        for name, metric, least in (("burn", "container_cpu_usage_seconds_total", 0.1),
                                    ("burn", "container_cpu_cfs_throttled_seconds_total", 0.5),
                                    ("none", "container_cpu_cfs_periods_total", 1),
                                    ("memory", "container_memory_rss", 30 * MEBI),
                                    ("memory", "container_memory_cache", 10 * MEBI),
                                    ("writer", "container_fs_writes_bytes_total", 10 * MEBI),
                                    ("sink", "container_network_receive_bytes_total", 80 * 65536),
                                    ("tasks", "container_threads", 6)):
            self.assertGreaterEqual(page.value(metric, name=name) or 0, least, f"{name} {metric}")

    def test_identities_are_the_same(self):
        before, engine, _ = self.tier_pages()[0]
        for container, name in self.ids.items():
            labels = [page.all("container_memory_usage_bytes", name=name)[0].labels for page in (before, engine)]
            self.assertEqual(labels[0], labels[1])
            self.assertEqual(labels[0]["id"], f"/system.slice/docker-{container}.scope")
            self.assertEqual(labels[0]["image"], host.IMAGE)
            for metric in ("container_creation_time_seconds", "container_start_time_seconds"):
                self.assertIsNotNone(engine.value(metric, name=name))
                self.assertEqual(before.value(metric, name=name), engine.value(metric, name=name), (name, metric))
        self.assertEqual(engine.all("container_memory_usage_bytes", name="burn")[0].labels
                         ["container_label_com_docker_compose_service"], "basket")

    def test_states_and_reasons_are_the_same(self):
        before, engine, _ = self.tier_pages()[0]
        for page in (before, engine):
            self.assertEqual({name: page.state(name) for name in self.groups},
                             {name: "paused" if name == "paused" else "running" for name in self.groups})
            self.assertEqual({name: absent(page, path)["network"] for name, path in self.groups.items()
                              if "network" in absent(page, path)},
                             {"tasks": "host_network", "none": "no_network", "joined": "shared_network"})
        self.assertEqual({name: absent(engine, path).get("pressure") for name, path in self.groups.items()},
                         dict.fromkeys(self.groups, "not_given"))
        self.assertFalse([name for name, path in self.groups.items() if "pressure" in absent(before, path)])

    def test_every_value_is_the_kernels(self):
        brackets = Brackets(self, self.triples("kernel"))
        for name, path in self.groups.items():
            if name in ("sink", "tasks", "none", "joined"):
                self.assertGreater(brackets.check(path, self.pid if name == "sink" else None, name=name), 45, name)

    def test_nobody(self):
        """The same numbers without any right; without names, which are in files of root's."""
        brackets = Brackets(self, self.triples("nobody"))
        for name, path in self.groups.items():
            if name in ("sink", "tasks", "none", "joined"):
                self.assertGreater(brackets.check(path, self.pid if name == "sink" else None), 45, name)
        nobody, root = self.page("nobody"), self.page("kernel")
        self.assertEqual(ids_of(nobody), ids_of(root))
        self.assertEqual(nobody.errors(), {})

        def shown(page):
            return {series.without_identity(key) for key in series.series_of(page, self.ids)
                    if key[0] not in ("container_creation_time_seconds", "container_start_time_seconds",
                                      "weir_container_cpu_usage_percent")}
        self.assertEqual(shown(nobody), shown(root))

    def test_services(self):
        brackets = Brackets(self, self.triples("services"))
        page = self.page("services")
        for path in ("/system.slice/docker.service", "/system.slice/containerd.service", "/system.slice/dbus.service"):
            self.assertGreater(brackets.check(path), 40, path)
            for sample in page.samples:
                if sample.labels.get("id") == path:
                    self.assertFalse({"name", "image"} & set(sample.labels), sample)
        self.assertLessEqual({*self.groups.values(), "/", "/system.slice", "/init.scope"}, ids_of(page))
        self.assertEqual(ids_of(self.page("kernel")), {*self.groups.values(), "/"})
        mounts = [path for path in ids_of(page) if path.endswith((".mount", ".socket", ".swap"))]
        self.assertEqual(mounts, [])

    def test_engine_is_killed(self):
        """Nothing falls and nothing vanishes when another tier takes over, nor when the engine is back."""
        pages = [self.page(f"switch-{number}") for number in range(1, 8)]
        follower = series.Follower(self, Recorded(pages), self.ids)
        tiers = []
        for _ in pages:
            follower.scrape()
            tiers.append(follower.tiers())
        self.assertEqual(tiers[:2], [{"engine"}] * 2)
        self.assertEqual(tiers[2:5], [{"cgroup"}] * 3)
        self.assertEqual(tiers[5:], [{"engine"}] * 2)
        for page, up in zip(pages, (1, 1, 0, 0, 0, 1, 1)):
            self.assertEqual([s.value for s in page.all("weir_engine_up")], [up])
            for name in self.groups:
                self.assertEqual(page.state(name), "paused" if name == "paused" else "running")
        self.assertEqual(len(self.result.text("ps").splitlines()), len(self.groups))

    def test_check(self):
        lines = self.result.text("check").splitlines()
        self.assertEqual([line for line in lines if not line.startswith(("ok ", "warn "))], [])


if __name__ == "__main__":
    harness.main(limit_s=870)
