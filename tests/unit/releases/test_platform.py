"""What the modules support is what the roles prepare."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.host import SUPPORTED

VARS = Path(__file__).resolve().parents[3] / "roles/preflight/vars/main.yml"


def test_one_list_of_supported_systems() -> None:
    ours = {f"{name.capitalize()} {version}" for name, versions in SUPPORTED.items() for version in versions}
    assert set(yaml.safe_load(VARS.read_text(encoding="utf-8"))["preflight_supported"]) == ours
