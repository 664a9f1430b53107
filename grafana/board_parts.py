"""The parts Grafana boards are made of: panels, rows, variables, and the layout. Knows nothing of metrics.

A query is a pair (PromQL, legend). Widths and heights are in Grafana's grid of 24 columns. Whatever a board holds is
written here once, so that all of them look and behave alike.
"""

import json

GRID = 24
SCHEMA = 39  # Grafana 10.4 and newer; newer ones migrate it by themselves
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, YELLOW, RED, BLUE, GREY = "green", "yellow", "red", "blue", "text"
PLAIN = ((None, GREEN),)
TAG = "weir"


def steps(*levels):
    """Thresholds out of pairs (from which value, colour), the first from None."""
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in levels]}


def words(*pairs):
    """A mapping of values to pairs (text, colour): a list of (value, text, colour)."""
    options = {str(value): {"color": color, "index": index, "text": text}
               for index, (value, text, color) in enumerate(pairs)}
    return [{"options": options, "type": "value"}]


def reference(index):
    return chr(ord("A") + index)


def target(index, expr, legend, table):
    said = {"datasource": DATA_SOURCE, "editorMode": "code", "expr": expr, "legendFormat": legend,
            "refId": reference(index)}
    return {**said, "format": "table", "instant": True, "range": False} if table else {**said, "range": True}


def panel(kind, title, unit, about, queries, *, width, height, table=False, **more):
    """more: defaults (of fieldConfig), overrides, options, transformations."""
    defaults = {"mappings": [], "thresholds": steps(*PLAIN), "unit": unit, **more.get("defaults", {})}
    made = {
        "datasource": DATA_SOURCE, "description": about, "title": title, "type": kind,
        "fieldConfig": {"defaults": defaults, "overrides": more.get("overrides", [])},
        "gridPos": {"h": height, "w": width}, "options": more.get("options", {}),
        "targets": [target(index, expr, legend, table) for index, (expr, legend) in enumerate(queries)],
    }
    if "transformations" in more:
        made["transformations"] = more["transformations"]
    return made


def override(matcher, value, **properties):
    """Of the fields a matcher ("byName", "byRegexp") takes."""
    return {"matcher": {"id": matcher, "options": value},
            "properties": [{"id": key.replace("__", "."), "value": what} for key, what in sorted(properties.items())]}


def link(title, url):
    return {"title": title, "url": url}


# -- panels ----------------------------------------------------------------------------------------------------------


