"""Grafana's boards and the alert rules: what Grafana, Prometheus and a reader need, and metrics that exist.

The boards equal what grafana/make_boards.py writes. promtool judges the syntax of every query and rule, and the
configuration of Prometheus that is there to be copied.
"""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lint

sys.path[:0] = [os.path.join(lint.TOP, "tests", "boards"), os.path.join(lint.TOP, "grafana")]
import board_parts  # noqa: E402
import queries  # noqa: E402

BOARDS, GENERATOR = "grafana/dashboards/", "grafana/make_boards.py"
RULES, SCRAPES = "grafana/rules/weir.rules.yaml", "grafana/prometheus.yaml"
METRICS, GROUPS, REASONS = "base/metric_list.h", "base/metric_group.h", "base/reason.h"
AGENT_METRICS = "base/metric_list_agent.h"
SCHEMA_LEAST = 39
GRID = 24
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
PANELS = {"timeseries", "stat", "table", "bargauge", "state-timeline"}  # none of them Angular
PROMETHEUS_OWN = re.compile(r"^(up|ALERTS|scrape_\w+)$")
SUFFIXES = (".json", ".yaml", ".py", ".h")
FORBIDDEN_KEYS = ("__inputs", "__requires", "__elements")
SEVERITIES = ("critical", "warning", "info")
RANGED = re.compile(r"(\w+)\s*\([^()\[]*\[([^\]]+)\]")
FIXED_TARGET = re.compile(r"""\b(?:instance|job)\s*(?:=~|=|!~|!=)\s*"(?!\$)[^"]""")
USED_VARIABLE = re.compile(r"\$\{?([A-Za-z]\w*)")
LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
BY = re.compile(r"\bby\s*\(([^)]*)\)")
BOARD_LINK = re.compile(r"/d/([\w-]+)")
# Metrics that are there only with an option that is not a group.
OPTIONS = {"weir_engine_disk_usage_bytes": "engine.df-interval",
           "weir_engine_disk_usage_timestamp_seconds": "engine.df-interval",
           "weir_web_config_last_read_successful": "web.config.file"}
# And those of an option each.
FAMILIES = {"weir_push_": "push.url"}
PROMTOOL_RULE = re.compile(r"rule (\d+), .*?could not parse expression: (.*)")


# -- what there is ---------------------------------------------------------------------------------------------------


def metric_groups(files):
    """Family -> names of the groups its lines are in, by the metric list."""
    plain = (files[METRICS] + files[AGENT_METRICS]).replace("\\\n", " ")
    found = {}
    for family, group in re.findall(r'M\(\w+,\s*"(\w+)",\s*\w+,\s*\w+,\s*(\w+),', plain):
        found.setdefault(family, set()).add(group)
    return found


def groups_on_request(files):
    """Group -> its name in metrics.enable, of those that are off by default."""
    off = files[GROUPS].split("define GROUPS_DEFAULT", 1)[1].split("\n\n", 1)[0]
    names = dict(re.findall(r'\[GROUP_(\w+)\] = "(\w+)"', files["base/metric.c"]))
    return {group: names[group] for group in re.findall(r"GROUP_BIT\(GROUP_(\w+)\)", off)}


def properties(files):
    """The reasons that are no failures."""
    return set(re.findall(r'R\(\w+, "(\w+)", 0\)', files[REASONS]))


class Known:
    def __init__(self, files):
        self.groups = metric_groups(files)
        self.on_request = groups_on_request(files)

    def unknown(self, expr):
        return sorted(name for name in queries.metric_names(expr)
                      if name not in self.groups and not PROMETHEUS_OWN.match(name))

    def needs(self, expr):
        """What must be switched on for an expression, as a user writes it."""
        found = set()
        for name in queries.metric_names(expr):
            groups = self.groups.get(name, set())
            if groups and groups <= set(self.on_request):
                found.update(f"--metrics.enable={self.on_request[group]}" for group in groups)
            if name in OPTIONS:
                found.add(OPTIONS[name])
            found.update(need for prefix, need in FAMILIES.items() if name.startswith(prefix))
        return sorted(found)


# -- boards ----------------------------------------------------------------------------------------------------------


