"""A whole deploy through the reporter, with a clock of our own: what goes to the log, and what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.mas.ops.plugins.plugin_utils.progress.adapters import history
from ansible_collections.mas.ops.plugins.plugin_utils.progress.adapters.reporter import Reporter, Title
from ansible_collections.mas.ops.plugins.plugin_utils.progress.estimate import Run

TITLE = Title("deploy agents 2.0.0", "deploy agents")


class Deploy:
    """Two hosts; each step takes some seconds."""

    def __init__(self, path: Path, title: Title = TITLE) -> None:
        self.time, self.said = 50.0, []
        self.reporter = Reporter(title, self.say, path, clock=lambda: self.time)

    def say(self, msg: str, color: str | None = None, *, log_only: bool = False) -> Any:
        assert not log_only
        assert color in {None, "bright red"}
        self.said += msg.splitlines()

    def step(self, phase: str, seconds: float, outcome: str = "ok", once: bool = False) -> None:
        hosts = ["web1"] if once else ["web1", "web2"]
        self.reporter.task(phase, phase)
        for host in hosts:
            self.reporter.began(host, phase, phase, once)
        for host in hosts:
            self.time += seconds
            self.reporter.ended(host, phase, outcome, once)


def deploy(path: Path, **options: Any) -> Deploy:
    run = Deploy(path, **options)
    run.reporter.play("Deploy", ["web1", "web2"])
    run.step("gate", 2.0, once=True)
    run.step("stage", 10.0)
    run.step("switch", 1.0)
    run.step("back", 0.1, "skipped")
    assert run.reporter.close([], []) == ""
    return run


def test_a_deploy(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    assert deploy(path).said == [
        "deploy agents 2.0.0, 2 hosts",
        "[  2.0s] gate     web1, for all hosts, ok 2.0s",
        "[   12s] stage    web1 ok 10s",
        "[   22s] stage    web2 ok 20s",
        "[   23s] switch   web1 ok 1.0s",
        "[   24s] switch   web2 ok 2.0s",
        "deploy agents 2.0.0: 2 done after 24s",
    ]
    (run,) = history.read(path)["deploy agents"]
    assert run == Run(2, 24.2, {"play:Deploy": 0.0, "gate": 0.0, "stage": 2.0, "switch": 22.0, "back": 24.0})
    # the next one knows
    assert deploy(path).said[2] == "[   12s] stage    web1 ok 10s (about 12s left)"


def test_what_failed_or_was_tried_only_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    deploy(path, title=Title("deploy (check mode)", "deploy agents", kept=False))
    failed = Deploy(path)
    failed.reporter.play("Deploy", ["web1", "web2"])
    failed.step("gate", 1.0, "failed", once=True)
    failed.reporter.close(["web1"], [])
    assert failed.said[-1] == "deploy agents 2.0.0: 1 failed, 1 stopped after 1.0s"
    assert not path.exists()


def test_a_history_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = Deploy(tmp_path / "file/progress.json")
    run.reporter.play("Deploy", ["web1"])
    run.reporter.began("web1", "x", "")
    assert "File exists" in run.reporter.close([], [])
