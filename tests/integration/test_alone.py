"""weir without any engine: a hundred real containers found by their control groups, as root and as nobody."""

import os
import tempfile
import unittest

import engines
import harness
import series
from test_many import start_many
from weir import Weir

COUNT = 100
NOBODY = 65534
TIERS = "engine,cgroup"
KNOW_LIMIT_S = 20
SHOP = {"com.docker.compose.project": "shop", "com.docker.compose.service": "basket"}
CPU = "container_cpu_usage_seconds_total"
# What only an engine, its files or the memory of it can tell.
TOLD = ("container_creation_time_seconds", "container_start_time_seconds")

engine = None
ids = {}  # id -> name


def setUpModule():
    global engine
    engines.need_program("setpriv", "util-linux")
    engine = engines.docker_26()
    start_many(engine, COUNT - 3)
    engine.run("burn", "sh", "-c", "while :; do :; done", options=("--cpus", "0.1", "--memory", "64m"))
    engine.run("composed", "sleep", "100000", options=[
        text for key, value in {**SHOP, "com.example.secret": "not exported"}.items()
        for text in ("--label", f"{key}={value}")])
    engine.run("awkward", "sleep", "100000", options=("--label", 'com.docker.compose.project="\\ ü'))
    ids.update({row["Id"]: row["Names"][0].lstrip("/") for row in engine.api("GET", "/containers/json")})
    if len(ids) != COUNT:
        raise AssertionError(f"{len(ids)} containers run")


def alone(*flags, user=None):
    """A weir whose engine has no socket."""
    return Weir("--engine.host=unix:///nonexistent/engine.sock", "--collect.max-age=0s", *flags, tiers=TIERS, user=user)


def docker_files():
    return f"--path.docker-root={engine.directory}/data", f"--path.docker-exec-root={engine.directory}/exec"


def no_files():
    return "--path.docker-root=/nonexistent", "--path.docker-exec-root=/nonexistent"


def labels_of(page):
    """Container id -> the labels of its only CPU series."""
    found = {}
    for sample in page.all(CPU):
        container = series.container_of(sample.labels)
        if container in ids:
            if container in found:
                raise AssertionError(f"two series of {container}")
            found[container] = sample.labels
    return found


def shape_of(page):
    """Which series there are of each container, without names and what comes with them."""
    return {series.without_identity(key) for key in series.series_of(page, ids) if key[0] not in TOLD}