def series(title, unit, about, *queries, width=12, height=8, stack=False, down=None, **more):
    """Lines over time. down: a regular expression of legends that are drawn below zero. levels: thresholds, drawn as
    lines. links: data links. calcs: what the legend says of each line."""
    custom = {
        "axisPlacement": "auto", "drawStyle": "line", "fillOpacity": 25 if stack else 8, "lineInterpolation": "linear",
        "lineWidth": 1, "showPoints": "never", "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stack else "none"},
        "thresholdsStyle": {"mode": "dashed" if more.get("levels") else "off"},
    }
    defaults = {"color": {"mode": "palette-classic"}, "custom": custom, "links": list(more.get("links", ())),
                "thresholds": steps(*more.get("levels", PLAIN))}
    if not down:
        defaults["min"] = 0
    if "decimals" in more:
        defaults["decimals"] = more["decimals"]
    calcs = list(more.get("calcs", ("mean", "max", "lastNotNull")))
    options = {"legend": {"calcs": calcs, "displayMode": "table", "placement": "bottom", "showLegend": True},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    overrides = [override("byRegexp", f"/{down}/", custom__transform="negative-Y")] if down else []
    return panel("timeseries", title, unit, about, queries, width=width, height=height, defaults=defaults,
                 options=options, overrides=overrides)


def stat(title, unit, about, expr, *, levels=PLAIN, width=3, height=4, **more):
    """The last value in large. legend, mappings, empty (shown where there is no value), graph, decimals."""
    defaults = {"thresholds": steps(*levels), "mappings": more.get("mappings", [])}
    if "empty" in more:
        defaults["noValue"] = more["empty"]
    if "decimals" in more:
        defaults["decimals"] = more["decimals"]
    options = {
        "colorMode": "value", "graphMode": "area" if more.get("graph") else "none", "justifyMode": "auto",
        "orientation": "auto", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "value_and_name" if more.get("legend") else "value",
    }
    return panel("stat", title, unit, about, [(expr, more.get("legend", ""))], width=width, height=height,
                 defaults=defaults, options=options)


def bars(title, unit, about, expr, legend, *, levels=PLAIN, width=12, height=8):
    """The last value of each series as a bar."""
    options = {"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "valueMode": "color",
               "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    return panel("bargauge", title, unit, about, [(expr, legend)], width=width, height=height,
                 defaults={"min": 0, "thresholds": steps(*levels)}, options=options)


def states(title, about, expr, legend, mappings, *, width=24, height=8):
    """One strip for each series, in the colours of its states."""
    custom = {"fillOpacity": 80, "lineWidth": 0}
    options = {"alignValue": "left", "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
               "mergeValues": True, "rowHeight": 0.8, "showValue": "auto", "tooltip": {"mode": "single"}}
    return panel("state-timeline", title, "none", about, [(expr, legend)], width=width, height=height,
                 defaults={"custom": custom, "mappings": mappings}, options=options)


def column(title, unit, expr, **more):
    """A column of a table: the value of a query. levels, mappings, decimals, width."""
    return {"title": title, "unit": unit, "expr": expr, **more}


def label(name, title, **more):
    """A column of a table: a label of its queries. url (of a data link), link (its title), mappings, width."""
    return {"title": title, "label": name, **more}


def column_override(item):
    said = {}
    if "unit" in item:
        said["unit"] = item["unit"]
    if "levels" in item:
        said.update(thresholds=steps(*item["levels"]), custom__cellOptions={"type": "color-text"})
    if "mappings" in item:
        said.update(mappings=item["mappings"], custom__cellOptions={"type": "color-text"})
    if "url" in item:
        said["links"] = [link(item["link"], item["url"])]
    for key in ("decimals",):
        if key in item:
            said[key] = item[key]
    if "width" in item:
        said["custom__width"] = item["width"]
    return override("byName", item["title"], **said)


def table(title, about, labels, columns, *, shown=(), sort=None, width=24, height=10):
    """A line for each set of labels. columns give values; shown are queries of which only the labels are wanted."""
    exprs = [item["expr"] for item in columns] + list(shown)
    names = {item["label"]: item["title"] for item in labels}
    order = {item["label"]: index for index, item in enumerate(labels)}
    hidden = {"Time": True}
    for index in range(len(exprs)):
        name = f"Value #{reference(index)}" if len(exprs) > 1 else "Value"  # as Grafana names it
        if index < len(columns):
            names[name] = columns[index]["title"]
            order[name] = len(labels) + index
        else:
            hidden[name] = True
    organize = {"excludeByName": hidden, "includeByName": {}, "indexByName": order, "renameByName": names}
    overrides = [item for item in map(column_override, [*labels, *columns]) if item["properties"]]
    options = {"cellHeight": "sm", "footer": {"countRows": False, "fields": "", "reducer": ["sum"], "show": False},
               "showHeader": True, "sortBy": [{"desc": False, "displayName": sort or labels[0]["title"]}]}
    defaults = {"custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True, "inspect": False}}
    return panel("table", title, "none", about, [(expr, "") for expr in exprs], width=width, height=height, table=True,
                 defaults=defaults, options=options, overrides=overrides,
                 transformations=[{"id": "merge", "options": {}}, {"id": "organize", "options": organize}])


# -- boards ----------------------------------------------------------------------------------------------------------


def data_source_variable():
    return {"current": {}, "hide": 0, "includeAll": False, "label": "Data source", "multi": False,
            "name": "datasource", "options": [], "query": "prometheus", "refresh": 1, "regex": "",
            "skipUrlSync": False, "type": "datasource"}


def variable(name, title, query, *, many=True, every=".+"):
    """One that asks the data source. many: several values or all; every: the regular expression of all of them."""
    made = {"datasource": DATA_SOURCE, "definition": query, "hide": 0, "includeAll": many, "label": title,
            "multi": many, "name": name, "options": [], "query": {"query": query, "refId": f"variable-{name}"},
            "refresh": 2, "regex": "", "skipUrlSync": False, "sort": 1, "type": "query", "current": {}}
    if many:
        made.update(allValue=every, current={"selected": True, "text": ["All"], "value": ["$__all"]})
    return made


def row(title, *panels, collapsed=False):
    return {"title": title, "panels": panels, "collapsed": collapsed}


class Layout:
    """Puts panels side by side from left to right, lines from top to bottom, and numbers them."""

    def __init__(self):
        self.top = 0
        self.number = 0

    def place(self, what, left, width, height):
        self.number += 1
        return {**what, "gridPos": {"h": height, "w": width, "x": left, "y": self.top}, "id": self.number}

    def lines(self, panels):
        placed, left, height = [], 0, 0
        for each in panels:
            grid = each["gridPos"]
            if left + grid["w"] > GRID:
                self.top, left, height = self.top + height, 0, 0
            placed.append(self.place(each, left, grid["w"], grid["h"]))
            left, height = left + grid["w"], max(height, grid["h"])
        self.top += height
        return placed

    def add(self, item):
        head = {"collapsed": item["collapsed"], "panels": [], "title": item["title"], "type": "row"}
        head = self.place(head, 0, GRID, 1)
        self.top += 1
        top = self.top
        panels = self.lines(item["panels"])
        if not item["collapsed"]:
            return [head, *panels]
        self.top = top  # what is folded takes no room
        return [{**head, "panels": panels}]


def board(uid, title, about, variables, rows):
    layout = Layout()
    return {
        "annotations": {"list": []}, "description": about, "editable": True, "fiscalYearStartMonth": 0,
        "graphTooltip": 1, "id": None, "liveNow": False,
        "links": [{"asDropdown": False, "icon": "external link", "includeVars": True, "keepTime": True, "tags": [TAG],
                   "targetBlank": False, "title": "weir", "tooltip": "", "type": "dashboards", "url": ""}],
        "panels": [placed for item in rows for placed in layout.add(item)],
        "refresh": "30s", "schemaVersion": SCHEMA, "tags": [TAG, "containers"],
        "templating": {"list": [data_source_variable(), *variables]},
        "time": {"from": "now-1h", "to": "now"}, "timepicker": {}, "timezone": "", "title": title, "uid": uid,
        "version": 1, "weekStart": "",
    }


def text_of(made):
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
