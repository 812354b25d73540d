# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A calendar as a picture, drawn with matplotlib; the same input makes the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..days import Bar, bars, days_between, format_hosts
from ..model import Kind, Span

# A controller without it can still load the plugins and say what it lacks.
try:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch, Rectangle
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = None

_OPEN, _WINDOW, _FREEZE, _NOW, _INK, _GRID = "#2e9e5b", "#cdebd8", "#c62828", "#1f4e9e", "#263238", "#d5dbdf"
#: See-through, so that a window below it can be seen.
_PALE = (0.95, 0.6, 0.6, 0.22)
_WIDTH, _ROW, _HEAD, _FOOT = 11.0, 0.34, 0.95, 0.75
#: How many panels a reader can take in; the rest is counted below.
MOST = 8


@dataclass(frozen=True)
class Panel:
    """One group of hosts, with its windows and its state."""

    hosts: tuple[str, ...]
    spans: tuple[Span, ...]
    open: tuple[Span, ...]
    frozen: bool = False
    is_open: bool = True


@dataclass(frozen=True)
class Chart:
    """A calendar from ``at`` to ``end`` in the days of ``zone``."""

    panels: tuple[Panel, ...]
    at: datetime
    end: datetime
    zone: str
    title: str


def picture(chart: Chart, file_format: str) -> bytes:
    """:param file_format: ``svg`` or ``png``"""
    settings: Any = {
        "svg.hashsalt": "mas.ops",
        "svg.fonttype": "path",
        "font.family": ["DejaVu Sans"],
        "hatch.linewidth": 0.8,
    }
    with mpl.rc_context(settings):
        figure = _figure(chart)
        stream = io.BytesIO()
        if file_format == "svg":
            FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None, "Creator": "mas.ops"})
        else:
            figure.set_dpi(130)
            FigureCanvasAgg(figure).print_png(stream, metadata={"Software": "mas.ops"})
    return stream.getvalue()


def _figure(chart: Chart) -> Figure:
    zone = ZoneInfo(chart.zone)
    days = days_between(chart.at, chart.end, zone)
    panels = chart.panels[:MOST]
    panel_height = _ROW * len(days) + _HEAD
    height = max(1, len(panels)) * panel_height + _FOOT + 0.75
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    figure.text(0.02, 1 - 0.32 / height, chart.title, size=15, weight="bold", color=_INK, va="center")
    subtitle = f"{chart.at.astimezone(zone):%A %d %B %Y, %H:%M}, all times in {chart.zone}"
    figure.text(0.02, 1 - 0.62 / height, subtitle, size=9, color=_INK, va="center")
    for number, panel in enumerate(panels):
        bottom = height - 0.75 - (number + 1) * panel_height + 0.2
        axes = figure.add_axes((0.115, bottom / height, 0.865, _ROW * len(days) / height))
        _panel(axes, panel, chart, days, zone)
    _legend(figure, height, len(chart.panels) - len(panels))
    return figure


def _panel(axes: Any, panel: Panel, chart: Chart, days: list[date], zone: ZoneInfo) -> None:
    rows = {day: len(days) - 1 - number for number, day in enumerate(days)}
    _frame(axes, days)
    what = "frozen" if panel.frozen else "open" if panel.is_open else "closed"
    color = _FREEZE if panel.frozen else _OPEN if panel.is_open else "#78868d"
    axes.text(
        0, len(days) + 0.72, format_hosts(panel.hosts, 4), size=10.5, weight="bold", color=_INK, va="center"
    )
    axes.text(
        24, len(days) + 0.72, f"now {what}", size=10, weight="bold", color=color, va="center", ha="right"
    )
    # Days of another zone, or of a longer range, may lie before the first row and after the last.
    drawn = [piece for piece in bars(panel.spans, zone) if piece.day in rows]
    windows = [piece for piece in drawn if piece.span.kind is Kind.WINDOW]
    freezes = [piece for piece in drawn if piece.span.kind is Kind.FREEZE]
    for piece in windows:
        axes.add_patch(_box(piece, rows, facecolor=_WINDOW, edgecolor=_OPEN, linewidth=0.7, zorder=2))
    for piece in (piece for piece in bars(panel.open, zone) if piece.day in rows):
        axes.add_patch(_box(piece, rows, facecolor=_OPEN, edgecolor="white", linewidth=0.6, zorder=3))
        _name(axes, piece, rows, "white")
    for piece in freezes:
        axes.add_patch(
            _box(piece, rows, facecolor=_PALE, edgecolor=_FREEZE, linewidth=0.7, hatch="////", zorder=4)
        )
        _name(axes, piece, rows, _FREEZE)
    _now(axes, chart.at.astimezone(zone), rows)


