"""The steps of a plan: in order, each in the journal first, and none after the run is to end."""

from __future__ import annotations

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.apply import take_steps
from ansible_collections.mas.ops.plugins.module_utils._core.errors import OpsError, Refused, Stopped
from ansible_collections.mas.ops.plugins.module_utils._core.plan import Step

STEPS = (Step("stop", "blue"), Step("start", "green"), Step("stop", "red"))


class Clock:
    """A second passes each time that it is looked at."""

    def __init__(self, ends_after: int = 99) -> None:
        self.now = 0.0
        self.left = ends_after

    def seconds(self) -> float:
        self.now += 1.0
        return self.now

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Stopped("it is to end")


class Handlers:
    def __init__(self, events: list[str], failing: str = "") -> None:
        self.events = events
        self.failing = failing

    def _stop(self, step: Step) -> None:
        self.events.append(f"stopped {step.target}")

    def _start(self, step: Step) -> None:
        if step.target == self.failing:
            raise Refused("it does not start")
        self.events.append(f"started {step.target}")


def test_each_step_is_in_the_journal_before_it_is_taken() -> None:
    events, spent = list[str](), {"start": 5.0}
    take_steps(STEPS, Handlers(events), lambda step: events.append(f"journal {step}"), Clock(), spent)
    assert events == [
        *("journal stop blue", "stopped blue", "journal start green", "started green"),
        *("journal stop red", "stopped red"),
    ]
    assert spent == {"stop": 2.0, "start": 6.0}


@pytest.mark.parametrize(
    "handlers, clock, error",
    [(Handlers([], "green"), Clock(), OpsError), (Handlers([]), Clock(ends_after=1), Stopped)],
)
def test_nothing_follows_a_step_that_failed_or_the_end_of_the_run(
    handlers: Handlers, clock: Clock, error: type[OpsError]
) -> None:
    journal = list[str]()
    with pytest.raises(error):
        take_steps(STEPS, handlers, lambda step: journal.append(str(step)), clock, {})
    assert handlers.events == ["stopped blue"]
    assert journal[0] == "stop blue"
    assert "stop red" not in journal


def test_a_step_without_a_handler_is_a_mistake_of_the_plan() -> None:
    with pytest.raises(AttributeError):
        take_steps([Step("dance", "blue")], Handlers([]), lambda step: None, Clock(), {})  # noqa: ARG005
