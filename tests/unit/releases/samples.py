"""An application and its releases, for tests that need some."""

from __future__ import annotations

from typing import Any

from ansible_collections.mas.ops.plugins.module_utils._releases.application import (
    Application,
    Front,
    ProxySettings,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import Manifest

APP = Application(
    name="agents",
    environment="test",
    user="agents",
    group="agents",
    root="/srv/agents",
    web=True,
    ports={"blue": 8101, "green": 8102},
    proxy=ProxySettings(
        "agents",
        "/run/haproxy/admin.sock",
        "/etc/haproxy/conf.d/10-agents-split.cfg",
        front=Front("*", 80),
    ),
    signers="/etc/mas/agents/allowed_signers",
    signature_required=True,
    keep_releases=3,
    environment_file="/etc/mas/agents/environment",
    host="agents",
)


def release(version: str) -> str:
    return f"{version}-{version[0] * 12}"


def manifest(version: str, **changes: Any) -> Manifest:
    process = {"stop_signal": "SIGTERM", "stop_grace": 10}
    data: dict[str, Any] = {
        "schema": 1,
        "name": "agents",
        "version": version,
        "commit": "",
        "built": "2026-01-01T00:00:00Z",
        "processes": {
            "api": {"kind": "web", "command": ["python3", "-m", "agents.api"], **process},
            "worker": {"kind": "worker", "command": ["./bin/worker"], **process},
        },
        "health": {"path": "/health", "expected": 200, "startup_budget": 5},
        "migrations": {"expand": ["migrate", "expand"], "contract": None},
        "secrets": ["AGENTS_TOKEN"],
        "files": {"count": 1, "bytes": 1},
        **changes,
    }
    return Manifest.parse(data)


def no_reload(_changed: bool) -> None:
    """Called when units were written, where no systemd reads them."""
