#!/usr/bin/env python3
"""Look at a page in a real browser that has no network.

    browser.py PAGE.html PICTURE.png [--dark] [--width 390]

Whatever the page asks for is written down: `Look.requests` is what it would have fetched.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
#: Nothing of the user's, and as little as possible of its own.
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)
#: What Blink calls the colour schemes that a user prefers.
DARK, LIGHT = 0, 1
#: A browser asks for updates of itself; these requests have no page behind them.
OWN = "not an origin"
SECONDS = 120


@dataclass(frozen=True)
class Look:
    """:param dom: the document after everything was loaded, as HTML
    :param requests: the addresses that the page asked for, except itself
    """

    dom: str
    requests: tuple[str, ...]


def program() -> str:
    """:raises FileNotFoundError: there is no browser, and how to get one"""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("no browser is there; install one with: tests/bed/prepare --with browser")


def look(page: Path) -> Look:
    """The page as the browser understood it."""
    with tempfile.TemporaryDirectory(prefix="mas-browser-") as folder:
        log = Path(folder, "net.json")
        done = _run(Path(folder), page, f"--log-net-log={log}", "--dump-dom")
        return Look(done, requests(log.read_text("utf-8")))


def picture(page: Path, path: Path, *, width: int = 1280, height: int = 2000, dark: bool = False) -> None:
    """What a user sees, as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scheme = DARK if dark else LIGHT
    with tempfile.TemporaryDirectory(prefix="mas-browser-") as folder:
        size = f"--window-size={width},{height}"
        _run(
            Path(folder),
            page,
            size,
            f"--blink-settings=preferredColorScheme={scheme}",
            f"--screenshot={path}",
        )
    if not path.is_file():
        raise RuntimeError(f"the browser made no picture of {page}")


def requests(log: str) -> tuple[str, ...]:
    """What a page asked for, from a log of the network in Chromium's format."""
    log_data = json.loads(log)
    start = log_data["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    asked = [event["params"] for event in log_data["events"] if event["type"] == start and "params" in event]
    return tuple(each["url"] for each in asked if "url" in each and each.get("initiator", OWN) != OWN)


def _run(folder: Path, page: Path, *options: str) -> str:
    # A network of its own, without any link: nothing can be loaded, and nothing can be sent.
    alone = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user", "--net")
    command = [*alone, program(), *OPTIONS, f"--user-data-dir={folder / 'profile'}", *options]
    done = subprocess.run(
        [*command, page.resolve().as_uri()],
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=2000)
    given = parser.parse_args()
    picture(given.page, given.picture, width=given.width, height=given.height, dark=given.dark)
    print("\n".join(look(given.page).requests) or "the page asked for nothing")


if __name__ == "__main__":
    main()
