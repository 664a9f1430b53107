"""Queries of boards and rules, public ones made for cAdvisor and weir's own, asked of a real Prometheus that scrapes
weir beside real containers: each gives data, or is one of those that are said to stay empty, with a reason."""

import glob
import math
import os
import re
import sys
import time
import unittest

try:
    import yaml
except ImportError:
    yaml = None

import harness

sys.path.insert(0, os.path.join(harness.REPOSITORY, "tests", "boards"))
try:
    import queries
    import variables
except ImportError:
    queries = variables = None

import public_boards
import workload
from harness import skip
from receiver import Receiver
from weir import Weir

# A tenth of that is usual; on a busy machine a scrape may be late, and rates want two.
DATA_LIMIT_S = 30
FIRE_LIMIT_S = 15
# What stands in for a rule's minutes: the test does not run so long.
SHORT_WINDOW = "[15s]"
SHORT_AGE_S = 3
GAPS_SHARE = 0.03

OWN = os.path.join(harness.REPOSITORY, "grafana")
OWN_BOARDS = os.environ.get("WEIR_OWN_BOARDS") or os.path.join(OWN, "dashboards")
OWN_RULES = os.environ.get("WEIR_OWN_RULES") or os.path.join(OWN, "rules")

OWN_OPTIONAL_ROW = "On request"

# Which container a board about one of them is opened for, and what else a user would choose; the first value else.
CHOSEN = {"name": "shop-web-1", "container": "shop-web-1", "project": workload.PROJECT, "job": "cadvisor",
          "interface": "eth0"}
# Words of a query or a title -> (is it so on this host, why this host cannot give it).
IMPOSSIBLE_HERE = {
    r"pressure": (lambda: not os.path.exists("/proc/pressure/cpu"), "pressure stall information is switched off"),
    r"memory_events_(high|max)_total|event=~?\"(low|high|max)|swap_events|workingset_refault|pgscan|pgsteal|io_cost|"
    r"spec_cpu_weight": (lambda: not os.path.exists("/sys/fs/cgroup/cgroup.controllers"),
                         "only cgroup v2 counts it"),
}

# Own alerts that fire in this workload, and for which containers.
OWN_FIRING = {"ContainerDown": ("failed",), "ContainerExitedWithError": ("failed", "starved"),
              "ContainerRestarting": ("looping",), "ContainerOomKilled": ("leaky", "starved"),
              "ContainerNearMemoryLimit": ("full",), "ContainerThrottled": ("shop-worker-1",),
              "ContainerUnhealthy": ("sick",), "ContainerPidsNearLimit": ("crowded",)}
# Metrics that rules ask for and that a weir in order need not have.
RARE = {"weir_collector_errors_total": "there is none before the first error"}

engine = weir = server = containers = None
receiver = None  # of what the first two push
named = named_server = None  # the same with --container.kubernetes-labels and every group


def setUpModule():
    global engine, weir, server, containers, named, named_server, receiver
    workload.need_disk()
    engine = workload.any_docker()
    receiver = Receiver()
    flags = (f"--engine.host={engine.host}", f"--push.url={receiver.url()}", "--push.interval=1s", "--engine.size-interval=2s", "--engine.df-interval=5s",
             workload.web_config_of(engine))
    weir = Weir(*flags, "--metrics.enable=disk", tiers=None)
    named = Weir(*flags, workload.ENABLE_ALL, "--container.kubernetes-labels", tiers=None)
    server = workload.start_prometheus(workload.job(weir))
    named_server = workload.start_prometheus(workload.job(named))
    containers = workload.Workload(engine).start()
    server.wait_scraped(3, DATA_LIMIT_S)
    containers.end_failed()
    containers.bounce("shop-web-1", server)
    print(f"Prometheus {server.version}, {len(containers.ids)} containers")


def tearDownModule():
    for started in (weir, named):
        if started:
            started.close()
    if receiver:
        receiver.stop()


def has_data(expression, where):
    """Does it give anything that a panel could show?"""
    answer = where.api("query", query=expression)
    if answer["resultType"] == "scalar":
        values = [answer["result"][1]]
    elif answer["resultType"] == "matrix":
        values = [value for row in answer["result"] for _, value in row["values"]]
    else:
        values = [row["value"][1] for row in answer["result"]]
    return any(not math.isnan(float(value)) for value in values)


