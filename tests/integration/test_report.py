"""The report as people see it: in a real browser, without a network, in light, in dark and on a phone."""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import browser
import pytest
from ansible_collections.mas.ops.plugins.plugin_utils.report.adapters.build import Request, build
from ansible_collections.mas.ops.tests.unit.report import samples

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / ".cache/report"
CONTROL = (
    '<html><body><img src="http://evil.example/x.png"><p style="background: url(//evil.example/y)">a</p>'
)


@pytest.fixture(scope="module")
def page() -> Path:
    path = PICTURES / "report.html"
    request = Request(
        ledgers=samples.ledgers(),
        window_states=samples.window_states(),
        window_calendars=samples.window_calendars(),
        path=path,
        archive=None,
        application="",
        title="Changes of the example",
        at=samples.AT,
        days=90,
        now=samples.NOW,
        zone="UTC",
    )
    build(request, check_mode=False)
    return path


@pytest.fixture(scope="module")
def seen(page: Path) -> browser.Look:
    return browser.look(page)


class Text(HTMLParser):
    """What is to be read, and which elements there are."""

    def __init__(self, dom: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.feed(dom)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_the_browser_would_have_reported_requests(tmp_path: Path) -> None:
    """What follows proves something only if a page that does ask is caught."""
    bad = tmp_path / "bad.html"
    bad.write_text(CONTROL)
    assert any("evil.example" in url for url in browser.look(bad).requests)


def test_the_page_asks_for_nothing(seen: browser.Look) -> None:
    assert not seen.requests


def test_the_page_names_nothing_outside(seen: browser.Look) -> None:
    found = Text(seen.dom)
    assert found.elements["script"] == found.elements["link"] == found.elements["img"] == 0
    for name, value in found.attributes:
        if name in ("href", "src", "xlink:href", "action", "srcset", "poster", "data"):
            assert value.startswith("#"), (name, value)
        assert not name.startswith("on"), (name, value)
    styles = " ".join(value for name, value in found.attributes if name == "style")
    sheets = " ".join(re.findall(r"<style>(.*?)</style>", seen.dom, re.DOTALL))
    assert "@import" not in sheets
    assert "@font-face" not in sheets
    for target in re.findall(r"url\(([^)]*)\)", styles + sheets + seen.dom):
        assert target.strip("\"'").replace("&quot;", "").startswith("#"), target


@pytest.mark.parametrize(
    "words",
    [
        # the strip
        "9.0.0 went live",
        "7 of 7 intact",
        "7 of 8 answered",
        "Open on 3 of 7 hosts",
        "Restore passed",
        # measures
        "agents in production",
        "Change failure rate",
        "deployments",
        # a table's line
        "ansible-playbook mas.ops.rollback -e application_name=agents -e rollback_version=1.9.0",
        "web5",
        "connection timed out",
        # charts
        "Which release was served when",
        "black friday",
    ],
)
def test_the_page_says(seen: browser.Look, words: str) -> None:
    assert words in Text(seen.dom).text


def test_numbers_are_those_of_the_ledgers(page: Path, seen: browser.Look) -> None:
    found = Text(seen.dom)
    drawn = [value for name, value in found.attributes if name == "aria-label"]
    assert found.elements["svg"] >= 6
    assert any(re.fullmatch(r"\d+ changes in 90 days, \d+ of them failed\.", label) for label in drawn)
    assert page.stat().st_size < 5_000_000


def test_an_attack_is_shown_as_text(seen: browser.Look) -> None:
    assert samples.ATTACK in Text(seen.dom).text
    assert "<script" not in seen.dom


def test_everything_has_a_name(seen: browser.Look) -> None:
    """What a screen reader goes by: one heading of the first rank, captions, labels, names used once."""
    found = Text(seen.dom)
    assert found.elements["h1"] == 1
    assert found.elements["table"] == found.elements["caption"] > 10
    assert seen.dom.count('role="img"') == found.elements["svg"] == seen.dom.count('role="img" aria-label="')
    names = Counter(value for name, value in found.attributes if name == "id")
    assert not [name for name, times in names.items() if times > 1]
    targets = {value for name, value in found.attributes if name == "href"}
    assert {target[1:] for target in targets} <= set(names)


@pytest.mark.parametrize(
    "name, width, dark",
    [("light", 1280, False), ("dark", 1280, True), ("phone", 390, False), ("phone-dark", 390, True)],
)
def test_pictures(page: Path, name: str, width: int, dark: bool) -> None:
    path = PICTURES / f"{name}.png"
    path.unlink(missing_ok=True)
    browser.picture(page, path, width=width, height=3200, dark=dark)
    wide, corner = _corner(path)
    assert wide == width
    assert (sum(corner) < 3 * 64) is dark, corner


#: What of a chart is seen before it is scrolled: how far it is scrolled, how much is seen, and how wide it is.
PROBE = """<script>
for (const chart of document.querySelectorAll(".wide")) {
  const inner = chart.firstElementChild.getBoundingClientRect(), outer = chart.getBoundingClientRect();
  const numbers = [outer.left - inner.left, outer.width, inner.width].map(Math.round);
  chart.parentElement.dataset.seen = numbers.join(" ");
}
</script>"""


@pytest.mark.parametrize("width", [390, 1400])
def test_the_newest_part_of_a_chart_is_seen_first(page: Path, tmp_path: Path, width: int) -> None:
    """The page has no scripts; a copy of it measures itself."""
    text = re.sub(r"<meta http-equiv=[^>]*>", "", page.read_text("utf-8"))
    copy = tmp_path / "measured.html"
    copy.write_text(text.replace("</body>", f"{PROBE}</body>"), "utf-8")
    dom = browser.look(copy, width=width).dom
    found = re.findall(r'id="chart-(\w+)" data-seen="(-?\d+) (\d+) (\d+)"', dom)
    seen = {key: tuple(map(int, numbers)) for key, *numbers in found}
    assert set(seen) == {"releases", "weeks", "windows"}
    for key, (left, visible, whole) in seen.items():
        assert (whole > visible) is (width < 500), key
        # Of windows, which are ahead, the beginning is first.
        assert left == (0 if key == "windows" else whole - visible), key


def _corner(path: Path) -> tuple[int, tuple[int, ...]]:
    """The width of a PNG, and the colour of its first dot. In a first line no filter changes the first dot."""
    data = path.read_bytes()
    width, _height, depth, _colours = struct.unpack(">IIBB", data[16:26])
    assert depth == 8
    chunks, place = b"", 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        if data[place + 4 : place + 8] == b"IDAT":
            chunks += data[place + 8 : place + 8 + length]
        place += length + 12
    return width, tuple(zlib.decompressobj().decompress(chunks, 4)[1:4])
