"""A PostgreSQL of our own under a scratch folder, where its binaries and psycopg2 are installed."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from agents_bed import PATIENCE, until


class Cluster:
    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="agents-pg-"))
        self._server = _start_postgres(self._folder)
        self._databases = 0
        until(lambda: self._connected("SELECT 1"), "PostgreSQL")

    def create(self) -> str:
        """An empty database; returns its address."""
        self._databases += 1
        name = f"agents_{self._databases}"
        assert self._connected(f"CREATE DATABASE {name}")
        return self._url(name)

    def close(self) -> None:
        self._server.send_signal(signal.SIGQUIT)  # nothing here is worth a clean end
        self._server.wait(PATIENCE)
        shutil.rmtree(self._folder)

    def _url(self, name: str) -> str:
        return f"postgresql:///{name}?host={self._folder}&user=postgres"

    def _connected(self, statement: str) -> bool:
        import psycopg2  # type: ignore[import-untyped]  # noqa: PLC0415 optional

        try:
            connection = psycopg2.connect(self._url("postgres"))
        except psycopg2.OperationalError:
            return False
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()
        return True


def _binaries() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


def what_is_missing() -> str:
    if importlib.util.find_spec("psycopg2") is None:
        return f"{sys.executable} has no psycopg2 (Debian: python3-psycopg2, PyPI: psycopg2-binary)"
    if _binaries() is None:
        return "there is no /usr/lib/postgresql/*/bin/initdb (Debian: postgresql)"
    return ""


def _start_postgres(folder: Path) -> subprocess.Popen[bytes]:
    bin_folder = _binaries()
    assert bin_folder
    user = _owner(folder)
    data = str(folder / "data")
    subprocess.run(
        [
            bin_folder / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "--locale=C",
            "-E",
            "UTF8",
        ],
        check=True,
        cwd=folder,
        capture_output=True,
        **user,
    )
    options = ["fsync=off", "listen_addresses=", f"unix_socket_directories={folder}", "shared_buffers=16MB"]
    words = [word for option in options for word in ("-c", option)]
    return subprocess.Popen(
        [bin_folder / "postgres", "-D", data, *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **user,
    )


def _owner(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
