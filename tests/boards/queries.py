"""Every query of Grafana boards, as PromQL that a Prometheus without a Grafana in front can be asked."""

import json
import os
import re

# What Grafana puts in for its own variables; a caller's substitutions are stronger.
BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__interval_ms": "15000", "__range": "1h",
            "__range_s": "3600", "__range_ms": "3600000"}
# $name, ${name}, ${name:format}, [[name]]; $1 is not one: it is a group of label_replace.
VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$([A-Za-z_]\w*)|\[\[(\w+)\]\]")
LABEL_VALUES = re.compile(r"^\s*label_values\(\s*(?:(.+),\s*)?(\w+)\s*\)\s*$", re.DOTALL)
METRICS = re.compile(r"^\s*metrics\(\s*(.*?)\s*\)\s*$", re.DOTALL)
# What is no metric's name in an expression: texts, matchers, ranges, and the labels that operators name.
NO_NAME = re.compile(r"""\"(?:\\.|[^"\\])*\"|\[[^\]]*\]""")
MATCHERS = re.compile(r"\{[^}]*\}")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
NAME = re.compile(r"(?<![\w.])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])")
OPERATORS = {"and", "or", "unless", "offset", "bool", "inf", "nan", "by", "without", "on", "ignoring", "group_left",
             "group_right", "sum", "max", "min", "count", "avg", "topk", "bottomk", "start", "end"}
QUERY_RESULT = re.compile(r"^\s*query_result\(\s*(.+)\)\s*$", re.DOTALL)


def read_boards(path_or_dir):
    """[(name, board)] of one file, or of the files of a folder by name."""
    paths = [path_or_dir]
    if os.path.isdir(path_or_dir):
        paths = [os.path.join(path_or_dir, name) for name in sorted(os.listdir(path_or_dir)) if name.endswith(".json")]
    boards = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            boards.append((os.path.splitext(os.path.basename(path))[0], json.load(file)))
    return boards


def panels(board):
    """(title of the row or "", panel) of each panel that is not a row, those of collapsed rows too."""
    row = ""
    for panel in board.get("panels", []):
        if panel.get("type") != "row":
            yield row, panel
            continue
        row = panel.get("title", "")
        for inner in panel.get("panels") or []:
            yield row, inner


def substitute(text, values, where):
    """The text with each variable's value; ValueError names one that has none."""
    def value_of(match):
        name = next(group for group in match.groups() if group)
        if name not in values:
            raise ValueError(f"{where}: no value for the variable ${name} in: {text}")
        return values[name]

    return VARIABLE.sub(value_of, text)


def known_values(board, substitutions):
    """Values of variables: the caller's, else what "All" stands for where a variable has it."""
    values = dict(BUILT_IN)
    for variable in board.get("templating", {}).get("list", []):
        if variable.get("includeAll"):
            values[variable["name"]] = variable.get("allValue") or ".*"
    values.update(substitutions)
    return values


def variable_query(variable):
    """The text of a variable's query, which Grafana writes as text or as an object; "" if it asks nothing."""
    if variable.get("type") != "query":
        return ""
    query = variable.get("query", "")
    return query.get("query", "") if isinstance(query, dict) else query


def with_matcher(selector, matcher):
    """metric or metric{...} with one more matcher."""
    selector = selector.strip()
    if not selector.endswith("}"):
        return f"{selector}{{{matcher}}}"
    inner = selector[:-1].rstrip().rstrip(",")
    return f"{inner}{'' if inner.endswith('{') else ','}{matcher}}}"


def promql_of(query):
    """PromQL with one series for each value that Grafana would list for a variable."""
    if match := LABEL_VALUES.match(query):
        selector, label = match.groups()
        # A selector must have a matcher that the empty text does not meet.
        matcher = f'{label}!=""' if selector else f'{label}=~".+"'
        return f"count by ({label}) ({with_matcher(selector or '', matcher)})"
    if match := METRICS.match(query):
        return f'count by (__name__) ({{__name__=~"{match.group(1)}"}})'
    if match := QUERY_RESULT.match(query):
        return match.group(1).strip()
    return query


def metric_names(expr):
    """The metrics an expression asks for by their names."""
    bare = GROUPING.sub(" ", MATCHERS.sub(" ", NO_NAME.sub(" ", expr)))
    return {name for name in NAME.findall(bare) if name.lower() not in OPERATORS}


def queries(path_or_dir, substitutions):
    """A list of dicts: board (name of its file), panel (title, or name of the variable), kind ("panel", "variable"),
    expr (variables substituted); and row (title of the row it stands in), ref, type."""
    found = []
    for name, board in read_boards(path_or_dir):
        values = known_values(board, substitutions)
        for variable in board.get("templating", {}).get("list", []):
            query = variable_query(variable)
            if query:
                expr = promql_of(substitute(query, values, f"{name}: variable {variable['name']}"))
                found.append({"board": name, "panel": variable["name"], "kind": "variable", "expr": expr, "row": "",
                              "ref": "", "type": "variable"})
        for row, panel in panels(board):
            title = panel.get("title", "")
            for target in panel.get("targets", []):
                expr = substitute(target.get("expr", ""), values, f"{name}: {title}")
                found.append({"board": name, "panel": title, "kind": "panel", "expr": expr, "row": row,
                              "ref": target.get("refId", ""), "type": panel.get("type", "")})
    return found
