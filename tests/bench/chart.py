"""A chart of a run as SVG: a panel of bars per work, medians with a line from the least to the greatest, and one of the sums of TPC-H."""
from __future__ import annotations

import html
import statistics

COLORS = {"connector": "#1f6feb", "connector-3.5": "#6ea8fe", "jdbc": "#d97706", "jdbc-catalog": "#f5b761", "tispark": "#7c3aed", "tidb": "#64748b", "load-data": "#64748b", "drain": "#94a3b8",
          "native": "#38bdf8", "floor": "#94a3b8"}
PANELS = ("scan-16", "scan-4", "scan-strings", "scan-decimals", "scan-dates", "count", "q1", "q6", "point", "index-few", "index-1", "index-10", "join-filter",
          "append-orders", "append-lineitem", "upsert-10", "update-10", "delete-10")
WIDTH, COLUMNS, BAR, LABEL, VALUE, GAP = 1000, 2, 16, 120, 60, 34


def _color(who: str) -> str:
    return COLORS.get(who) or COLORS.get(who.rpartition("-")[0], "#111827")


def _panels(results: dict) -> list[tuple[str, list[tuple[str, float, float, float]]]]:
    """Title, and by contender median, least and greatest."""
    panels = []
    for name in PANELS:
        bars = [(who, statistics.median(series["seconds"]), min(series["seconds"]), max(series["seconds"]))
                for who, series in results.get(name, {}).get("contenders", {}).items() if series["seconds"]]
        if bars:
            panels.append((results[name]["title"], bars))
    works = [result for result in results.values() if result["group"] == "tpch" and result["contenders"]]
    if works:
        bars = []
        for who in works[0]["contenders"]:
            each = [work["contenders"].get(who, {}).get("seconds") for work in works]
            if all(each):
                bars.append((who, *(sum(map(function, each)) for function in (statistics.median, min, max))))
        panels.append((f"TPC-H, sum of {len(works)} queries", bars))
    return panels


def svg(run: dict) -> str:
    """The whole picture. Every panel has a scale of its own, from 0."""
    panels = _panels(run["results"])
    column = WIDTH // COLUMNS
    heights, shapes = [0] * COLUMNS, []
    for title, bars in panels:
        place = heights.index(min(heights))
        x, y = place * column + 10, heights[place] + 50
        shapes.append(f'<text x="{x}" y="{y}" font-weight="bold">{html.escape(title)}</text>')
        room = column - LABEL - VALUE - 30
        scale = room / max((bar[3] for bar in bars), default=1)
        for number, (who, middle, least, greatest) in enumerate(bars):
            top = y + 8 + number * (BAR + 4)
            begin, centre = x + LABEL, top + BAR / 2
            shapes += [f'<text x="{begin - 6}" y="{top + 12}" text-anchor="end">{html.escape(who)}</text>',
                       f'<rect x="{begin}" y="{top}" width="{max(1.0, middle * scale):.1f}" height="{BAR}" fill="{_color(who)}"/>',
                       f'<line x1="{begin + least * scale:.1f}" x2="{begin + greatest * scale:.1f}" y1="{centre}" y2="{centre}" stroke="#111827"/>',
                       f'<text x="{begin + greatest * scale + 6:.1f}" y="{top + 12}">{middle:.3g} s</text>']
        heights[place] += 8 + len(bars) * (BAR + 4) + GAP
    settings, machine = run["settings"], run["machine"]
    caption = (f"TPC-H scale {settings['scale']}, {machine['cores']} cores with the cluster on them, {run['date'][:10]}, commit {run['versions']['commit']}; "
               "median seconds, lines from the least to the greatest")
    height = max(heights) + 60
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="white"/><text x="10" y="20">{html.escape(caption)}</text>' + "".join(shapes) + "</svg>\n")
