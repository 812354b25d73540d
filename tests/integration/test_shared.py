"""What releases share and what only they may read, on real hosts: as the application sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fleet import CHECKOUT, Fleet

pytestmark = pytest.mark.containers

MORE = """
shared:
  - uploads/
  - config/local.json
"""


def build(fleet: Fleet, version: str) -> None:
    """The example, sharing two paths, with a file that only its builder could read and a virtual environment."""
    source = fleet.bed.state / "source" / version
    maker = CHECKOUT / "examples/app/make_version.py"
    subprocess.run([sys.executable, str(maker), version, str(source), "--like", "2.0.0"], check=True)
    with (source / "mas.yml").open("a") as stream:
        stream.write(MORE)
    (source / "private.json").write_text("{}")
    (source / "private.json").chmod(0o600)
    (source / "venv/bin").mkdir(parents=True)
    (source / "venv/bin/python3").symlink_to("/usr/bin/python3")
    (source / "venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    fleet.play("build", build_source=str(source), build_signing_key=str(fleet.key)).check()


def as_application(fleet: Fleet, host: str, command: str) -> str:
    return fleet.bed.exec(host, ["runuser", "-u", "agents", "--", "sh", "-c", command]).strip()


def test_releases_share_what_mas_yml_names(pair: Fleet) -> None:
    build(pair, "9.1.0")
    pair.deploy("9.1.0").check()
    for host in pair.names:
        as_application(pair, host, "cd /srv/agents/releases/9.1.0-*/ && echo kept > uploads/a")
        as_application(pair, host, "cd /srv/agents/releases/9.1.0-*/ && echo '{}' > config/local.json")
    build(pair, "9.2.0")
    pair.deploy("9.2.0").check()
    assert pair.live() == dict.fromkeys(pair.names, "9.2.0")
    for host in pair.names:
        seen = as_application(
            pair, host, "cd /srv/agents/releases/9.2.0-*/ && cat uploads/a config/local.json"
        )
        assert seen.split() == ["kept", "{}"]
        assert pair.bed.exec(host, ["stat", "-c", "%U %a", "/srv/agents/shared/uploads"]).split() == [
            "agents",
            "750",
        ]
    pair.rollback().check()
    for host in pair.names:
        assert as_application(pair, host, "cat /srv/agents/shared/uploads/a") == "kept"


def test_the_application_reads_its_private_files_and_nobody_else_does(pair: Fleet) -> None:
    for host in pair.names:
        folder = "/srv/agents/releases/9.2.0-*"
        assert as_application(pair, host, f"cat {folder}/private.json") == "{}"
        others = [
            "sh",
            "-c",
            f"runuser -u nobody -- cat {folder}/private.json 2>&1; stat -c '%U %G %a' {folder}/private.json",
        ]
        assert pair.bed.exec(host, others).splitlines()[-1] == "root agents 640"
        assert "Permission denied" in pair.bed.exec(host, others)


def test_a_virtual_environment_is_one_on_the_host(pair: Fleet) -> None:
    for host in pair.names:
        prefix = as_application(
            pair, host, "/srv/agents/releases/9.2.0-*/venv/bin/python3 -c 'import sys; print(sys.prefix)'"
        )
        assert Path(prefix).name == "venv"
        assert "/releases/9.2.0-" in prefix
