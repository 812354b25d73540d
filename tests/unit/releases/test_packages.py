"""What is installed, by dpkg-query."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import NotFound
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import dpkg
from ansible_collections.mas.ops.plugins.module_utils._releases.packages import available

SHOWN = """installed\tlibssl3t64\tlibssl3 (= 3.5.1-1), libcrypto:any
installed\tpython3\t
config-files\tffmpeg\tffmpeg-any
half-installed\tcurl\t
"""


def test_what_is_removed_or_half_there_is_not_installed() -> None:
    assert available(SHOWN) == {"libssl3t64", "libssl3", "libcrypto", "python3"}
    assert available("") == frozenset()


def test_missing_in_the_order_of_the_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dpkg.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=SHOWN.encode()))
    assert dpkg.Dpkg().missing(["curl", "python3", "libssl3", "ffmpeg"]) == ["curl", "ffmpeg"]


@pytest.mark.parametrize(
    "error", [FileNotFoundError("dpkg-query"), subprocess.CalledProcessError(2, "dpkg-query")]
)
def test_no_answer_is_not_taken_for_installed(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(dpkg.subprocess, "run", fail)
    with pytest.raises(NotFound, match="dpkg-query does not say"):
        dpkg.Dpkg().missing(["curl"])
