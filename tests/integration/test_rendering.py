"""systemd's own answer to what the collection renders for it. ``make bench B=rendering`` does the same 10,000 times."""

from __future__ import annotations

import pytest
from fleet import Fleet
from renderings import Case, cases, values, wrong_units, wrong_values

pytestmark = pytest.mark.containers

#: Units; a value of an environment file costs next to nothing.
COUNT, VALUES = 200, 1000


@pytest.mark.parametrize("number", [0, 1])
def test_systemd_runs_what_was_meant_and_as_whom(pair: Fleet, number: int) -> None:
    wrong = wrong_units(pair.bed, pair.names[number], cases(COUNT))
    assert wrong == []


@pytest.mark.parametrize("number", [0, 1])
def test_a_process_gets_its_environment_letter_by_letter(pair: Fleet, number: int) -> None:
    assert wrong_values(pair.bed, pair.names[number], values(VALUES)) == []


def test_the_comparison_finds_what_is_wrong(pair: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renderer without an escape is detected."""
    monkeypatch.setattr(Case, "text", property(lambda case: _rendered(case).replace("%%", "%")))
    assert wrong_units(pair.bed, pair.names[0], cases(100)) != []


_rendered = Case.text.fget
