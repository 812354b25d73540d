"""HAProxy's own judgement, where it cannot be had."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._traffic import config
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters import checked
from ansible_collections.mas.ops.plugins.module_utils._traffic.adapters.checked import complaints
from ansible_collections.mas.ops.tests.unit.traffic.test_config import MAIN_SETTINGS, site

Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Writes what is run as HAProxy."""
    path = tmp_path / "haproxy"
    monkeypatch.setattr(checked, "PROGRAM", str(path))

    def write(text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        path.chmod(0o755)

    return write


def test_one_that_never_ends_is_not_waited_for(program: Program) -> None:
    program("exec sleep 60")
    said = complaints("/main", "/folder", 0.2)
    assert said.endswith(
        "haproxy -c -f /main -f /folder did not end within 0.2 s, so the result is not known"
    )


@pytest.mark.usefixtures("program")
def test_one_that_is_not_there_is_no_traceback() -> None:
    assert complaints("/main", "/folder").endswith("haproxy cannot be run: No such file or directory")


def test_its_alerts_are_reported_and_what_is_preloaded_is_not_its(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_BIND_NOW", "1")
    program('echo "[NOTICE] x" >&2; echo "[ALERT] LD is ${LD_BIND_NOW-gone}" >&2; exit 1')
    assert complaints("/main", "/folder") == "[ALERT] LD is gone"
    program("echo '[ALERT] x' >&2; exit 0")
    assert not complaints("/main", "/folder")


@pytest.fixture
def asked(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[str, int]]:
    """What is said of a configuration, and how often HAProxy was asked by then."""
    monkeypatch.setattr(checked, "REMEMBERED", str(tmp_path / "run.json"))
    for name in ("conf.d", "folder"):
        (tmp_path / name).mkdir()
    for name in ("one.map", "two.map", "list", "folder/inner"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("list")
    (tmp_path / "haproxy.cfg").write_text(
        f"global # no crt here\n  chroot {tmp_path}/folder\n  stats socket {tmp_path}/run.sock\n"
        "  ssl-default-bind-options ssl-min-ver TLSv1.2\n"
    )
    # As the role writes them, and as an administrator may.
    (tmp_path / "conf.d" / "20-x.cfg").write_text(
        f'backend x\n  http-check send uri-lf "%[srv_name,map_str({tmp_path}/one.map)]" hdr Host "a"\n'
        f'  server a "127.0.0.1:${{MAS_X_A_PORT}}" weight "${{MAS_X_A}}" "${{MAS_X_A_STATE-enabled}}"\n'
        f"  http-request deny if {{ path,map_reg({tmp_path}/two.map,x) -m found }} || {{ src -f {tmp_path}/link }}\n"
        f"  http-response set-var(txn.d) \"var(txn.us),regsub('^(..).*','\\\\1')\"\n"
        f"  errorfile 503 {tmp_path}/later.http\n"
    )
    (tmp_path / "conf.d" / "10-x-split.cfg").write_text("global\n")
    program(f'echo >> {tmp_path}/calls; test ! -e {tmp_path}/broken || {{ echo "[ALERT] no" >&2; exit 1; }}')

    def ask() -> tuple[str, int]:
        files = (str(tmp_path / "haproxy.cfg"), str(tmp_path / "conf.d"))
        said = checked.complaints_again(*files, {"10-x-split.cfg"})
        return said, len((tmp_path / "calls").read_text().splitlines())

    return ask


def test_what_was_sound_a_moment_ago_is_not_asked_again(
    asked: Callable[[], tuple[str, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked() == ("", 1)
    assert asked() == ("", 1)
    (tmp_path / "conf.d" / "10-x-split.cfg").write_text("global # of a release\n")
    assert asked() == ("", 1)
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
    now = checked.time.monotonic()
    monkeypatch.setattr(checked.time, "monotonic", lambda: now + 61)
    assert asked() == ("", 2)
    # Of another boot.
    monkeypatch.setattr(checked.time, "monotonic", lambda: now)
    assert asked() == ("", 3)


_READ = ("haproxy.cfg", "conf.d/20-x.cfg", "one.map", "two.map", "list", "folder/inner")
_CHANGES = ("written", "replaced", "old time")


@pytest.mark.parametrize(
    "name, how",
    [*itertools.product((*_READ, "haproxy"), _CHANGES), *itertools.product(_READ, ("lost",))],
)
def test_any_change_of_what_haproxy_reads_makes_it_asked_again(
    asked: Callable[[], tuple[str, int]], tmp_path: Path, name: str, how: str
) -> None:
    assert asked() == ("", 1)
    path = tmp_path / name
    was, data = path.stat(), path.read_bytes()
    # The kernel's clock of a file moves in steps.
    time.sleep(0.02)
    if how == "lost":
        path.unlink()
    elif how == "written":
        path.write_bytes(data + b"#\n")
    elif how == "replaced":
        (tmp_path / "new").write_bytes(data)
        (tmp_path / "new").chmod(was.st_mode)
        (tmp_path / "new").replace(path)
    else:
        path.write_bytes(data)
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert asked() == ("", 2)
    assert asked() == ("", 2)


@pytest.mark.parametrize("name", ["conf.d/30-y.cfg", "folder/other", "later.http"])
def test_a_file_that_is_new_makes_it_asked_again(
    asked: Callable[[], tuple[str, int]], tmp_path: Path, name: str
) -> None:
    assert asked() == ("", 1)
    (tmp_path / name).touch()
    assert asked() == ("", 2)


def test_what_was_unsound_is_asked_each_time(asked: Callable[[], tuple[str, int]], tmp_path: Path) -> None:
    assert asked() == ("", 1)
    (tmp_path / "conf.d" / "20-x.cfg").touch()
    (tmp_path / "broken").touch()
    assert [asked(), asked()] == [("[ALERT] no", 2), ("[ALERT] no", 3)]
    (tmp_path / "broken").unlink()
    assert [asked(), asked()] == [("", 4), ("", 4)]


@pytest.mark.parametrize(
    "line",
    [
        "bind :443 ssl crt /t/site.pem",
        "bind :443 ssl crt-list /t/list",
        "crt-base /t",
        "ca-base /t",
        "server b 127.0.0.1:1 ssl ca-file x",
        "lua-load /t/x.lua",
        "default-path config",
        "errorfile 503 /t/${NAME}.http",
        "errorfile 503 ${FOLDER}/x.http",
        "errorfile 503 /t/my\\ file.http",
        'errorfile 503 "/t/my file.http"',
        "errorfile 503 '/t/my file.http'",
    ],
)
def test_where_files_are_not_known_haproxy_is_asked_each_time(
    asked: Callable[[], tuple[str, int]], tmp_path: Path, line: str
) -> None:
    (tmp_path / "conf.d" / "30-own.cfg").write_text(f"frontend own\n    {line}\n")
    assert [asked(), asked()] == [("", 1), ("", 2)]
    (tmp_path / "conf.d" / "30-own.cfg").write_text(f"# {line}\n")
    assert [asked(), asked()] == [("", 3), ("", 3)]


def test_all_files_of_what_the_role_writes_are_known() -> None:
    """Or HAProxy would be asked each time. Not so where there is a certificate."""
    plain, fallback = site("agents"), site("shop", 8201, fallback=True, domains=["shop.example.com"])
    texts = [
        config.render_main(MAIN_SETTINGS, "/etc/haproxy/conf.d"),
        *map(config.render_backend, (plain, fallback)),
        config.render_front([plain, fallback]),
    ]
    assert [checked._names_all(text) for text in texts] == [True] * 4
    secured = site("agents", certificate="/etc/ssl/site.pem", tls_port=443)
    assert not checked._names_all(config.render_front([secured]))


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_something_else_is_where_it_is_remembered(
    asked: Callable[[], tuple[str, int]], tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "run.json")
    assert [asked(), asked()] in ([("", 1), ("", 1)], [("", 1), ("", 2)])


@pytest.mark.parametrize("text", ["", "[]", "{", '{"files": "x"}', "[" * 100_000])
def test_what_is_remembered_is_damaged(
    asked: Callable[[], tuple[str, int]], tmp_path: Path, text: str
) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    assert [asked(), asked()] == [("", 1), ("", 1)]
