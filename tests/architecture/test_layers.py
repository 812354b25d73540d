"""The layers hold, and each rule can fail."""

from __future__ import annotations

import re

import pytest

from tests.architecture import layers
from tests.architecture.import_graph import cycle, import_graph
from tests.architecture.source import ROOT, Source, below

DOMAIN = "plugins/module_utils/_releases/layout.py"
ADAPTER = "plugins/module_utils/_releases/adapters/folders.py"
MODULE = "plugins/modules/release.py"


def report(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_there_is_something_to_check() -> None:
    plugins = below("plugins", "*.py")
    assert any(layers.is_domain(source) for source in plugins)
    assert any(layers.is_adapter(source) for source in plugins)
    assert any(source.path.startswith("plugins/modules/") for source in plugins)


def test_domain_packages_are_pure() -> None:
    report(
        [
            line
            for source in below("plugins", "*.py")
            if layers.is_domain(source)
            for line in layers.impurities(source)
        ]
    )


def test_what_runs_on_targets_needs_nothing_but_python() -> None:
    targets = [source for source in below("plugins", "*.py") if layers.runs_on_targets(source)]
    report([line for source in targets for line in layers.foreign_imports(source)])


def test_what_runs_on_targets_is_python_3_9() -> None:
    targets = [source for source in below("plugins", "*.py") if layers.runs_on_targets(source)]
    report([line for source in targets for line in layers.too_new(source)])


def test_an_execution_environment_has_every_library() -> None:
    text = (ROOT / "meta/ee-requirements.txt").read_text("utf-8")
    declared = frozenset(re.findall(r"^[A-Za-z][\w.-]*", text, re.MULTILINE))
    controller = [source for source in below("plugins", "*.py") if not layers.runs_on_targets(source)]
    report([line for source in controller for line in layers.undeclared(source, declared)])


@pytest.mark.parametrize(
    "bad",
    [
        "import subprocess",
        "import socket as s",
        "import time",
        "from time import monotonic",
        "import urllib.request",
        "from urllib import request",
        "from os import environ",
        "import os\nx = os.environ['A']",
        "import os\nos.replace(a, b)",
        "import os\nos.path.exists(a)",
        "import os.path\nos.path.getmtime(a)",
        "from pathlib import Path",
        "import pathlib",
        "from ansible.errors import AnsibleError",
        "from ansible_collections.mas.ops.plugins.module_utils import x",
        "from .adapters.folders import load",
        "from . import adapters",
        "open('f')",
        "print('x')",
        "import tarfile\ntarfile.open('f')",
        "from datetime import datetime\ndatetime.now()",
        "from datetime import date as d\nd.today()",
        "import uuid\nuuid.uuid4()",
        "def f(p):\n    return p.read_text()",
        "if TYPE_CHECKING:\n    import http.client",
    ],
)
def test_an_impure_domain_package_is_found(bad: str) -> None:
    assert list(layers.impurities(Source(DOMAIN, bad)))


@pytest.mark.parametrize(
    "good",
    [
        "import posixpath\nimport os\nx = os.path.join('a', 'b')",
        "from os.path import join",
        "from urllib.parse import urlsplit",
        "from pathlib import PurePosixPath",
        "from datetime import datetime, timezone\nx = datetime.fromtimestamp(0, timezone.utc)",
        "import tarfile\nx = tarfile.open(fileobj=stream)",
        "from ..._core.errors import OpsError",
        "now = at\nplan(now)",
    ],
)
def test_a_pure_domain_package_passes(good: str) -> None:
    assert not list(layers.impurities(Source(DOMAIN, good)))


def test_the_exceptions_are_few_and_named() -> None:
    assert layers.is_domain(Source(DOMAIN, ""))
    assert layers.is_domain(Source("plugins/plugin_utils/artifacts/pack.py", ""))
    for path in (
        ADAPTER,
        layers.ANSIBLE_MODULE,
        layers.FILE_EDGE,
        MODULE,
        "plugins/plugin_utils/adapters/run.py",
    ):
        assert not layers.is_domain(Source(path, ""))


@pytest.mark.parametrize("path", [DOMAIN, ADAPTER, MODULE])
@pytest.mark.parametrize(
    "bad",
    [
        "from ansible.module_utils.basic import AnsibleModule",
        "import yaml",
        "def f():\n    import requests",
        "from ansible_collections.mas.ops.plugins.module_utils._core import plan",
    ],
)
def test_a_foreign_import_on_targets_is_found(path: str, bad: str) -> None:
    assert list(layers.foreign_imports(Source(path, bad)))


def test_the_file_for_ansible_module_may_import_ansible() -> None:
    good = "from ansible.module_utils.basic import AnsibleModule\nimport json\nfrom .plan import Plan"
    assert not list(layers.foreign_imports(Source(layers.ANSIBLE_MODULE, good)))


@pytest.mark.parametrize(
    "bad",
    [
        "match x:\n    case 1: pass",
        "try:\n    pass\nexcept* OSError:\n    pass",
        "from enum import StrEnum",
        "import enum\nclass A(enum.StrEnum): pass",
        "from datetime import UTC",
        "import tomllib",
        "from typing import Self",
        "@dataclass(frozen=True, slots=True)\nclass A: pass",
        "zip(a, b, strict=True)",
        "isinstance(x, int | str)",
    ],
)
def test_new_python_on_targets_is_found(bad: str) -> None:
    assert list(layers.too_new(Source(ADAPTER, bad)))


def test_python_3_9_passes() -> None:
    good = (
        "from __future__ import annotations\ndef f(a: int | None, b: list[str]) -> str:\n    return zip(a, b)"
    )
    assert not list(layers.too_new(Source(ADAPTER, good)))


def test_an_undeclared_library_is_found() -> None:
    bad = Source("plugins/plugin_utils/artifacts/pack.py", "import pathspec\nimport requests")
    assert [line for line in layers.undeclared(bad, frozenset({"pathspec"})) if "requests" in line]
    assert not [line for line in layers.undeclared(bad, frozenset({"pathspec"})) if "pathspec " in line]


def test_no_file_imports_itself_in_the_end() -> None:
    graph = import_graph(below("plugins", "*.py"))
    assert sum(map(len, graph.values())) > len(graph)
    assert cycle(graph) == ""


@pytest.mark.parametrize(
    "texts",
    [
        ("from .b import x", "from .a import y"),
        ("from . import b", "from . import a"),
        ("from .b import x", "def f():\n    from .a import y"),
        ("from .b import x", "if TYPE_CHECKING:\n    from .a import y"),
        ("from .b import x", "from ..p import a"),
        ("from .b import x", "import ansible_collections.mas.ops.plugins.module_utils.p.a"),
        ("from .b import x", "from ansible_collections.mas.ops.plugins.module_utils.p.a import y"),
        ("from . import x", "", "from .a import x"),
    ],
)
def test_a_circle_of_imports_is_found(texts: tuple[str, ...]) -> None:
    folder = "plugins/module_utils/p"
    names = ("a", "b", "__init__")
    sources = [Source(f"{folder}/{name}.py", text) for name, text in zip(names, texts, strict=False)]
    assert f"{folder}/a.py" in cycle(import_graph(sources))


def test_imports_without_a_circle_pass() -> None:
    texts = {"a": "from .b import x\nfrom .c import x", "b": "from .c import x", "c": "from ansible import a"}
    assert cycle(import_graph(Source(f"plugins/p/{name}.py", text) for name, text in texts.items())) == ""