def _frame(axes: Any, days: list[date]) -> None:
    axes.set_xlim(0, 24)
    axes.set_ylim(0, len(days))
    axes.set_xticks(range(0, 25, 3), [f"{hour:02}:00" for hour in range(0, 25, 3)], size=8, color=_INK)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=3)
    axes.set_yticks(
        [len(days) - 0.5 - number for number in range(len(days))],
        [f"{day:%a %d %b}" for day in days],
        size=8.5,
    )
    for label, day in zip(axes.get_yticklabels(), days, strict=True):
        label.set_color("#78868d" if day.weekday() >= 5 else _INK)
    for number, day in enumerate(days):
        if day.weekday() >= 5:
            axes.axhspan(len(days) - 1 - number, len(days) - number, color="#f3f5f6", zorder=0)
    for line in range(len(days) + 1):
        axes.axhline(line, color=_GRID, linewidth=0.6, zorder=1)
    for hour in range(0, 25, 3):
        axes.axvline(hour, color=_GRID, linewidth=0.6, zorder=1)
    for side in axes.spines.values():
        side.set_color(_GRID)


def _box(piece: Bar, rows: dict[date, int], **style: Any) -> Any:
    return Rectangle((piece.begin, rows[piece.day] + 0.1), piece.end - piece.begin, 0.8, **style)


def _name(axes: Any, piece: Bar, rows: dict[date, int], color: str) -> None:
    """As much of the name as fits: a letter is about an eighth of an hour wide."""
    room = int((piece.end - piece.begin) * 4.6)
    text = piece.span.name if len(piece.span.name) <= room else f"{piece.span.name[: room - 1]}…"
    if room < 4 or not text:
        return
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2} if color == _FREEZE else None
    middle = (piece.begin + piece.end) / 2
    axes.text(
        middle,
        rows[piece.day] + 0.48,
        text,
        size=7.5,
        color=color,
        ha="center",
        va="center",
        zorder=5,
        bbox=box,
    )


def _now(axes: Any, at: datetime, rows: dict[date, int]) -> None:
    hour, row = at.hour + at.minute / 60, rows[at.date()]
    axes.plot(
        [hour, hour],
        [row, row + 1],
        color=_NOW,
        linewidth=2.2,
        zorder=6,
        solid_capstyle="butt",
        clip_on=False,
    )
    axes.plot([hour], [row + 1], marker="v", markersize=6, color=_NOW, zorder=7, clip_on=False)


def _legend(figure: Figure, height: float, left_out: int) -> None:
    handles = [
        Patch(facecolor=_OPEN, label="open: change is allowed"),
        Patch(facecolor=_WINDOW, edgecolor=_OPEN, label="window, but frozen"),
        Patch(facecolor=_PALE, edgecolor=_FREEZE, hatch="////", label="freeze"),
        Line2D([], [], color=_NOW, marker="v", markersize=6, linewidth=2, label="now"),
    ]
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.1, 0.1 / height),
        ncol=4,
        fontsize=8.5,
        frameon=False,
    )
    if left_out:
        figure.text(
            0.98, 0.25 / height, f"and {left_out} more groups of hosts", size=8.5, color=_INK, ha="right"
        )


def panel_of(group: Any) -> Panel:
    """From a group as ``windows_info`` returns it."""
    return Panel(
        hosts=tuple(str(name) for name in group["hosts"]),
        spans=_spans(group["spans"]),
        open=_spans(group["open"]),
        frozen=bool(group["state"]["frozen"]),
        is_open=bool(group["state"]["open"]),
    )


def _spans(items: Sequence[Any]) -> tuple[Span, ...]:
    return tuple(
        Span(
            begin=datetime.fromisoformat(str(item["begin"])),
            end=datetime.fromisoformat(str(item["end"])),
            name=str(item["name"]),
            kind=Kind(str(item["kind"])),
            reason=str(item["reason"]),
            owner=str(item["owner"]),
        )
        for item in items
    )
