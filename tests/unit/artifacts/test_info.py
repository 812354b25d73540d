"""Looking an artifact up: every way in which it can be wrong has its own error, from a folder and over HTTP."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import ArtifactError, BadInput, NotFound
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.info import info
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.lookup import ArtifactLookup

from .conftest import MAS, Build, make_key

NAME = "agents-1.0.0.tar.gz"
Ask = Callable[..., dict[str, Any]]


def signer(key: Path, name: str = "ci@example.com") -> str:
    return f"{name} {Path(f'{key}.pub').read_text()}"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def store(make: Build, key: Path, tmp_path: Path) -> Path:
    make(signing_key=key)
    return tmp_path / "store"


@pytest.fixture
def url(store: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(store))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(params=["folder", "url"])
def ask(request: pytest.FixtureRequest, store: Path, key: Path) -> Ask:
    place = str(store) if request.param == "folder" else request.getfixturevalue("url")

    def ask(**options: Any) -> dict[str, Any]:
        lookup = {
            "store": place,
            "application": "agents",
            "version": "1.0.0",
            "allowed_signers": ["# who builds", signer(key)],
        }
        return info(ArtifactLookup(**{**lookup, **options}))

    return ask


def test_all_is_well(ask: Ask, store: Path) -> None:
    facts = ask()
    assert facts["path"].endswith(f"/{NAME}")
    assert (facts["name"], facts["version"], facts["signed_by"]) == ("agents", "1.0.0", "ci@example.com")
    assert facts["release"] == f"1.0.0-{facts['sha256'][:12]}"
    assert facts["signature"] == (store / f"{NAME}.sig").read_text()
    assert facts["manifest"]["processes"]["api"]["kind"] == "web"
    assert facts["sbom"]["components"] == 4
    assert facts["size"] == (store / NAME).stat().st_size
    assert ask(store="", application="", version="", artifact=facts["path"]) == facts


def test_signers_from_a_file(ask: Ask, key: Path, tmp_path: Path) -> None:
    (tmp_path / "signers").write_text(signer(key))
    assert ask(allowed_signers=(), allowed_signers_file=tmp_path / "signers")["signed_by"] == "ci@example.com"
    with pytest.raises(NotFound, match="no such file of allowed signers"):
        ask(allowed_signers=(), allowed_signers_file=tmp_path / "none")


def test_a_version_that_is_not_there(ask: Ask) -> None:
    with pytest.raises(NotFound, match=r"agents 9\.9\.9 .* Build it with mas\.ops\.build\.$"):
        ask(version="9.9.9")


def test_the_versions_that_are_there_are_named(make: Build, store: Path) -> None:
    make(version="2.0.0", built="2026-06-01T00:00:00Z")
    lookup = ArtifactLookup(store=str(store), application="agents", version="9.9.9", signature_required=False)
    with pytest.raises(NotFound) as caught:
        info(lookup)
    expected = f"agents 9.9.9 is not in {store}: it holds 1.0.0, 2.0.0. Build it with mas.ops.build."
    assert str(caught.value) == expected


def test_no_store_and_no_file(store: Path, tmp_path: Path) -> None:
    loose = {"signature_required": False}
    with pytest.raises(NotFound, match="no such store"):
        info(ArtifactLookup(store=str(tmp_path / "none"), application="agents", version="1", **loose))
    with pytest.raises(NotFound, match="no other at all"):
        info(ArtifactLookup(store=str(store), application="other", version="1", **loose))
    with pytest.raises(NotFound, match="no such artifact"):
        info(ArtifactLookup(artifact=str(store / "x.tar.gz"), **loose))
    with pytest.raises(NotFound, match="cannot be reached"):
        info(ArtifactLookup(store="http://127.0.0.1:1", application="agents", version="1", **loose))


def test_a_changed_archive(ask: Ask, store: Path) -> None:
    data = bytearray((store / NAME).read_bytes())
    data[-9] ^= 1
    (store / NAME).write_bytes(data)
    with pytest.raises(ArtifactError, match="sha256 is"):
        ask()


def test_a_changed_archive_with_its_digest_changed_too(
    ask: Ask, make: Build, source: Path, store: Path
) -> None:
    signature = (store / f"{NAME}.sig").read_text()
    for path in store.iterdir():
        path.unlink()
    (source / "run").write_text("#!/bin/sh\necho forged\n")
    make()
    (store / f"{NAME}.sig").write_text(signature)
    with pytest.raises(ArtifactError, match="does not match the artifact"):
        ask()


@pytest.mark.parametrize("text", ["", "abc", f"{'a' * 64}  other.tar.gz\n", f"{'A' * 64}  {NAME}\n"])
def test_a_damaged_digest_file(ask: Ask, store: Path, text: str) -> None:
    (store / f"{NAME}.sha256").write_text(text)
    with pytest.raises(ArtifactError, match="digest file is damaged") as caught:
        ask()
    assert caught.value.where.endswith(".sha256")


def test_no_digest_file(store: Path) -> None:
    (store / f"{NAME}.sha256").unlink()
    with pytest.raises(ArtifactError, match=r"no \.sha256 file"):
        info(ArtifactLookup(artifact=str(store / NAME), signature_required=False))


def test_unsigned(ask: Ask, store: Path) -> None:
    (store / f"{NAME}.sig").unlink()
    with pytest.raises(ArtifactError, match="not signed"):
        ask()
    facts = ask(signature_required=False)
    assert (facts["signed_by"], facts["signature"]) == ("", "")


def test_signed_by_another_key(ask: Ask, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    with pytest.raises(ArtifactError, match="not allowed"):
        ask(allowed_signers=[signer(other)])
    with pytest.raises(ArtifactError, match="not allowed"):
        ask(allowed_signers=[signer(other)], signature_required=False)
    assert ask(allowed_signers=[], signature_required=False)["signed_by"] == ""


def test_a_key_that_may_sign_other_things_only(ask: Ask, key: Path) -> None:
    public = Path(f"{key}.pub").read_text()
    with pytest.raises(ArtifactError):
        ask(allowed_signers=[f'ci@example.com namespaces="git" {public}'])


def test_required_but_no_signer_allowed(ask: Ask) -> None:
    with pytest.raises(BadInput, match="no signer is allowed"):
        ask(allowed_signers=[])


def test_renamed(store: Path) -> None:
    for suffix in ("", ".sha256"):
        shutil.copy(store / f"{NAME}{suffix}", store / f"agents-2.0.0.tar.gz{suffix}")
    digest = store / "agents-2.0.0.tar.gz.sha256"
    digest.write_text(digest.read_text().replace("1.0.0", "2.0.0"))
    lookup = ArtifactLookup(store=str(store), application="agents", version="2.0.0", signature_required=False)
    with pytest.raises(ArtifactError, match="which is not what its file name says"):
        info(lookup)


def test_without_verifying(ask: Ask, store: Path) -> None:
    facts = ask(verify=False, allowed_signers=())
    assert (facts["verified"], facts["signed_by"], facts["version"]) == (False, "", "1.0.0")
    assert facts["release"] == f"1.0.0-{facts['sha256'][:12]}"
    assert facts["manifest"] == {}
    (store / NAME).write_bytes((store / NAME).read_bytes()[:1000])
    assert ask(verify=False)["sha256"] == facts["sha256"]


def test_without_verifying_it_needs_a_version(url: str, store: Path) -> None:
    for place in (url, store):
        with pytest.raises(BadInput, match="not read before it is verified"):
            info(ArtifactLookup(artifact=f"{place}/{NAME}", verify=False))


def test_a_version_with_a_plus(make: Build, url: str, key: Path) -> None:
    make(version="1.0.0+build.7", signing_key=key)
    lookup = ArtifactLookup(
        store=f"{url}/", application="agents", version="1.0.0+build.7", allowed_signers=[signer(key)]
    )
    assert info(lookup)["signed_by"] == "ci@example.com"


def test_an_sbom_is_not_needed(ask: Ask, store: Path) -> None:
    (store / f"{NAME}.sbom.json").unlink()
    assert ask()["sbom"] == {"serial_number": "", "components": 0, "packages": []}


def test_names_that_look_alike(make: Build, source: Path, store: Path, key: Path) -> None:
    """agents x-1 and agents-x 1 would have one file name: the second cannot replace the first."""
    (source / "mas.yml").write_text(MAS.replace("name: agents", "name: agents-x"))
    make(version="1", signing_key=key)
    with pytest.raises(ArtifactError, match="is agents-x 1, not agents x-1"):
        info(
            ArtifactLookup(
                store=str(store), application="agents", version="x-1", allowed_signers=[signer(key)]
            )
        )