class Alone(unittest.TestCase):
    def assert_all_found(self, page):
        found = labels_of(page)
        self.assertEqual(set(found), set(ids))
        for container, labels in found.items():
            self.assertEqual(labels["id"], f"{engine.group_parent}/{container}")
        self.assertEqual(set(series.tiers_of(page, ids).values()), {"cgroup"})
        states = {series.container_of(s.labels): s.labels["state"] for s in page.all("weir_container_state")
                  if series.container_of(s.labels) in ids and s.value == 1}
        self.assertEqual(states, {container: "running" for container in ids})

    def assert_named_as(self, page, wanted):
        found = labels_of(page)
        for container, labels in wanted.items():
            self.assertEqual({k: v for k, v in found[container].items()}, labels)

    def engines_word(self):
        """What the engine tier itself says of everybody."""
        weir = Weir(f"--engine.host={engine.host}", "--collect.max-age=0s", tiers="engine")
        page = weir.scrape(10)
        weir.close()
        found = labels_of(page)
        self.assertEqual(set(found), set(ids))
        for container, name in ids.items():  # and the engine's own word, beside weir's
            self.assertEqual((found[container].get("name"), found[container].get("image")), (name, engines.IMAGE))
        return found, page

    def test_root_finds_all_and_names_them_from_files(self):
        weir = alone(*docker_files())
        page = weir.scrape(10)
        self.assert_all_found(page)
        wanted, told = self.engines_word()
        self.assert_named_as(page, wanted)
        composed = page.all(CPU, name="composed")[0].labels
        self.assertEqual(composed["container_label_com_docker_compose_project"], "shop")
        self.assertEqual(composed["container_label_com_docker_compose_service"], "basket")
        self.assertNotIn("not exported", page.text)
        self.assertEqual(page.all(CPU, name="awkward")[0].labels["container_label_com_docker_compose_project"], '"\\ ü')
        for metric in TOLD:
            for name in ids.values():
                self.assertEqual(page.value(metric, name=name), told.value(metric, name=name), (metric, name))
        self.assertEqual(page.value("weir_engine_up") or 0, 0)
        self.assertEqual(page.value("weir_collector_success", collector="cgroup"), 1, page.errors())
        weir.close()

    def test_nobody_has_every_value_but_names(self):
        root, nobody = alone(*docker_files()), alone(*docker_files(), user=NOBODY)
        pages = [weir.scrape(10) for weir in (root, nobody)]
        for page in pages:
            self.assert_all_found(page)
        for container, labels in labels_of(pages[1]).items():
            self.assertEqual(labels, {"id": f"{engine.group_parent}/{container}", "cpu": "total"})
        # Docker's files are closed to nobody, the kernel's are not.
        self.assertEqual(shape_of(pages[0]) ^ shape_of(pages[1]), set())
        self.assertGreater(len(shape_of(pages[1])), COUNT * 40)
        again = nobody.scrape(10)
        self.assertEqual(again.value("weir_collector_success", collector="cgroup"), 1, again.errors())
        for weir in (root, nobody):
            weir.close()

    def test_nobody_remembers_names(self):
        with tempfile.TemporaryDirectory(prefix="weir-state-") as directory:
            os.chmod(directory, 0o700)
            os.chown(directory, NOBODY, NOBODY)
            # The first run may ask the engine, as a member of its group; those after it find no engine.
            os.chmod(engine.socket, 0o666)
            first = Weir(f"--engine.host={engine.host}", f"--state-dir={directory}", *no_files(), tiers=TIERS, user=NOBODY)
            page = first.scrape_until(lambda p: len(labels_of(p)) == COUNT, KNOW_LIMIT_S, "all are known")
            # A start is kept with the control group it was seen with, in the round after the telling.
            first.scrape_until(lambda p: p.value("weir_rounds_total") > page.value("weir_rounds_total"), KNOW_LIMIT_S,
                               "another round")
            wanted = labels_of(page)
            self.assertEqual({c: labels["name"] for c, labels in wanted.items()}, ids)
            starts = {name: [page.value(metric, name=name) for metric in TOLD] for name in ids.values()}
            first.close()
            files = os.listdir(directory)
            self.assertEqual(len(files), 1, "what is remembered is in one file, with nothing left beside it")
            self.assertEqual(os.stat(os.path.join(directory, files[0])).st_mode & 0o077, 0, "for its owner alone")

            second = alone(f"--state-dir={directory}", *no_files(), user=NOBODY)
            page = second.scrape(10)
            self.assert_all_found(page)
            self.assert_named_as(page, wanted)
            self.assertEqual({name: [page.value(metric, name=name) for metric in TOLD] for name in ids.values()}, starts)
            second.close()

            forgetful = alone(*no_files(), user=NOBODY)
            page = forgetful.scrape(10)
            self.assert_all_found(page)
            self.assertEqual({labels.get("name") for labels in labels_of(page).values()}, {None})
            forgetful.close()

    def test_memory_of_a_killed_run(self):
        """SIGKILL leaves what was written; and a broken file is said, not believed."""
        with tempfile.TemporaryDirectory(prefix="weir-state-") as directory:
            first = Weir(f"--engine.host={engine.host}", f"--state-dir={directory}", *no_files(), tiers=TIERS)
            first.scrape_until(lambda p: len(labels_of(p)) == COUNT, KNOW_LIMIT_S, "all are known")
            harness.wait_for(lambda: first.scrape() and self.remembered(directory) == COUNT, KNOW_LIMIT_S,
                             "all names are written", 0.5)
            first.kill()
            second = alone(f"--state-dir={directory}", *no_files())
            found = labels_of(second.scrape(10))
            self.assertEqual({c: labels.get("name") for c, labels in found.items()}, ids)
            second.close()
            path = os.path.join(directory, os.listdir(directory)[0])
            with open(path, "r+b") as file:
                file.truncate(os.path.getsize(path) // 2)
            third = alone(f"--state-dir={directory}", *no_files())
            page = third.scrape(10)
            self.assert_all_found(page)
            self.assertEqual({labels.get("name") for labels in labels_of(page).values()}, {None})
            self.assertTrue(third.log_lines(path), f"the log names the broken file: {third.log()}")
            third.close()

    def remembered(self, directory):
        """How many containers stand in the state directory with their names."""
        text = ""
        for file in os.listdir(directory):
            with open(os.path.join(directory, file), encoding="utf-8") as lines:
                text += lines.read()
        return sum(1 for container, name in ids.items()
                   if any(container in line and f'"{name}"' in line for line in text.splitlines()))

    def test_default_tiers_need_no_flag(self):
        """Without --collect.tiers the kernel's files are read where no engine answers, and nothing is simulated."""
        weir = Weir("--engine.host=unix:///nonexistent/engine.sock", *no_files(), tiers=None)
        page = weir.scrape(10)
        self.assert_all_found(page)
        self.assertEqual(page.value("weir_simulated") or 0, 0)
        weir.close()


if __name__ == "__main__":
    harness.main(limit_s=230)
