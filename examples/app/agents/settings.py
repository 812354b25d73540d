# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the environment may say to a process, read once, checked at the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class BadSetting(Exception):
    """A variable that cannot be used, and what to do about it. The process ends with status 2."""


@dataclass(frozen=True)
class Settings:
    bind: str
    port: int
    slot: str
    shared: str
    database_url: str = field(repr=False)
    token: str = field(repr=False)
    warmup: float  # seconds in which the api listens but is not ready
    grace: float  # seconds the api gives to requests in flight when it is asked to stop
    linger: float  # seconds in which an idle connection may still bring a request while stopping
    max_body: int
    pool: int  # database connections of one process
    access_log: bool
    lease: float  # seconds after which the task of a silent worker goes to another one
    poll: float  # seconds an idle worker waits before it asks again
    worker_grace: float  # seconds a worker gives to the task in hand when it is asked to stop
    task_seconds: float  # how long a task pretends to take


def from_environment(env: Mapping[str, str]) -> Settings:
    return Settings(
        bind=env.get("BIND", "127.0.0.1"),
        port=int(_number(env, "PORT", 8000, 0, 65535)),
        slot=env.get("MAS_SLOT", ""),
        shared=env.get("MAS_SHARED", "."),
        database_url=env.get("AGENTS_DATABASE_URL", ""),
        token=env.get("AGENTS_TOKEN", ""),
        warmup=_number(env, "AGENTS_WARMUP", 0),
        grace=_number(env, "AGENTS_GRACE", 8),
        linger=_number(env, "AGENTS_LINGER", 0.5),
        max_body=int(_number(env, "AGENTS_MAX_BODY", 65536, 1, 2**30)),
        pool=int(_number(env, "AGENTS_POOL", 4, 1, 100)),
        access_log=env.get("AGENTS_ACCESS_LOG", "") not in ("", "0"),
        lease=_number(env, "AGENTS_LEASE", 30, 0.1),
        poll=_number(env, "AGENTS_POLL", 0.25, 0.01),
        worker_grace=_number(env, "AGENTS_WORKER_GRACE", 25),
        task_seconds=_number(env, "AGENTS_TASK_SECONDS", 0),
    )


def _number(env: Mapping[str, str], name: str, default: float, low: float = 0, high: float = 86400) -> float:
    text = env.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise BadSetting(f"{name}={text!r} is not a number: correct it in the environment file") from None
    if not low <= value <= high:
        raise BadSetting(
            f"{name}={text!r} is not between {low:g} and {high:g}: correct it in the environment file"
        )
    return value
