"""Queries of public Grafana boards and rules made for cAdvisor, which lie beside the repository and not in it; their
templates' variables, and which of them docs/CADVISOR.md says stay empty."""

import dataclasses
import json
import os
import re

import harness
from harness import skip

FILE = os.environ.get("WEIR_BOARD_QUERIES") or os.path.join(
    os.path.dirname(harness.REPOSITORY), "shared", "data", "dashboard-queries.json")
GAPS_FILE = os.path.join(harness.REPOSITORY, "docs", "CADVISOR.md")
GAPS_HEADING = "## Queries of public boards that stay empty"
GAPS_COLUMNS = ["board", "query", "why"]

# -- which metrics an expression asks for --------------------------------------------------------------------

TEXT = r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`'
TOKEN = re.compile(
    rf"(?P<text>{TEXT})|(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)|(?P<number>\d[\w.]*)|(?P<other>\S)", re.DOTALL)
# What stands before a list of labels in parentheses, and what before another operand.
BEFORE_LABELS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
KEYWORDS = BEFORE_LABELS | {"and", "or", "unless", "offset", "bool", "inf", "nan", "start", "end", "atan2"}
NAME_MATCHER = re.compile(rf"__name__\s*(=~|=)\s*({TEXT})")
OF_CADVISOR = re.compile(r"(container|machine|cadvisor|process)_\w+$")
# The server's own process and its like: a target that is not weir.
OF_OTHER_TARGET = re.compile(r"""job\s*=~?\s*["']prometheus["']""")


def metrics_of(expression):
    """The names of the metrics an expression selects; what a matcher of __name__ says is taken as it stands."""
    names = {match.group(2)[1:-1] for match in NAME_MATCHER.finditer(expression)}
    tokens = [match for match in TOKEN.finditer(without_braces(expression))]
    labels_depth = None
    depth = 0
    for at, token in enumerate(tokens):
        following = tokens[at + 1].group() if at + 1 < len(tokens) else ""
        if token.group() == "(":
            depth += 1
            if at and tokens[at - 1].group().lower() in BEFORE_LABELS:
                labels_depth = depth
        elif token.group() == ")":
            labels_depth = None if labels_depth == depth else labels_depth
            depth -= 1
        elif token.lastgroup == "word" and labels_depth is None:
            word = token.group()
            is_call = following == "(" or (following in ("by", "without") and word.lower() not in KEYWORDS)
            if word.lower() not in KEYWORDS and not is_call:
                names.add(word)
    return names


def without_braces(expression):
    """The expression without what is in {} and []."""
    kept, depth = [], 0
    for match in re.finditer(rf"{TEXT}|.", expression, re.DOTALL):
        part = match.group()
        if part in ("{", "["):
            depth += 1
        elif part in ("}", "]"):
            depth -= 1
        elif not depth:
            kept.append(part)
    return "".join(kept)


def needs_only_cadvisor(expression):
    names = metrics_of(expression)
    return bool(names) and all(OF_CADVISOR.match(name) for name in names) and not OF_OTHER_TARGET.search(expression)


# -- variables -----------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Variable:
    """label_values(selector, label) of a template."""

    name: str
    selector: str
    label: str
    regex: str = "(.*)"
    all: str = ""  # what "All" stands for; without it one value is chosen
    wanted: str = ""  # the one that a user would choose, else the first


CPU_USER = "container_cpu_user_seconds_total"
ANY_FAMILY = '{__name__=~"container.*"}'
# Of the two boards that have no such template a user writes host and name in.
VARIABLES = {
    "10619": (Variable("job", CPU_USER, "job"),
              Variable("node", CPU_USER + '{job=~"$job"}', "instance", "([^:]+):.*"),
              Variable("port", CPU_USER + '{instance=~"$node:(.*)"}', "instance", "[^:]+:(.*)")),
    "11600": (Variable("job", CPU_USER, "job"), Variable("node", CPU_USER + '{job=~"$job"}', "instance")),
    "13946": (Variable("job", CPU_USER, "job"),
              Variable("name", CPU_USER + '{job="$job",from="docker"}', "name", all=".*"),
              Variable("instance", CPU_USER + '{name=~"$name"}', "instance", all=".*"),
              Variable("interface", 'container_network_receive_bytes_total{name=~"$name",instance=~"$instance"}',
                       "interface", wanted="eth0")),
    "14282": (Variable("host", ANY_FAMILY, "instance", all=".*"),
              Variable("container", '{__name__=~"container.*", instance=~"$host"}', "name", all=".*")),
    "179a": (Variable("service", CPU_USER, "container_label_com_docker_swarm_service_name", all=".+"),),
    "docker-mixin": (Variable("job", 'container_last_seen{job!="kubelet"}', "job", all=".+"),
                     Variable("instance", 'container_last_seen{job!="kubelet",job=~"$job"}', "instance", all=".+"),
                     Variable("name", 'container_last_seen{job!="kubelet", name!="",job=~"$job",instance=~"$instance"}',
                              "name", all=".+")),
    "21743": (Variable("docker_host", "container_last_seen", "instance"),
              Variable("container_name", 'container_last_seen{instance=~"$docker_host"}', "name", all=".*")),
}
FIXED = {"interval": "1m", "__rate_interval": "1m", "__interval": "15s", "__range": "1h", "job": "cadvisor",
         "sum_without": "unsum,instance,image,container_label_restartcount,device"}
VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")


def substitute(expression, values):
    return VARIABLE.sub(lambda match: values[match.group(1) or match.group(2)], expression)


def label_values(server, selector, label):
    """What Grafana would list, sorted."""
    rows = server.api("series", **{"match[]": selector})
    return sorted({row[label] for row in rows if row.get(label)})


def values_of(server, board):
    """(variable -> value of the board's templates, names of those whose query gives nothing)."""
    values, empty = dict(FIXED), []
    for variable in VARIABLES.get(board, ()):
        found = label_values(server, substitute(variable.selector, values), variable.label)
        found = [match.group(1) for match in (re.fullmatch(variable.regex, value) for value in found) if match]
        if not found or (variable.wanted and variable.wanted not in found):
            empty.append(variable.name)
        values[variable.name] = variable.all or variable.wanted or (found or [".*"])[0]
    return values, empty


# -- the queries, and the list of those that stay empty ------------------------------------------------------


def load():
    if not os.path.exists(FILE):
        skip(f"no queries of public boards: {FILE} is not there")
    with open(FILE, encoding="utf-8") as file:
        return json.load(file)


def cells(line):
    r"""The cells of a row of a Markdown table, \| and `code` taken back."""
    return [cell.strip().strip("`").strip().replace("\\|", "|")
            for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def gaps():
    """(board, query) -> why, of the table below GAPS_HEADING."""
    with open(GAPS_FILE, encoding="utf-8") as file:
        text = file.read()
    if text.count(GAPS_HEADING + "\n") != 1:
        raise AssertionError(f"{GAPS_FILE} has not one heading {GAPS_HEADING!r}")
    section = re.split(r"^#+ ", text.split(GAPS_HEADING + "\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [cells(line) for line in section.splitlines() if line.lstrip().startswith("|")]
    if not rows or [cell.lower() for cell in rows[0]] != GAPS_COLUMNS:
        raise AssertionError(f"{GAPS_FILE}: below {GAPS_HEADING!r} there is no table with the columns {GAPS_COLUMNS}")
    found = {}
    for row in rows[2:]:
        if len(row) != len(GAPS_COLUMNS) or not all(row):
            raise AssertionError(f"{GAPS_FILE}: a row has not {len(GAPS_COLUMNS)} filled cells: {row}")
        if (row[0], row[1]) in found:
            raise AssertionError(f"{GAPS_FILE}: listed twice: {row}")
        found[(row[0], row[1])] = row[2]
    return found