def still_empty(expressions, where_of=lambda _: server, limit_s=DATA_LIMIT_S):
    """Those of key -> expression that give no data in all that time."""
    left, end = dict(expressions), time.monotonic() + limit_s
    while True:
        left = {key: expression for key, expression in left.items() if not has_data(expression, where_of(key))}
        if not left or time.monotonic() > end:
            return left
        time.sleep(1)


def told(rows):
    return "\n" + "\n".join(f"  {row}" for row in rows)


class PublicBoards(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.everything = public_boards.load()

    def test_queries(self):
        all_queries = self.everything["queries"]
        asked = [row for row in all_queries if public_boards.needs_only_cadvisor(row["expr"])]
        gaps = public_boards.gaps()
        expressions, no_values = {}, []
        for board in {row["src"] for row in asked}:
            values, empty = public_boards.values_of(server, board)
            no_values += [f"{board}: ${name}" for name in empty]
            for row in asked:
                if row["src"] == board:
                    expressions[(board, row["expr"])] = public_boards.substitute(row["expr"], values)
        empty = still_empty({key: text for key, text in expressions.items() if key not in gaps})
        counts = {board: [0, 0] for board in sorted({row["src"] for row in asked})}
        for row in asked:
            counts[row["src"]][1] += 1
            counts[row["src"]][0] += (row["src"], row["expr"]) not in empty and (row["src"], row["expr"]) not in gaps
        listed = [row for row in asked if (row["src"], row["expr"]) in gaps]
        print(f"{len(all_queries)} queries, {len(asked)} of cAdvisor's metrics alone, {len(expressions)} different; "
              f"{len(listed)} listed as empty, {len(empty)} empty and not listed; with data: "
              + ", ".join(f"{board} {good}/{count}" for board, (good, count) in counts.items()))
        self.assertEqual(no_values, [], "variables without a value")
        self.assertEqual(sorted(empty), [], f"empty and not in {public_boards.GAPS_FILE}:" + told(
            f"{board}: {text}" for (board, _), text in sorted(empty.items())))
        unknown = [key for key in gaps if key not in expressions]
        self.assertEqual(unknown, [], "listed as empty, and no query of these boards")
        filled = [key for key in gaps if has_data(expressions[key], server)]
        self.assertEqual(filled, [], "listed as empty, and gives data")
        self.assertLessEqual(len(listed), GAPS_SHARE * len(asked), "too many are listed as empty")

    def test_rules(self):
        rules = {rule["name"]: rule["expr"] for rule in self.everything["rules"]
                 if public_boards.needs_only_cadvisor(rule["expr"])}
        self.assertGreaterEqual(len(rules), 12)
        for name, expression in rules.items():
            with self.subTest(evaluated=name):
                for at in (server, named_server):
                    at.query(expression)
        shortened = {name: (shorter(expression), labels) for name, (expression, labels) in {
            "ContainerKilled": (rules["ContainerKilled"], {"name": "failed"}),
            "ContainerHighMemoryUsage": (rules["ContainerHighMemoryUsage"], {"name": "full"}),
            "ContainerLowMemoryUsage": (rules["ContainerLowMemoryUsage"], {"name": "calm"}),
            "ContainerUnhealthy": (rules["ContainerUnhealthy"], {"name": "sick"}),
            "jenkins_down": (rules["jenkins_down"], {}),
        }.items()}
        self.fires(server, shortened)
        for name in ("ContainerAbsent", "ContainerVolumeUsage", "jenkins_high_memory"):
            with self.subTest(does_not_fire=name):
                self.assertEqual(server.query(rules[name]), [])

    def test_rules_with_kubernetes_labels(self):
        """Three rules ask for container!="", which nothing has without the option."""
        rules = {rule["name"]: rule["expr"] for rule in self.everything["rules"]}
        self.fires(named_server, {
            "ContainerHighCpuUtilization": (
                shorter(rules["ContainerHighCpuUtilization"]), {"container": "shop-worker-1", "pod": "worker"}),
            "ContainerHighThrottleRate": (
                shorter(rules["ContainerHighThrottleRate"]),
                {"container": "shop-worker-1", "pod": "worker", "namespace": workload.PROJECT}),
            "ContainerLowCpuUtilization": (shorter(rules["ContainerLowCpuUtilization"]), {"container": "calm"}),
        })

    def fires(self, where, rules):
        """rules: name -> (expression, labels of one series it must give)."""
        self.assertEqual(not_firing(where, {name: ([text], labels) for name, (text, labels) in rules.items()}), {})


def not_firing(where, rules):
    """Those of key -> (expressions, labels) of which none gives a series with these labels in all that time."""
    left, end = dict(rules), time.monotonic() + FIRE_LIMIT_S
    while True:
        left = {key: (texts, labels) for key, (texts, labels) in left.items()
                if not any(labels.items() <= row["metric"].items() for text in texts for row in where.query(text))}
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.5)


