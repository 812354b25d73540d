# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws the charts with matplotlib, as SVG that takes its colours and its font from the page around it."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

from .. import view
from ..series import SHADES, Lane, Period, Segment, Weeks

# A controller without it can still load the plugins and say what it lacks.
try:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = None

#: Unlikely colours stand for those of the page, which differ in light and in dark.
_COLOURS = {
    name: f"#01fe{index:02x}"
    for index, name in enumerate(
        (view.OK, view.WARN, view.BAD, *SHADES, "text", "muted", "grid", "surface", "accent")
    )
}
_STYLE: dict[Any, Any] = {
    # The same input gives the same bytes.
    "svg.hashsalt": "mas.ops",
    # Text stays text: small, readable aloud, and in the font of the page.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    # A dollar sign in a name is a dollar sign.
    "text.parse_math": False,
    "font.size": 10.5,
    "hatch.linewidth": 1.5,
    "axes.edgecolor": _COLOURS["grid"],
    "axes.labelcolor": _COLOURS["muted"],
    "text.color": _COLOURS["text"],
    "xtick.color": _COLOURS["grid"],
    "ytick.color": _COLOURS["grid"],
    "xtick.labelcolor": _COLOURS["muted"],
    "ytick.labelcolor": _COLOURS["text"],
    "timezone": "UTC",
}
_NO_METADATA: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
#: Inches; a unit of the drawing is 1/72 of one.
_WIDTH = 13.0
_LANE = 0.42
#: A character of a label takes about this share of the width of the lanes.
_CHARACTER = 0.0085
#: Characters of the longest label.
_LABEL = 36


class Charts:
    """Draws the charts of the page with matplotlib."""

    def lanes(
        self, key: str, summary: str, lanes: Sequence[Lane], period: Period, *, newest_last: bool
    ) -> str:
        """Time from left to right, a lane for each subject. Its label is beside what a narrow screen shows first."""
        with _figure(_WIDTH, 0.75 + _LANE * len(lanes)) as (figure, axes):
            for row, lane in enumerate(lanes):
                for segment in lane.segments:
                    _segment(axes, row, segment, period)
                if lane.marks:
                    places = [date2num(mark) for mark in lane.marks]
                    axes.plot(
                        places,
                        [row - 0.36] * len(places),
                        "X",
                        color=_COLOURS[view.BAD],
                        markeredgecolor=_COLOURS["surface"],
                        markersize=8,
                        clip_on=False,
                        zorder=4,
                    )
            axes.set_yticks(range(len(lanes)), [_label(lane.label) for lane in lanes])
            axes.set_ylim(len(lanes) - 0.5, -0.5)
            if newest_last:
                axes.yaxis.tick_right()
            _time_axis(axes, period)
            return _svg(figure, key, summary)

    def bars(self, key: str, summary: str, weeks: Weeks) -> str:
        """What held, and what failed hatched on top."""
        with _figure(_WIDTH, 2.6) as (figure, axes):
            places = range(len(weeks.labels))
            axes.bar(places, weeks.good, width=0.62, color=_COLOURS[view.OK])
            axes.bar(places, weeks.failed, bottom=weeks.good, width=0.62, **_hatched())
            for place, good, failed in zip(places, weeks.good, weeks.failed, strict=True):
                if good + failed:
                    label = f"{good + failed}" + (f" ({failed} ✗)" if failed else "")
                    axes.annotate(
                        label, (place, good + failed), (0, 4), textcoords="offset points", ha="center"
                    )
            axes.set_xticks(places, weeks.labels)
            axes.set_xlim(-0.6, max(len(weeks.labels), 1) - 0.4)
            axes.set_ylim(0, max(map(sum, zip(weeks.good, weeks.failed, strict=True)), default=1) * 1.2 or 1)
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.tick_params(axis="y", labelcolor=_COLOURS["muted"])
            axes.grid(axis="y", color=_COLOURS["grid"], linewidth=0.7)
            return _svg(figure, key, summary)

    def spark(self, key: str, summary: str, values: Sequence[float | None], bars: bool) -> str:
        """A small course by week, without axes; weeks without data are gaps."""
        with _figure(2.4, 0.5, bare=True) as (figure, axes):
            known = [(place, value) for place, value in enumerate(values) if value is not None]
            places, heights = [place for place, dummy in known], [value for dummy, value in known]
            if bars:
                axes.bar(places, heights, width=0.7, color=_COLOURS["accent"])
            else:
                # Not a number breaks the line: between two weeks without data nothing is known.
                line = [float("nan") if value is None else value for value in values]
                axes.plot(range(len(line)), line, color=_COLOURS["accent"], linewidth=1.8)
                axes.plot(places, heights, "o", color=_COLOURS["accent"], markersize=4.5)
            top = max(heights, default=0) or 1
            axes.axhline(0, color=_COLOURS["grid"], linewidth=0.8, zorder=0)
            axes.set_ylim(-0.12 * top, 1.15 * top)
            axes.set_xlim(-0.6, max(len(values), 1) - 0.4)
            axes.set_axis_off()
            return _svg(figure, key, summary)


