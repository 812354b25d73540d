"""A terminal of the size that is wanted, as far as the callback uses one."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Terminal:
    """What a person sees, and what scrolled out above it."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.lines = [""]
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        for number, command, back, down, plain in _TOKEN.findall(text):
            if command == "A":
                top = max(0, len(self.lines) - self.height)
                self._row = max(top, self._row - int(number or 1))
            elif command == "J":
                self.lines[self._row] = self.lines[self._row][: self._column]
                del self.lines[self._row + 1 :]
            elif command == "K":
                assert number == "2"
                self.lines[self._row] = ""
            elif command:
                assert command == "m", f"a sequence that is not known here: {command}"
            elif back:
                self._column = 0
            elif down:
                self._down()
            else:
                self._put(plain)

    def _down(self) -> None:
        self._row, self._column = self._row + 1, 0
        self.lines += [""] * (self._row + 1 - len(self.lines))

    def _put(self, text: str) -> None:
        """Write over what is there; a line that is too long goes on in the next one."""
        while text:
            part, text = text[: self.width - self._column], text[self.width - self._column :]
            line = self.lines[self._row].ljust(self._column)
            self.lines[self._row] = line[: self._column] + part + line[self._column + len(part) :]
            self._column += len(part)
            if text:
                self._down()

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines).rstrip()