def objections_to_query(expr, legend, variables):
    if not expr.strip():
        yield "a query without an expression"
    for function, span in RANGED.findall(expr):
        if function in ("rate", "irate") and span != "$__rate_interval":
            yield f"{function} over [{span}] instead of [$__rate_interval]"
        elif span not in ("$__rate_interval", "$__range"):
            yield f"{function} over [{span}], which no choice of time changes"
    for name in USED_VARIABLE.findall(expr):
        if name not in variables and name not in queries.BUILT_IN:
            yield f"the variable ${name} is not one of the board's"
    if FIXED_TARGET.search(expr):
        yield f"a job or instance that is written down: {expr}"
    kept = {label.strip() for labels in BY.findall(expr) for label in labels.split(",")}
    for label in LEGEND.findall(legend):
        if label not in kept:
            yield f"the legend's {{{{{label}}}}} is not a label that the query keeps"


def objections_to_panel(panel, row, variables, known):
    if panel["type"] not in PANELS:
        yield f"a panel of the type {panel['type']}"
    for key, where in (("title", panel), ("description", panel), ("unit", panel["fieldConfig"]["defaults"])):
        if not where.get(key):
            yield f"no {key}"
    if panel.get("datasource") != DATA_SOURCE or not panel.get("targets"):
        yield "no query, or not of the board's data source"
    for target in panel.get("targets", []):
        if target.get("datasource") != DATA_SOURCE:
            yield "a query that is not of the board's data source"
        yield from objections_to_query(target["expr"], target.get("legendFormat", ""), variables)
        for name in known.unknown(target["expr"]):
            yield f"there is no metric {name}"
        for need in known.needs(target["expr"]):
            if need not in panel["description"] or not row.get("collapsed"):
                yield f"needs {need}: its description must say so and its row be collapsed"


def placed_panels(board):
    """(panel, the row it is folded into or {}) of everything with a place, rows too."""
    for panel in board["panels"]:
        yield panel, {}
        for inner in panel.get("panels") or []:
            yield inner, panel


def objections_to_layout(board):
    ids, cells = set(), {}
    for panel, row in placed_panels(board):
        if panel["id"] in ids:
            yield f"two panels have the id {panel['id']}"
        ids.add(panel["id"])
        grid = panel["gridPos"]
        if grid["x"] < 0 or grid["x"] + grid["w"] > GRID or grid["w"] < 1 or grid["h"] < 1:
            yield f"{panel['title']}: outside of the grid"
        place = row.get("id", 0)  # what is folded lies over what follows
        taken = {(place, x, y) for x in range(grid["x"], grid["x"] + grid["w"])
                 for y in range(grid["y"], grid["y"] + grid["h"])}
        others = sorted({cells[cell] for cell in taken if cell in cells})
        if others:
            yield f"{panel['title']} lies over {', '.join(others)}"
        cells.update((cell, panel["title"]) for cell in taken)


def objections_to_variables(board, known):
    listed = board["templating"]["list"]
    if not any(each["name"] == "datasource" and each["type"] == "datasource" and each["query"] == "prometheus"
               for each in listed):
        yield "no variable datasource of the type prometheus"
    for each in listed:
        if each["type"] != "query":
            continue
        if each.get("datasource") != DATA_SOURCE:
            yield f"variable {each['name']}: not of the board's data source"
        text = queries.variable_query(each)
        for name in known.unknown(queries.promql_of(text)):
            yield f"variable {each['name']}: there is no metric {name}"
        for name in USED_VARIABLE.findall(text):
            if name not in {other["name"] for other in listed}:
                yield f"variable {each['name']}: the variable ${name} is not one of the board's"


def objections_to_board(board, known, uids):
    for key in FORBIDDEN_KEYS:
        if key in board:
            yield f"{key}, which provisioning does not fill"
    if board.get("schemaVersion", 0) < SCHEMA_LEAST:
        yield f"schemaVersion below {SCHEMA_LEAST}"
    if not re.fullmatch(r"weir-[a-z]+", board.get("uid") or "") or uids.count(board["uid"]) > 1:
        yield f"the uid {board.get('uid')} is not weir-NAME, or not its own"
    if "weir" not in board.get("tags", []) or board.get("editable") is not True or not board.get("description"):
        yield "not tagged weir, not editable, or without a description"
    if not any(each.get("type") == "dashboards" and each.get("tags") == ["weir"] for each in board.get("links", [])):
        yield "no links to the other boards"
    for uid in sorted(set(BOARD_LINK.findall(json.dumps(board)))):
        if uid not in uids:
            yield f"a link to the board {uid}, which is none of ours"
    yield from objections_to_variables(board, known)
    yield from objections_to_layout(board)
    variables = {each["name"] for each in board["templating"]["list"]}
    for panel, row in placed_panels(board):
        if panel["type"] != "row":
            yield from (f"{panel.get('title')}: {said}" for said in objections_to_panel(panel, row, variables, known))