def shorter(expression):
    """The rule for a test of seconds: rates divide by the whole window, and an alert waits for a minute."""
    return re.sub(r"(\brate\([^\[]*)\[\d+m\]", rf"\1{SHORT_WINDOW}", expression).replace(
        "> 60", f"> {SHORT_AGE_S}")


# -- weir's own ----------------------------------------------------------------------------------------------


def need_own_boards():
    if queries is None or not glob.glob(f"{OWN_BOARDS}/*.json"):
        skip(f"no boards in {OWN_BOARDS}, or no tests/boards/queries.py")


def impossible(text):
    """Why this host cannot give it, or None."""
    return next((why for pattern, (holds, why) in IMPOSSIBLE_HERE.items() if re.search(pattern, text) and holds()),
                None)


class OwnBoards(unittest.TestCase):
    def test_every_query_gives_data(self):
        need_own_boards()
        expressions, excused = {}, []
        for path in sorted(glob.glob(f"{OWN_BOARDS}/*.json")):
            (name, board), = queries.read_boards(path)

            def choose(board=board):
                return variables.chosen_values(board, server.query, CHOSEN)

            harness.wait_for(lambda: not choose()[1], FIRE_LIMIT_S,
                             f"{name}: each variable lists something, but {choose()[1]}", pause_s=1)
            for row in queries.queries(path, choose()[0]):
                key = (row["board"], row["row"], row["panel"], row["ref"], len(expressions))
                why = impossible(row["expr"])
                if why:
                    excused.append((key, why))
                else:
                    expressions[key] = row["expr"]
        self.assertGreater(len(expressions), 0)
        # What is off by default stands in a row of its own.
        empty = still_empty(expressions, lambda key: named_server if key[1].startswith(OWN_OPTIONAL_ROW) else server)
        print(f"own boards: {len(expressions) + len(excused)} queries, {len(excused)} without a source on this host, "
              f"{len(empty)} empty")
        self.assertEqual(sorted(empty), [], "empty:" + told(f"{key}: {text}" for key, text in sorted(empty.items())))

    def test_rules(self):
        if yaml is None:
            skip("no module yaml (package python3-yaml)")
        files = sorted(glob.glob(f"{OWN_RULES}/*.y*ml") + glob.glob(f"{OWN_RULES}/*.rules"))
        if not files:
            skip(f"no rules in {OWN_RULES}")
        rules = {}
        for path in files:
            with open(path, encoding="utf-8") as file:
                groups = (yaml.safe_load(file) or {}).get("groups", [])
            for rule in (rule for group in groups for rule in group["rules"]):
                rules.setdefault(rule.get("alert") or rule["record"], []).append(shorter(rule["expr"]))
        metrics = {metric: f"count({metric})" for texts in rules.values() for text in texts
                   for metric in public_boards.metrics_of(text) if metric not in RARE and not impossible(metric)}
        firing = {(name, container): (rules.get(name, []), {"name": container})
                  for name, wanted in OWN_FIRING.items() for container in wanted}
        silent = not_firing(server, firing)
        with self.subTest("metrics that rules ask for"):
            self.assertEqual(sorted(still_empty(metrics, limit_s=FIRE_LIMIT_S)), [], "nothing gives them")
        with self.subTest("rules that fire here"):
            self.assertEqual(sorted(silent), [])
        print(f"own rules: {len(rules)} names; firing in this workload: " + "; ".join(
            f"{name}: {' '.join(sorted({row['metric'].get('name', '') for row in rows}))}"
            for name, rows in ((name, [row for text in texts for row in server.query(text)])
                               for name, texts in rules.items()) if rows))


if __name__ == "__main__":
    harness.main(limit_s=200)
