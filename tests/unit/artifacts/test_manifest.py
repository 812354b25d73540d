"""The manifest: a table of what is refused, and a round trip of everything else."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mas.ops.plugins.module_utils._core.errors import OpsError
from ansible_collections.mas.ops.plugins.module_utils._releases.fields import ManifestError
from ansible_collections.mas.ops.plugins.module_utils._releases.manifest import (
    RESERVED,
    STOP_SIGNALS,
    Manifest,
    archive_name,
    release_id,
)
from hypothesis import given
from hypothesis import strategies as st

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "artifacts" / "manifest.yml").read_text())

FIRST, LAST = (datetime.strptime(f"{year}", "%Y") for year in (1980, 2200))  # noqa: DTZ007


def changed(path: str, change: Any) -> dict[str, Any]:
    data = copy.deepcopy(CASES["valid"])
    *parents, last = path.split(".")
    place = data
    for name in parents:
        place = place[name]
    change(place, last)
    return data


def test_valid() -> None:
    manifest = Manifest.parse(CASES["valid"])
    assert manifest.to_dict() == CASES["valid"]
    assert (manifest.web, manifest.workers) == ("api", ("worker",))
    assert manifest.processes["api"].command == ("python3", "-m", "agents.api")


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: f"{case['field']}={case['value']!r}")
def test_refused(case: dict[str, Any]) -> None:
    data = changed(case.get("set", case["field"]), lambda place, key: place.__setitem__(key, case["value"]))
    with pytest.raises(ManifestError) as caught:
        Manifest.parse(data)
    assert caught.value.field == case["field"]
    assert case["field"].split("[")[0].rpartition(".")[2] in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize("field", CASES["missing"])
def test_missing(field: str) -> None:
    with pytest.raises(ManifestError, match=f"{field} is missing"):
        Manifest.parse(changed(field, lambda place, key: place.pop(key)))


@pytest.mark.parametrize("data", [None, [], "x", 1, {}])
def test_not_a_manifest(data: Any) -> None:
    with pytest.raises(ManifestError):
        Manifest.parse(data)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b'{"a": 1, "a": 2}', b"[" * 100_000, b" " * 1_100_000, b'"\\ud800"']
)
def test_not_json(text: bytes) -> None:
    with pytest.raises(ManifestError):
        Manifest.from_json(text)


def test_without_a_web_process_no_health_is_needed() -> None:
    data = changed("health", lambda place, key: place.__setitem__(key, None))
    data["processes"].pop("api")
    assert Manifest.parse(data).web is None


names = st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True).filter(lambda name: name not in RESERVED)
words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), max_size=20)
commands = st.builds(
    lambda first, rest: [first, *rest],
    st.from_regex(r"[a-z/._]{0,19}[a-z_]", fullmatch=True),
    st.lists(words, max_size=4),
)
seconds = st.integers(1, 3600)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    workers = draw(st.lists(names, max_size=3, unique=True))
    web = draw(st.none() | names.filter(lambda name: name not in workers))
    if not workers and web is None:
        web = "api"
    processes = {
        name: {
            "kind": "web" if name == web else "worker",
            "command": draw(commands),
            "stop_signal": draw(st.sampled_from(sorted(STOP_SIGNALS))),
            "stop_grace": draw(st.integers(0, 3600)),
        }
        for name in [*workers, *([web] if web else [])]
    }
    health = {
        "path": draw(st.from_regex(r"/[a-z0-9/._?=&-]{0,40}", fullmatch=True)),
        "expected": draw(st.integers(200, 499)),
        "startup_budget": draw(seconds),
    }
    return {
        "schema": 1,
        "name": draw(names),
        "version": draw(st.from_regex(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}", fullmatch=True)),
        "commit": draw(st.sampled_from(["", "a" * 40, "a" * 40 + "-dirty", "r123"])),
        "built": draw(st.datetimes(FIRST, LAST)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "processes": processes,
        "health": health if web else draw(st.none() | st.just(health)),
        "migrations": {"expand": draw(st.none() | commands), "contract": draw(st.none() | commands)},
        "secrets": draw(
            st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True), unique=True, max_size=3)
        ),
        "files": {"count": draw(st.integers(0, 1000)), "bytes": draw(st.integers(0, 2**40))},
        **draw(
            st.sampled_from([{}, {"shared": ["uploads/"]}, {"shared": ["config/local.json", "uploads/a/"]}])
        ),
    }


@given(manifests())
def test_round_trip(data: dict[str, Any]) -> None:
    manifest = Manifest.parse(data)
    assert manifest.to_dict() == data
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert Manifest.from_json(manifest.to_json()).to_json() == manifest.to_json()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    manifests(),
    st.sampled_from(["name", "version", "built", "processes", "health", "migrations", "files"]),
    JSON,
)
def test_any_other_value_is_right_or_a_clear_error(data: dict[str, Any], field: str, value: Any) -> None:
    try:
        manifest = Manifest.parse({**data, field: value})
    except ManifestError:
        return
    assert Manifest.parse(manifest.to_dict()) == manifest


def test_canonical_bytes_do_not_depend_on_order() -> None:
    turned = json.loads(json.dumps(CASES["valid"]), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert Manifest.parse(turned).to_json() == Manifest.parse(CASES["valid"]).to_json()


def test_names() -> None:
    assert release_id("1.0.0+b", "ab" * 32) == "1.0.0+b-abababababab"
    assert archive_name("agents", "1.0.0") == "agents-1.0.0.tar.gz"
    for version, sha256 in [("1.0.0", "AB" * 32), ("1.0.0", "ab"), ("../x", "ab" * 32)]:
        with pytest.raises(OpsError):
            release_id(version, sha256)


def test_an_old_manifest_has_no_packages_and_keeps_its_bytes() -> None:
    old = changed("packages", lambda place, key: place.pop(key))
    manifest = Manifest.parse(old)
    assert manifest.packages == ()
    assert manifest.to_dict() == old