def not_as_generated(files):
    if GENERATOR not in files:
        return
    made = {BOARDS + name: text for name, text in importlib.import_module("make_boards").boards().items()}
    for path in sorted({*made, *(path for path in files if path.startswith(BOARDS))}):
        if made.get(path) != files.get(path):
            yield f"{path}:1: differs from what {GENERATOR} writes"


# -- rules -----------------------------------------------------------------------------------------------------------

RULE = re.compile(r"^      - alert: (\w+)\n(.*?)(?=^      - |^  - name: |\Z)", re.MULTILINE | re.DOTALL)
EXPR = re.compile(r"^ {8}expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)", re.MULTILINE)
REASON_MATCHER = re.compile(r'reason!~"([\w|]+)"')


def objections_to_rules(text, known, files):
    rules = RULE.findall(text)
    if not rules or len(rules) != text.count("- alert: "):
        yield "a rule that this lint cannot read"
    for alert, body in rules:
        for key in ("for", "labels", "annotations"):
            if not re.search(rf"^ {{8}}{key}:", body, re.MULTILINE):
                yield f"{alert}: no {key}"
        for key in ("summary", "description", "runbook"):
            if not re.search(rf"^ {{10}}{key}: ", body, re.MULTILINE):
                yield f"{alert}: no {key}"
        severity = re.search(r"^ {10}severity: (\w+)$", body, re.MULTILINE)
        if not severity or severity.group(1) not in SEVERITIES:
            yield f"{alert}: no severity of {', '.join(SEVERITIES)}"
        expr = "".join(EXPR.search(body).groups(default=""))
        for name in known.unknown(expr):
            yield f"{alert}: there is no metric {name}"
        for need in known.needs(expr):
            if need.startswith("--"):
                yield f"{alert}: needs {need}"
        if "weir_container_absent" in expr:
            left_out = {word for words in REASON_MATCHER.findall(expr) for word in words.split("|")}
            for reason in sorted(left_out ^ properties(files)):
                yield f"{alert}: {reason} is left out and a failure, or neither, by {REASONS}"


# -- syntax ----------------------------------------------------------------------------------------------------------


def promtool(*arguments):
    run = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    return "" if run.returncode == 0 else (run.stdout + run.stderr).strip()


def objections_of_promtool(boards, files):
    with tempfile.TemporaryDirectory() as folder:
        for path, board in boards.items():
            with open(os.path.join(folder, os.path.basename(path)), "w", encoding="utf-8") as out:
                json.dump(board, out)
        values = {name: "x" for name in ("job", "instance", "name", "project", "datasource")}
        asked = queries.queries(folder, values)
        rules = [{"record": f"query_{index}", "expr": each["expr"]} for index, each in enumerate(asked)]
        generated = os.path.join(folder, "queries.yaml")
        with open(generated, "w", encoding="utf-8") as out:  # JSON is YAML
            json.dump({"groups": [{"name": "boards", "rules": rules}]}, out)
        said = promtool("check", "rules", generated) if rules else ""
        wrong = PROMTOOL_RULE.findall(said)
        for number, why in wrong:
            each = asked[int(number) - 1]
            yield f"{BOARDS}{each['board']}.json:1: {each['panel']}: {why}"
        if said and not wrong:
            yield f"{BOARDS}: promtool: {said}"
        for path, what in ((RULES, "rules"), (SCRAPES, "config")):
            if path in files:
                copied = os.path.join(folder, what)
                with open(copied, "w", encoding="utf-8") as out:
                    out.write(files[path])
                said = promtool("check", what, copied)
                if said:
                    yield f"{path}:1: promtool: {said}"


def findings(files):
    known = Known(files)
    boards = {path: json.loads(text) for path, text in files.items()
              if path.startswith(BOARDS) and path.endswith(".json")}
    uids = [board.get("uid") for board in boards.values()]
    found = [f"{path}:1: {said}" for path, board in boards.items() for said in objections_to_board(board, known, uids)]
    found += not_as_generated(files)
    if RULES in files:
        found += [f"{RULES}:1: {said}" for said in objections_to_rules(files[RULES], known, files)]
    if shutil.which("promtool") and not found:
        found += objections_of_promtool(boards, files)
    return found


# -- samples ---------------------------------------------------------------------------------------------------------