@contextmanager
def _figure(width: float, height: float, bare: bool = False) -> Iterator[tuple[Any, Any]]:
    # Bare figures: pyplot would keep each one, and choose a backend by what is installed. The user's own style
    # must not change the page, and a glyph that matplotlib has no font for, the browser has.
    with mpl.rc_context(), warnings.catch_warnings(action="ignore"):
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        # Room for labels is only reckoned where there are any: it costs more than the drawing.
        figure = Figure(figsize=(width, height), layout=None if bare else "constrained")
        axes = figure.add_axes((0, 0, 1, 1)) if bare else figure.add_subplot()
        figure.patch.set_visible(False)
        axes.patch.set_visible(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        yield figure, axes


def _label(text: str) -> str:
    """Short enough to leave room for the chart, and nothing that cannot be measured."""
    text = text.encode("utf-8", errors="replace").decode()
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…"


def _hatched() -> dict[str, Any]:
    """How failures are drawn: with a pattern, because not all readers see colours."""
    return {"color": _COLOURS[view.BAD], "hatch": "///", "edgecolor": _COLOURS["surface"], "linewidth": 0}


def _segment(axes: Any, row: int, segment: Segment, period: Period) -> None:
    begin, end = date2num(segment.begin), date2num(segment.end)
    whole = date2num(period.end) - date2num(period.start)
    # What is shorter than a hair would not be seen at all.
    width = max(end - begin, whole * 0.003)
    look = (
        _hatched()
        if segment.tone == view.BAD
        else {"color": _COLOURS[segment.tone], "edgecolor": _COLOURS["surface"], "linewidth": 1}
    )
    axes.barh(row, width, left=begin, height=0.62, zorder=3 if segment.tone == view.BAD else 2, **look)
    if segment.tone in SHADES and (len(segment.label) + 0.5) * _CHARACTER < width / whole:
        axes.text(
            begin + width / 2,
            row,
            _label(segment.label),
            ha="center",
            va="center_baseline",
            color=_COLOURS["surface"],
            zorder=5,
        )


def _time_axis(axes: Any, period: Period) -> None:
    axes.set_xlim(date2num(period.start), date2num(period.end))
    zone = period.start.tzinfo
    locator = AutoDateLocator(tz=zone, minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone, show_offset=False))
    axes.set_xlabel(str(zone), loc="right")
    axes.grid(axis="x", color=_COLOURS["grid"], linewidth=0.7)
    axes.set_axisbelow(True)


def _svg(figure: Any, key: str, summary: str) -> str:
    """The drawing as a part of a page.

    Names inside it get ``key`` in front, because a page has one space of names; sizes, fonts and colours
    are left to the page.
    """
    stream = io.StringIO()
    FigureCanvasSVG(figure).print_svg(stream, metadata=_NO_METADATA)
    text = stream.getvalue()
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups()  # type: ignore[union-attr]
    inner = text[text.index("</defs>") + len("</defs>") : text.rindex("</svg>")]
    inner = re.sub(r'<g id="[^"]*"', "<g", inner)
    inner = re.sub(r'\bid="', f'id="{key}-', inner)
    inner = re.sub(r"url\(#", f"url(#{key}-", inner)
    inner = re.sub(r'xlink:href="#', f'href="#{key}-', inner)
    inner = re.sub(r' font-family: [^;"]*;?', "", inner)
    inner = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", inner)
    inner = re.sub(r'fill="(#[0-9a-f]{6})"', r'style="fill: \1"', inner)
    for name, colour in _COLOURS.items():
        inner = inner.replace(colour, f"var(--{name})")
    inner = re.sub(r"\s*\n\s*", " ", inner)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(summary)}">{inner.strip()}</svg>'
    )
