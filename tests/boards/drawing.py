"""Panels as HTML with SVG in it: what a board looks like, without the program that usually draws it."""

import html
import math
import re
import time

# The usual names of colours on boards, and the order in which series get theirs.
COLOURS = {"green": "#73bf69", "yellow": "#f2cc0c", "red": "#f2495c", "blue": "#5794f2", "orange": "#ff780a",
           "purple": "#b877d9", "text": "#ccccdc", "transparent": "#6e7280"}
PALETTE = ("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0", "#37872d",
           "#fade2a", "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477")
WIDTH, COLUMNS = 1600, 24
UNIT_PX = 27  # one unit of a gridPos' height
GAP_PX, TITLE_PX, LINE_PX = 6, 24, 15
AXIS_PX, TIMES_PX = 56, 18
STYLE = """
*{box-sizing:border-box;margin:0;padding:0}
body{width:%dpx;background:#111217;color:#ccccdc;font:12px 'DejaVu Sans',sans-serif;position:relative}
.head{height:46px;padding:6px 12px;display:flex;justify-content:space-between;align-items:center}
.head b{font-size:19px}.head i{color:#ff780a;font-style:normal;border:1px solid #ff780a;padding:4px 10px}
.panel{position:absolute;background:#181b1f;border:1px solid #25282d;overflow:hidden}
.panel h3{font-size:12px;font-weight:600;line-height:%dpx;padding:0 8px;white-space:nowrap}
.row{position:absolute;font-size:14px;font-weight:600;line-height:%dpx;padding-left:6px}
.stat{text-align:center;font-weight:600;white-space:nowrap}
table{border-collapse:collapse;width:100%%;font-size:11px}
td,th{padding:3px 6px;border-bottom:1px solid #25282d;white-space:nowrap;text-align:right;overflow:hidden}
td,th{max-width:190px;text-overflow:ellipsis}
th{color:#6e9fff;font-weight:600}td.t,th.t{text-align:left}
.legend{padding:0 8px;font-size:10px}.legend td,.legend th{border:0;padding:0 6px;line-height:%dpx}
.legend td:first-child{width:100%%;max-width:0}.legend th{color:#7b8087}
.none{color:#6e7280;text-align:center;padding-top:14px}
""" % (WIDTH, TITLE_PX, UNIT_PX, LINE_PX)

# -- numbers -------------------------------------------------------------------------------------------------

RATES = {"Bps": ("B/s", "kB/s", "MB/s", "GB/s"), "pps": ("p/s", "kp/s", "Mp/s"), "iops": ("io/s", "kio/s", "Mio/s"),
         "cps": ("c/s", "kc/s", "Mc/s"), "reqps": ("req/s", "kreq/s", "Mreq/s"), "short": ("", " K", " Mil", " Bil")}
BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
DURATIONS = ((86400, "day"), (3600, "hour"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs"))


def plain(value, decimals=None):
    if decimals is None:
        magnitude = abs(value)
        decimals = 0 if magnitude >= 100 else 1 if magnitude >= 10 else 2 if magnitude >= 0.01 else 4
        return f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{value:.0f}"
    return f"{value:.{decimals}f}"


def scaled(value, base, names, decimals):
    step = 0
    while abs(value) >= base and step + 1 < len(names):
        value, step = value / base, step + 1
    return f"{plain(value, decimals)} {names[step]}".replace("  ", " ").strip()


def formatted(value, unit, decimals=None):
    """A value as boards show it in this unit."""
    if isinstance(value, str):
        return value
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if unit in ("percent", "percentunit"):
        return plain(value * (100 if unit == "percentunit" else 1), decimals) + "%"
    if unit in ("bytes", "decbytes"):
        return scaled(value, 1024, BINARY, decimals)
    if unit in RATES:
        return scaled(value, 1000, RATES[unit], decimals)
    if unit == "s":
        size, name = next((row for row in DURATIONS if abs(value) >= row[0]), (1, "s") if not value else DURATIONS[-1])
        return f"{plain(value / size, decimals)} {name}{'s' if size >= 3600 and value / size >= 2 else ''}"
    if unit == "dateTimeAsIso":
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(value / 1000))
    return plain(value, decimals)


# -- what fieldConfig says -----------------------------------------------------------------------------------


def options_of(panel, name):
    """Defaults and the overrides that fit a field's name, as one dictionary; properties by their dotted ids."""
    config = panel.get("fieldConfig", {})
    found = dict(config.get("defaults", {}))
    for key, value in (found.get("custom") or {}).items():
        found[f"custom.{key}"] = value
    for override in config.get("overrides", []):
        kind, wanted = override["matcher"]["id"], override["matcher"].get("options", "")
        fits = (kind == "byName" and wanted == name) or (
            kind == "byRegexp" and re.search(wanted.strip("/"), name) is not None)
        if fits:
            found.update({item["id"]: item.get("value") for item in override["properties"]})
    return found


def colour(name):
    return COLOURS.get(name, name if str(name).startswith("#") else COLOURS["text"])


def shown(value, options):
    """(text, colour) by mappings, else by unit and thresholds."""
    for mapping in options.get("mappings") or []:
        if mapping["type"] == "value":
            key = value if isinstance(value, str) else plain(value) if value is not None else ""
            hit = mapping["options"].get(key)
            if hit:
                return hit.get("text", key), colour(hit.get("color", "text"))
    picked = COLOURS["text"]
    if not isinstance(value, str) and value is not None:
        for step in (options.get("thresholds") or {}).get("steps", []):
            if step.get("value") is None or value >= step["value"]:
                picked = colour(step["color"])
    return formatted(value, options.get("unit", "none"), options.get("decimals")), picked


def series_colour(index, options):
    fixed = (options.get("color") or {}).get("fixedColor")
    return colour(fixed) if fixed else PALETTE[index % len(PALETTE)]


# -- panels --------------------------------------------------------------------------------------------------


def ticks(low, high, unit, decimals):
    """Some five round numbers between, none of which look alike."""
    base = 2 if unit == "bytes" else 10
    raw = max((high - low) / 4 or 1, 0 if decimals is None else 10 ** -decimals)
    power = base ** math.floor(math.log(raw, base))
    step = next(step for step in (power, 2 * power, 2.5 * power, 5 * power, 10 * power) if step >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [at * step for at in range(first, first + 8) if at * step <= high * (1 + 1e-9) + step * 1e-6]


def text_at(x, y, words, anchor="end"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="#9fa3ab" font-size="10">'
            f'{html.escape(words)}</text>')


class Frame:
    """The coordinates of a chart over [start, end]."""

    def __init__(self, width, height, start, end, left=AXIS_PX):
        self.left, self.right, self.top, self.bottom = left, width - 8, 4, height - TIMES_PX
        self.start, self.end = start, end
        self.low, self.high = 0.0, 1.0

    def x(self, moment):
        return self.left + (moment - self.start) / (self.end - self.start) * (self.right - self.left)

    def y(self, value):
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def times(self):
        step = next(s for s in (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200) if (self.end - self.start) / s <= 6)
        moments = range(int(self.start // step + 1) * step, int(self.end), step)
        form = "%H:%M:%S" if step < 60 else "%H:%M"
        return "".join(
            f'<path d="M{self.x(at):.1f} {self.top}V{self.bottom}" stroke="#25282d"/>'
            + text_at(self.x(at), self.bottom + 13, time.strftime(form, time.gmtime(at)), "middle") for at in moments)


def stacked(rows):
    """The same rows, each on top of those before it: [(name, options, [(time, bottom, top)])]."""
    sums, found = {}, []
    for name, options, points in rows:
        parts = []
        for moment, value in points:
            bottom = sums.get(moment, 0.0)
            sums[moment] = bottom + value
            parts.append((moment, bottom, bottom + value))
        found.append((name, options, parts))
    return found


def runs(parts, gap):
    """The points in pieces without a hole."""
    piece = []
    for part in parts:
        if piece and part[0] - piece[-1][0] > gap:
            yield piece
            piece = []
        piece.append(part)
    if piece:
        yield piece


def timeseries(panel, series, size, span):
    """series: [(name, [(time, value)])]."""
    width, height = size
    defaults = options_of(panel, "")
    rows = []
    for name, points in series:
        options = options_of(panel, name)
        sign = -1 if options.get("custom.transform") == "negative-Y" else 1
        rows.append((name, options, [(at, sign * value) for at, value in points if math.isfinite(value)]))
    is_stacked = (defaults.get("custom.stacking") or {}).get("mode") == "normal"
    parts = stacked(rows) if is_stacked else [(name, options, [(at, 0, value) for at, value in points])
                                              for name, options, points in rows]
    legend, legend_px = legend_of(panel, rows, height)
    frame = Frame(width, height - legend_px, *span[:2])
    values = [top for _, _, points in parts for _, _, top in points] or [0.0]
    limits = [defaults[key] for key in ("min", "max") if defaults.get(key) is not None]
    frame.low, frame.high = min(values + limits), max(values + limits)
    if frame.high == frame.low:
        frame.high = frame.low + (abs(frame.low) or 1.0)
    frame.high += (frame.high - frame.low) * 0.05
    unit, decimals = defaults.get("unit", "none"), defaults.get("decimals")
    shapes = [frame.times()]
    for value in ticks(frame.low, frame.high, unit, decimals):
        shapes.append(f'<path d="M{frame.left} {frame.y(value):.1f}H{frame.right}" stroke="#25282d"/>'
                      + text_at(frame.left - 5, frame.y(value) + 3, formatted(value, unit, decimals)))
    for index, (_, options, points) in enumerate(parts):
        shapes += curves(frame, points, series_colour(index, options), options, 3 * span[2], is_stacked)
    if (defaults.get("custom.thresholdsStyle") or {}).get("mode", "off") != "off":
        for step in (defaults.get("thresholds") or {}).get("steps", []):
            if step.get("value") is not None and frame.low <= step["value"] <= frame.high:
                shapes.append(f'<path d="M{frame.left} {frame.y(step["value"]):.1f}H{frame.right}" '
                              f'stroke="{colour(step["color"])}" stroke-dasharray="6 4"/>')
    return svg(width, height - legend_px, shapes) + legend


def curves(frame, points, stroke, options, gap, is_stacked):
    """One series: its line, and what lies below it."""
    opacity = options.get("custom.fillOpacity", 0) / 100
    for piece in runs(points, gap):
        line = "L".join(f"{frame.x(at):.1f} {frame.y(top):.1f}" for at, _, top in piece)
        zero = max(frame.low, min(0, frame.high))
        back = "L".join(f"{frame.x(at):.1f} {frame.y(bottom if is_stacked else zero):.1f}"
                        for at, bottom, _ in reversed(piece))
        if opacity:
            yield f'<path d="M{line}L{back}Z" fill="{stroke}" fill-opacity="{opacity:g}"/>'
        dot = "h1" if len(piece) == 1 else ""
        yield f'<path d="M{line}{dot}" fill="none" stroke="{stroke}" stroke-width="1.3"/>'


CALCULATED = {"mean": lambda values: sum(values) / len(values), "max": max, "min": min, "sum": sum,
              "last": lambda values: values[-1], "lastNotNull": lambda values: values[-1]}


def legend_of(panel, rows, height):
    """(HTML, its height): as many lines as a third of the panel holds."""
    legend = (panel.get("options") or {}).get("legend") or {}
    if not legend.get("showLegend", True) or not rows:
        return "", 0
    calcs = [name for name in legend.get("calcs", []) if name in CALCULATED]
    room = max(2, int(height * 0.36) // LINE_PX) - 1
    lines = ["<tr><th></th>" + "".join(f"<th>{name.replace('NotNull', '')}</th>" for name in calcs) + "</tr>"]
    for index, (name, options, points) in enumerate(rows[:room]):
        values = [abs(value) for _, value in points]
        words = [formatted(CALCULATED[calc](values), options.get("unit"), options.get("decimals")) if values else "-"
                 for calc in calcs]
        cells = "".join(f"<td>{html.escape(word)}</td>" for word in words)
        is_last_shown = index + 1 == room < len(rows)
        more = f' <span style="color:#7b8087">and {len(rows) - room} more</span>' if is_last_shown else ""
        lines.append(f'<tr><td class="t"><span style="color:{series_colour(index, options)}">━</span> '
                     f"{html.escape(name)}{more}</td>{cells}</tr>")
    return f'<div class="legend"><table>{"".join(lines)}</table></div>', len(lines) * LINE_PX + 4


def svg(width, height, shapes):
    return f'<svg width="{width}" height="{height}" style="display:block">{"".join(shapes)}</svg>'


def stat(panel, series, size, span):
    width, height = size
    options = options_of(panel, "")
    last = [points[-1][1] for _, points in series if points]
    words, tint = shown(last[0], options) if last else (str(options.get("noValue", "-")), COLOURS["text"])
    font = min(30, int(1.5 * width / max(1, len(words))))
    background = ""
    if last and (panel.get("options") or {}).get("graphMode") == "area":
        frame = Frame(width, height + TIMES_PX, *span[:2], left=0)
        frame.right = width
        values = [value for _, value in series[0][1]]
        frame.low, frame.high = min(values), max(values) * 2 - min(values) or 1
        points = [(at, 0, value) for at, value in series[0][1]]
        if frame.high > frame.low:
            background = svg(width, height, curves(frame, points, tint, {"custom.fillOpacity": 15}, 3 * span[2], False))
    return (f'<div style="position:absolute">{background}</div>'
            f'<div class="stat" style="font-size:{font}px;line-height:{height - 8}px;color:{tint};position:relative">'
            f'{html.escape(words)}</div>')


def bargauge(panel, series, size, span):
    rows = [(name, points[-1][1]) for name, points in series if points]
    most = max([value for _, value in rows] + [1e-9])
    each = min(26, (size[1] - 6) / max(1, len(rows)))
    left = min(230, size[0] // 3)
    full = size[0] - left - 90
    lines = []
    for index, (name, value) in enumerate(rows):
        words, tint = shown(value, options_of(panel, name))
        y = 3 + index * each
        bar = max(1, value / most * full)
        lines.append(text_at(left - 8, y + each / 2 + 3, name[-(left // 6):])
                     + f'<rect x="{left}" y="{y + 2:.1f}" width="{full}" height="{each - 4:.1f}" fill="#22252b"/>'
                     f'<rect x="{left}" y="{y + 2:.1f}" width="{bar:.1f}" height="{each - 4:.1f}" fill="{tint}" '
                     f'fill-opacity="0.75"/>' + text_at(size[0] - 10, y + each / 2 + 3, words))
    return svg(*size, lines) if rows else nothing()


def state_timeline(panel, series, size, span):
    frame = Frame(size[0], size[1], *span[:2], left=min(260, size[0] // 3))
    each = min(34, (frame.bottom - frame.top) / max(1, len(series)))
    shapes = [frame.times()]
    for index, (name, points) in enumerate(series):
        y = frame.top + index * each
        shapes.append(text_at(frame.left - 6, y + each / 2 + 3, name[-40:]))
        options = options_of(panel, name)
        for piece in runs(points, 3 * span[2]):
            while piece:
                same = [point for point in piece]
                length = next((at for at, point in enumerate(same) if point[1] != same[0][1]), len(same))
                begin, end = piece[0][0], piece[length][0] if length < len(piece) else piece[-1][0] + span[2]
                words, tint = shown(piece[0][1], options)
                left, right = frame.x(begin), min(frame.x(end), frame.right)
                shapes.append(f'<rect x="{left:.1f}" y="{y + 2:.1f}" width="{max(1, right - left):.1f}" '
                              f'height="{each - 4:.1f}" fill="{tint}" fill-opacity="0.8"/>')
                if right - left > 7 * len(words):
                    shapes.append(f'<text x="{left + 5:.0f}" y="{y + each / 2 + 4:.0f}" font-size="10" '
                                  f'fill="#111217">{html.escape(words)}</text>')
                piece = piece[length:]
    return svg(*size, shapes)


def table(panel, rows, size):
    """rows: [{column: value}], as merged."""
    organize = next((item["options"] for item in panel.get("transformations", []) if item["id"] == "organize"), {})
    hidden, rename = organize.get("excludeByName", {}), organize.get("renameByName", {})
    order = organize.get("indexByName", {})
    columns = {key for row in rows for key in row if not hidden.get(key)}
    columns = sorted(columns, key=lambda key: (order.get(key, len(order)), key))
    titles = [rename.get(key) or key for key in columns]
    sort = ((panel.get("options") or {}).get("sortBy") or [{}])[0]
    if sort.get("displayName") in titles:
        key = columns[titles.index(sort["displayName"])]
        rows = sorted(rows, key=lambda row: (key not in row, str(row.get(key, ""))), reverse=bool(sort.get("desc")))
    numeric = [any(isinstance(row.get(key), float) for row in rows) for key in columns]
    kinds = ["" if is_number else ' class="t"' for is_number in numeric]
    lines = ["<tr>" + "".join(f"<th{kind}>{html.escape(title)}</th>" for title, kind in zip(titles, kinds)) + "</tr>"]
    room = max(1, (size[1] - 24) // 20)
    for row in rows[:room]:
        cells = []
        for key, title, kind in zip(columns, titles, kinds):
            options = options_of(panel, title)
            words, tint = shown(row[key], options) if key in row else ("", COLOURS["text"])
            if (options.get("custom.cellOptions") or {}).get("type", "auto") == "auto":
                tint = COLOURS["text"]
            cells.append(f'<td{kind} style="color:{tint}">{html.escape(words)}</td>')
        lines.append("<tr>" + "".join(cells) + "</tr>")
    return f'<table>{"".join(lines)}</table>'


def nothing():
    return '<div class="none">No data</div>'


DRAWN = {"timeseries": timeseries, "stat": stat, "bargauge": bargauge, "state-timeline": state_timeline}


def place(grid):
    """(left, top, width, height) of a gridPos."""
    column = (WIDTH - 2 * GAP_PX) / COLUMNS
    return (GAP_PX + grid["x"] * column, 46 + grid["y"] * UNIT_PX, grid["w"] * column - GAP_PX,
            grid["h"] * UNIT_PX - GAP_PX)


def panel_html(panel, data, span):
    """data: series, or the rows of a table; empty for none."""
    left, top, width, height = place(panel["gridPos"])
    where = f"left:{left:.0f}px;top:{top:.0f}px;width:{width:.0f}px;height:{height:.0f}px"
    title = html.escape(panel.get("title", ""))
    if panel["type"] == "row":
        return f'<div class="row" style="{where}">⌄ {title}</div>'
    inner = (int(width) - 2, int(height) - TITLE_PX - 2)
    if not data and panel["type"] != "stat":
        body = nothing()
    elif panel["type"] == "table":
        body = table(panel, data, inner)
    else:
        body = DRAWN.get(panel["type"], lambda *_: nothing())(panel, data, inner, span)
    return f'<div class="panel" style="{where}"><h3>{title}</h3>{body}</div>'


def page(title, note, panels):
    """(HTML, height) of a board; panels: [(panel, data, span)]."""
    height = max(int(sum(place(panel["gridPos"])[1::2])) for panel, _, _ in panels) + GAP_PX
    body = "".join(panel_html(*row) for row in panels)
    return (f'<!DOCTYPE html><meta charset="utf-8"><style>{STYLE}body{{height:{height}px}}</style>'
            f'<div class="head"><b>{html.escape(title)}</b><i>{html.escape(note)}</i></div>{body}'), height