SAMPLE_SOURCES = {
    METRICS: 'M(A, "a_total", COUNTER, NS, CPU, "", \\\n  "A.") M(B, "b", GAUGE, COUNT, DISK, "", "B.")\n'
             'M(C, "weir_container_absent", GAUGE, COUNT, NONE, "reason", "C.")\n',
    AGENT_METRICS: 'M(P, "weir_push_d", GAUGE, COUNT, AGENT, "", "D.")\n',
    GROUPS: "#define GROUPS_DEFAULT (GROUPS_ALL & ~(GROUP_BIT(GROUP_DISK)))\n\n",
    "base/metric.c": '[GROUP_DISK] = "disk",\n', REASONS: 'R(GONE, "gone", 0) R(STUCK, "stuck", 1)\n',
}
RATE = 'sum by (x) (rate(a_total{job=~"$job"}[$__rate_interval]))'
PANEL = board_parts.series("A", "none", "What it says.", (RATE, "{{x}}"))
PUSHED = board_parts.series("P", "none", "Needs push.url.", ("max(weir_push_d)", ""))
ON_REQUEST = board_parts.series("B", "bytes", "Needs --metrics.enable=disk.", ("max(b)", ""))


def sample(*panels, change=None, folded=False):
    """A board that is well, with panels of its own, changed by a function; and what it is held against."""
    row = board_parts.row("Row", *(panels or (PANEL,)), collapsed=folded)
    job = board_parts.variable("job", "Job", "label_values(a_total, job)")
    board = board_parts.board("weir-a", "A", "A board.", [job], [row])
    if change:
        change(board)
    return {**SAMPLE_SOURCES, BOARDS + "a.json": json.dumps(board)}


def with_expr(expr, legend=""):
    return sample(board_parts.series("A", "none", "What it says.", (expr, legend)))


def with_rule(expr='a_total > 0', rest="        for: 1m\n"):
    return {**SAMPLE_SOURCES,
            RULES: "groups:\n  - name: x\n    rules:\n      - alert: A\n        expr: " + expr + "\n" + rest +
            "        labels:\n          severity: info\n        annotations:\n          summary: s\n"
            "          description: d\n          runbook: r\n"}


SAMPLES = [
    (sample(), 0),
    (sample(ON_REQUEST, folded=True), 0),
    (sample(ON_REQUEST), 1),
    (sample(PUSHED, folded=True), 0),
    (sample(PUSHED), 1),
    (sample({**PANEL, "description": ""}), 1),
    (sample({**PANEL, "type": "graph"}), 1),
    (sample({**PANEL, "datasource": {"type": "prometheus", "uid": "mine"}}), 1),
    (sample(change=lambda board: board.update(schemaVersion=16)), 1),
    (sample(change=lambda board: board.update(uid="random")), 1),
    (sample(change=lambda board: board.update(__inputs=[])), 1),
    (sample(change=lambda board: board["templating"]["list"].pop(0)), 1),
    (sample(PANEL, PANEL, change=lambda board: board["panels"][2].update(id=2)), 1),
    (sample(PANEL, PANEL, change=lambda board: board["panels"][2]["gridPos"].update(x=3)), 1),
    (sample(PANEL, change=lambda board: board["panels"][1]["gridPos"].update(x=13)), 1),
    (sample({**PANEL, "links": [{"url": "/d/weir-b"}]}), 1),
    (with_expr('sum(rate(a_total{job=~"$job"}[5m]))'), 1),
    (with_expr('sum(rate(a_total{job=~"$host"}[$__rate_interval]))'), 1),
    (with_expr('max(a_total{instance="a:1"})'), 1),
    (with_expr("max(nothing)"), 1),
    (with_expr("max by (x) (a_total)", "{{y}}"), 1),
    (with_expr("max by (x) (a_total"), 1),
    (with_rule(), 0),
    (with_rule('weir_container_absent{reason!~"gone"} > 0'), 0),
    (with_rule('weir_container_absent{reason!~"gone|stuck"} > 0'), 1),
    (with_rule("nothing > 0"), 1),
    (with_rule(rest=""), 1),
    (with_rule("a_total >"), 1),
    ({**SAMPLE_SOURCES, SCRAPES: "scrape_configs:\n  - nonsense: 1\n"}, 1),
]

if __name__ == "__main__":
    if shutil.which("promtool") is None:
        left = [] if "--self-test" in sys.argv else findings(lint.read(SUFFIXES + (".c",)))
        print(*left, sep="\n")
        if left:
            sys.exit(1)
        lint.skip("no promtool (package prometheus): the syntax of queries and rules was not looked at")
    lint.main(findings, SAMPLES, SUFFIXES + (".c",))
