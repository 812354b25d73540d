# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the page, with all text formatted: the template only loops over them."""

from __future__ import annotations

from dataclasses import dataclass

#: How something is. Each tone has a sign of its own, so that colours need not be seen.
OK = "ok"
WARN = "warn"
BAD = "bad"
PLAIN = "plain"
#: Columns whose cells are moments.
_TIMES = frozenset({"Time", "Since", "From", "Until", "Last entry"})
#: Columns that hold names of one word.
_SHORT = frozenset({"Release", "Change", "Application", "By"})
#: How many rows of a table are visible at once.
VISIBLE_ROWS = 25
SIGNS = {OK: "✓", WARN: "!", BAD: "✗", PLAIN: ""}


@dataclass(frozen=True)
class Cell:
    """One cell of a table. ``note`` is a second, smaller line; ``code`` is a command to copy."""

    text: str
    tone: str = PLAIN
    note: str = ""
    code: str = ""

    @property
    def sign(self) -> str:
        return SIGNS[self.tone]


Row = tuple[Cell, ...]
#: Each cell with the name and the kind of its column.
Line = tuple[tuple[str, str, Cell], ...]


@dataclass(frozen=True)
class Table:
    """``numbers`` are the columns that hold numbers; ``more`` says what was left out."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    empty: str = ""
    more: str = ""
    numbers: frozenset[int] = frozenset()

    @property
    def header(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, self.kind(index)) for index, name in enumerate(self.columns))

    @property
    def first(self) -> tuple[Line, ...]:
        """The rows that are visible at once."""
        return tuple(map(self._line, self.rows[:VISIBLE_ROWS]))

    @property
    def rest(self) -> tuple[Line, ...]:
        """The rows that a reader has to open."""
        return tuple(map(self._line, self.rows[VISIBLE_ROWS:]))

    def _line(self, row: Row) -> Line:
        return tuple((*self.header[index], cell) for index, cell in enumerate(row))

    def kind(self, index: int) -> str:
        if self.columns[index] in _TIMES:
            return "time"
        if self.columns[index] in _SHORT:
            return "short"
        return "number" if index in self.numbers else "text"


@dataclass(frozen=True)
class Card:
    """One answer at the top of the page. ``items`` are lines of detail."""

    label: str
    value: str
    tone: str = PLAIN
    items: tuple[str, ...] = ()
    target: str = ""

    @property
    def sign(self) -> str:
        return SIGNS[self.tone]


@dataclass(frozen=True)
class Chart:
    """A drawing, what it says in one sentence, and its numbers.

    :param wide: scrolls on a narrow screen
    :param newest_last: its newest part is at the right, and a narrow screen shows that first
    """

    key: str
    title: str
    summary: str
    svg: str
    table: Table
    keys: tuple[tuple[str, str], ...] = ()
    wide: bool = False
    newest_last: bool = False


@dataclass(frozen=True)
class Tile:
    """One measure: the number, what it is made of, and its chart by week."""

    name: str
    value: str
    detail: str
    chart: Chart
    tone: str = PLAIN

    @property
    def sign(self) -> str:
        return SIGNS[self.tone]


@dataclass(frozen=True)
class MeasureGroup:
    """The measures of one application in one environment."""

    title: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    intro: str = ""
    charts: tuple[Chart, ...] = ()
    measures: tuple[MeasureGroup, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Page:
    title: str
    subtitle: str
    cards: tuple[Card, ...] = ()
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()
