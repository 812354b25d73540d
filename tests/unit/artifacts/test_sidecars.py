"""The files beside an artifact may be anyone's: none is followed, none without bounds, none is shown."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import (
    ArtifactError,
    NotFound,
    OpsError,
    Refused,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters import sidecars
from ansible_collections.mas.ops.plugins.module_utils._releases.adapters.sidecars import read_sidecar
from ansible_collections.mas.ops.plugins.module_utils._releases.sidecars import LIMITS
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts import bounded_json, sbom_summary
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters import build
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters import info as info_adapter
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.info import info
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.local import local_artifact
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.lookup import ArtifactLookup

from .conftest import Build
from .test_info import signer

NAME = "agents-1.0.0.tar.gz"
SECRET = "correct-horse-battery-staple"
SUFFIXES = (".sha256", ".sig", ".sbom.json")


@pytest.fixture
def place(make: Build, key: Path, tmp_path: Path) -> Path:
    make(signing_key=key)
    return tmp_path / "store" / NAME


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    path = tmp_path / "vault-password"
    path.write_text(f"{SECRET}\n")
    return path


def readers(place: Path, key: Path) -> list[Callable[[], object]]:
    lookup = ArtifactLookup(artifact=str(place), allowed_signers=[signer(key)])
    unverified = ArtifactLookup(
        store=str(place.parent), application="agents", version="1.0.0", verify=False, signature_required=False
    )
    return [lambda: info(lookup), lambda: info(unverified), lambda: local_artifact(str(place), None, None)]


def refused(read: Callable[[], object]) -> str:
    """The error with everything that a log could show of it: its causes too."""
    with pytest.raises(ArtifactError) as caught:
        read()
    assert caught.value.fix
    return "".join(traceback.format_exception(caught.value)) + json.dumps(caught.value.to_dict())


SPOILED: dict[str, Callable[[Path, Path], object]] = {
    "link": lambda path, vault: path.symlink_to(vault),
    "link to a link": lambda path, vault: ((path.parent / "l").symlink_to(vault), path.symlink_to("l")),
    "hard link": lambda path, vault: path.hardlink_to(vault),
    "copy": lambda path, vault: path.write_text(vault.read_text()),
    "pipe": lambda path, _: os.mkfifo(path),
    "folder": lambda path, _: path.mkdir(),
    "device": lambda path, _: path.symlink_to("/dev/zero"),
    "endless": lambda path, _: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 2**40),
    "digest of the secret's line": lambda path, _: path.write_text(f"{'a' * 64}  {SECRET}\n"),
}


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize("suffix", [".sha256", ".sig"])
def test_nothing_of_a_bad_file_is_shown(place: Path, vault: Path, key: Path, suffix: str, how: str) -> None:
    path = Path(f"{place}{suffix}")
    path.unlink()
    SPOILED[how](path, vault)
    for read in readers(place, key):
        text = refused(read)
        assert SECRET not in text
        assert str(path) in text


@pytest.mark.parametrize("how", ["link", "pipe", "folder", "device", "endless"])
def test_a_bill_that_is_no_file(place: Path, vault: Path, key: Path, how: str) -> None:
    path = Path(f"{place}.sbom.json")
    path.unlink()
    SPOILED[how](path, vault)
    assert SECRET not in refused(readers(place, key)[0])


@pytest.mark.parametrize("text", ["[" * 100_000, '{"components": ' * 10_000, "[" * 65 + "]" * 65, SECRET])
def test_a_bill_that_is_no_bill(place: Path, key: Path, text: str) -> None:
    Path(f"{place}.sbom.json").write_text(text)
    assert info(ArtifactLookup(artifact=str(place), allowed_signers=[signer(key)]))[
        "sbom"
    ] == sbom_summary.summary("")


def test_depth() -> None:
    assert bounded_json.loads("[" * 64 + '"[[[[{{{\\"[["' + "]" * 64)
    with pytest.raises(ValueError, match="nested deeper than 64"):
        bounded_json.loads("[" * 65 + "]" * 65)
    with pytest.raises(ValueError, match="nested"):
        bounded_json.loads('{"a":' * 65)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bounds(tmp_path: Path, suffix: str) -> None:
    place, limit = str(tmp_path / "a"), LIMITS[suffix]
    assert read_sidecar(place, suffix) is None
    Path(place + suffix).write_bytes(b"x" * limit)
    assert read_sidecar(place, suffix) == "x" * limit
    Path(place + suffix).write_bytes(b"x" * (limit + 1))
    with pytest.raises(ArtifactError, match=f"longer than {limit} bytes"):
        read_sidecar(place, suffix)


def test_both_readers_agree(place: Path, key: Path) -> None:
    found = local_artifact(str(place), None, None)
    facts = info(ArtifactLookup(artifact=str(place), allowed_signers=[signer(key)]))
    assert (found["sha256"], found["signature"]) == (facts["sha256"], facts["signature"])
    digest = Path(f"{place}.sha256")
    for text in ("", "  ", found["sha256"], f"{found['sha256']}  other.tar.gz", f"{found['sha256']} {NAME}"):
        digest.write_text(text)
        for read in readers(place, key):
            assert "digest file is damaged" in refused(read)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_build_replaces_a_bad_file(make: Build, place: Path, vault: Path, key: Path, suffix: str) -> None:
    path = Path(f"{place}{suffix}")
    path.unlink()
    path.symlink_to(vault)
    plan, _ = make(signing_key=key)
    assert plan.describe() == [f"store {path.name}"]
    assert not path.is_symlink()
    assert vault.read_text() == f"{SECRET}\n"


def test_no_archive_is_read_before_it_is_known_whose_it_is(
    make: Build, place: Path, key: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((build, "read_manifest"), (build, "contents"), (info_adapter, "inspect")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("an archive was read"))
    with pytest.raises(NotFound, match=r"it holds 1\.0\.0"):
        info(
            ArtifactLookup(
                store=str(place.parent), application="agents", version="9", signature_required=False
            )
        )
    place.write_bytes(place.read_bytes() + b"x")
    with pytest.raises(Refused, match="it has another digest"):
        make(signing_key=key)
    place.unlink()
    os.mkfifo(place)
    with pytest.raises(Refused, match="is not a file"):
        make(signing_key=key)
    with pytest.raises(OpsError):
        info(ArtifactLookup(artifact=str(place), signature_required=False))
    assert source.is_dir()


class Drip(BaseHTTPRequestHandler):
    """Sends a byte now and then, and never too late for a time-out of the connection."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.1)

    def log_message(self, *_: object) -> None:
        pass


class Endless(Drip):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"x" * 65536)


@contextlib.contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/a.tar.gz"
        server.shutdown()


def test_a_server_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidecars, "DEADLINE", 0.5)
    start = time.monotonic()
    with served(Drip) as place, pytest.raises(NotFound, match=r"within 0\.5 seconds"):
        read_sidecar(place, ".sha256")
    assert time.monotonic() - start < 5


def test_a_server_that_never_ends() -> None:
    with served(Endless) as place, pytest.raises(ArtifactError, match="longer than 4096 bytes"):
        read_sidecar(place, ".sha256")
