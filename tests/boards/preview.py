#!/usr/bin/python3
"""Draws each of weir's boards from the data of a real Prometheus, one picture a board: docs/preview-NAME.png.

By hand, never in a test:

    tests/integration/workload.py                       # real containers, weir, a Prometheus; says where they are
    tests/boards/preview.py http://127.0.0.1:PORT       # some minutes later

Needs chromium, which takes the picture of a page of HTML. The pictures are previews: real values, drawn by
drawing.py from the boards' own queries, units, thresholds and layout, and not screenshots of Grafana. Each says so.
"""

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import drawing  # noqa: E402
import queries  # noqa: E402
import variables  # noqa: E402

NOTE = "preview drawn from real data, not a Grafana screenshot"
POINTS = 150  # of a line
MOST_BYTES = 300 * 1000
SCREENSHOT_LIMIT_S = 120


class Server:
    """A Prometheus, asked about the last minutes."""

    def __init__(self, url, minutes):
        self.url = url.rstrip("/")
        self.end = time.time()
        self.start = self.end - 60 * minutes
        self.step = 1
        first = [row["values"][0][0] for row in self.over_time("count(up)")]  # nothing is drawn of before
        self.start = float(first[0]) if first else self.start
        self.step = max(1, round((self.end - self.start) / POINTS))

    def get(self, path, **parameters):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)["data"]["result"]

    def now(self, expression):
        return self.get("query", query=expression, time=self.end)

    def over_time(self, expression):
        return self.get("query_range", query=expression, start=self.start, end=self.end, step=self.step)

    def span(self):
        return self.start, self.end, self.step


def legend(template, labels):
    if not template or template == "__auto":
        inner = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != "__name__")
        return f"{labels.get('__name__', '')}{{{inner}}}" if inner else labels.get("__name__", "value")
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match.group(1), ""), template).strip()


def merged(rows, row):
    """Puts the row to one that says the same in every column both have, else at the end."""
    for known in rows:
        common = [key for key in row if key in known and not key.startswith("Value")]
        if common and all(known[key] == row[key] for key in common):
            known.update(row)
            return
    rows.append(row)


def data_of(server, panel, values):
    """What the panel's queries give: rows for a table, else [(name, [(time, value)])]."""
    rows, series = [], []
    for target in panel.get("targets", []):
        expression = queries.substitute(target.get("expr", ""), values, panel.get("title", ""))
        if panel["type"] == "table":
            for row in server.now(expression):
                labels = {key: value for key, value in row["metric"].items() if key != "__name__"}
                merged(rows, {**labels, f"Value #{target['refId']}": float(row["value"][1])})
            continue
        if target.get("instant"):
            found = [(row["metric"], [row["value"]]) for row in server.now(expression)]
        else:
            found = [(row["metric"], row["values"]) for row in server.over_time(expression)]
        for labels, points in found:
            points = [(float(at), float(value)) for at, value in points]
            series.append((legend(target.get("legendFormat"), labels),
                           [point for point in points if not math.isnan(point[1])]))
    return rows if panel["type"] == "table" else [row for row in series if row[1]]


def screenshot(page, height, path):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        sys.exit("preview.py: no chromium (package chromium)")
    with tempfile.TemporaryDirectory(prefix="weir-preview-") as folder:
        source = os.path.join(folder, "board.html")
        with open(source, "w", encoding="utf-8") as file:
            file.write(page)
        subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                        f"--user-data-dir={folder}/profile", "--force-device-scale-factor=1",
                        f"--window-size={drawing.WIDTH},{height}", f"--screenshot={path}", f"file://{source}"],
                       check=True, capture_output=True, timeout=SCREENSHOT_LIMIT_S)


def smaller(path):
    """The picture with a palette of 128 colours, which a drawing does not miss."""
    try:
        from PIL import Image
    except ImportError:
        print("no module PIL (package python3-pil): the picture keeps all its colours")
        return
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def opened(panels):
    """The panels as they lie when every row is open: a closed one takes the place of its title alone."""
    shift = 0
    for panel in panels:
        inner = panel.get("panels") or []
        for one in (panel, *inner):
            yield {**one, "gridPos": {**one["gridPos"], "y": one["gridPos"]["y"] + shift}}
        grids = [one["gridPos"] for one in inner]
        shift += max((grid["y"] + grid["h"] for grid in grids), default=0) - min((grid["y"] for grid in grids), default=0)


def draw(server, path, wanted, out, html_too):
    (name, board), = queries.read_boards(path)
    chosen, empty = variables.chosen_values(board, server.now, wanted)
    built_in = {name: value for name, value in wanted.items() if name.startswith("__")}
    values = {**queries.known_values(board, chosen), "__range": f"{round(server.end - server.start)}s", **built_in}
    panels = [(one, data_of(server, one, values), server.span()) for one in opened(board["panels"])]
    without = [panel["title"] for panel, data, _ in panels if panel["type"] != "row" and not data]
    page, height = drawing.page(board["title"], NOTE, panels)
    picture = os.path.join(out, f"preview-{name}.png")
    if html_too:
        with open(os.path.join(out, f"preview-{name}.html"), "w", encoding="utf-8") as file:
            file.write(page)
    screenshot(page, height, picture)
    smaller(picture)
    size = os.path.getsize(picture)
    print(f"{picture}: {drawing.WIDTH}x{height}, {size} bytes{' (too many)' if size > MOST_BYTES else ''}; "
          f"{len(panels)} panels and rows; without data: {', '.join(without + empty) or 'none'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("prometheus", metavar="URL", help="of a Prometheus that scrapes weir")
    parser.add_argument("--boards", default=os.path.join(TOP, "grafana", "dashboards"), metavar="DIR")
    parser.add_argument("--out", default=os.path.join(TOP, "docs"), metavar="DIR")
    parser.add_argument("--minutes", type=float, default=10, help="how far back")
    parser.add_argument("--set", action="append", default=["name=shop-web-1", "__rate_interval=30s"],
                        metavar="VARIABLE=VALUE", help="what is picked where a variable lists it")
    parser.add_argument("--html", action="store_true", help="keep the pages that the pictures were taken of")
    arguments = parser.parse_args()
    server = Server(arguments.prometheus, arguments.minutes)
    wanted = dict(pair.split("=", 1) for pair in arguments.set)
    for name in sorted(os.listdir(arguments.boards)):
        if name.endswith(".json"):
            draw(server, os.path.join(arguments.boards, name), wanted, arguments.out, arguments.html)


if __name__ == "__main__":
    main()
