"""A page of the documentation as a program: what it shows as files is written, its commands run, their outputs are compared.

A fenced block counts by what it is:

* ``sh``: commands;
* any other after a line that is one name in backticks with a colon: a file of that name;
* ``text`` after commands: lines that their output has, in any order; ``…`` is any text.

Any other block is an error, so that none is left out in silence.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

_NAMED = re.compile(r"`([^`\s]+)`:")


class PageError(Exception):
    """The page is not one that can be run, or did not do what it says."""


@dataclass(frozen=True)
class File:
    name: str
    content: str


@dataclass(frozen=True)
class Output:
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Commands:
    line: int
    script: str
    output: Output | None = None


@dataclass
class Result:
    """What a page did: its outputs, and the seconds from the start to the end of each block of commands."""

    outputs: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def parse(text: str) -> list[File | Commands]:
    """The steps of a page.

    :raises PageError: a block is none of those that count, or there are no commands
    """
    steps: list[File | Commands] = []
    for block in blocks(text):
        if isinstance(block, Output):
            last = steps[-1] if steps else None
            if not isinstance(last, Commands) or last.output:
                raise PageError(f"an output without commands before it: {block.lines}")
            steps[-1] = Commands(last.line, last.script, block)
        else:
            steps.append(block)
    if not any(isinstance(step, Commands) for step in steps):
        raise PageError("the page has no commands")
    return steps


def blocks(text: str) -> Iterator[File | Commands | Output]:
    tokens = MarkdownIt("commonmark").parse(text)
    for at, token in enumerate(tokens):
        if token.type == "code_block":
            raise PageError(f"line {_line(token)}: a block by indentation; use a fence")
        if token.type == "fence":
            yield _block(token, _name_before(tokens, at))


def _block(token: Token, name: str) -> File | Commands | Output:
    if name:
        return File(name, token.content)
    if token.info == "sh":
        return Commands(_line(token), token.content)
    if token.info == "text":
        return Output(tuple(token.content.splitlines()))
    raise PageError(f"line {_line(token)}: a block of {token.info or 'nothing'} without a name of a file")


def _name_before(tokens: list[Token], at: int) -> str:
    if at < 2 or tokens[at - 1].type != "paragraph_close":
        return ""
    named = _NAMED.fullmatch(tokens[at - 2].content)
    return named[1] if named else ""


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0


def run(text: str, folder: Path, environment: Mapping[str, str], limit: float = 600) -> Result:
    """Do what a page says, in one shell, in a folder.

    :param limit: seconds that a block of commands may take
    :raises PageError: a command failed or takes too long, or its output lacks a line
    """
    result, begin = Result(), time.monotonic()
    shell = Shell(folder, environment, limit)
    for step in parse(text):
        if isinstance(step, File):
            path = folder / step.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.content, "utf-8")
            continue
        output = shell.run(step)
        lacking = missing(step.output, output)
        if lacking:
            raise PageError(f"line {step.line}: {lacking!r} is not in the output of\n{step.script}\n{output}")
        result.outputs.append(output)
        result.seconds.append(time.monotonic() - begin)
        # Shown by pytest when a later block fails.
        print(f"{result.seconds[-1]:6.1f} s: line {step.line}")
    return result


@dataclass(frozen=True)
class Shell:
    """What one block of commands leaves to the next one: the folder and the variables."""

    folder: Path
    environment: Mapping[str, str]
    limit: float

    def run(self, step: Commands) -> str:
        kept = self.folder.parent / "shell-state"
        before = f". {shlex.quote(str(kept))}\n" if kept.exists() else ""
        after = f"\n{{ declare -x; printf 'cd %q\\n' \"$PWD\"; }} > {shlex.quote(str(kept))}\n"
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", before + step.script + after],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=self.limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            raise PageError(
                f"line {step.line}: no end after {self.limit:.0f} s of\n{step.script}\n{output}"
            ) from None
        if process.returncode:
            raise PageError(f"line {step.line}: status {process.returncode} of\n{step.script}\n{output}")
        return output


def missing(output: Output | None, text: str) -> str:
    """The first line of an output that a text lacks; empty if it has all of them. Hosts answer in any order."""
    lines = [line.strip() for line in text.splitlines()]
    for wanted in output.lines if output else ():
        pattern = re.compile(r".*".join(map(re.escape, wanted.strip().split("…"))))
        found = next((line for line in lines if pattern.fullmatch(line)), None)
        if found is None:
            return wanted
        lines.remove(found)
    return ""
