"""No returned key is one that Ansible owns, and each rule about it can fail."""

from __future__ import annotations

import pytest

from tests.architecture import returned
from tests.architecture.source import Source, files

#: Where results are made.
MAKERS = (
    *("plugins/action/*.py", "plugins/plugin_utils/adapters/action.py"),
    *("plugins/plugin_utils/gate/report.py", "plugins/module_utils/_core/*.py", "plugins/module_utils/_releases/manage.py",
    "plugins/module_utils/_releases/report.py"),
)  # fmt: skip


def test_no_module_documents_one() -> None:
    modules = list(files("plugins/modules/*.py"))
    assert modules
    found = [line for source in modules for line in returned.documented(source)]
    assert not found, "\n" + "\n".join(found)


def test_nothing_sets_one() -> None:
    makers = list(files(*MAKERS))
    assert makers
    found = [line for source in makers for line in returned.set_by_hand(source)]
    assert not found, "\n" + "\n".join(found)


def module(returns: str) -> Source:
    return Source("plugins/modules/x.py", f'RETURN = r"""\n{returns}"""\n')


@pytest.mark.parametrize("key", ["skipped", "failed", "results", "end", "_ansible_no_log", "ansible_facts"])
def test_a_documented_one_is_found(key: str) -> None:
    assert list(returned.documented(module(f"{key}: {{type: list}}\n")))


@pytest.mark.parametrize("returns", ["hosts: {type: list}\n", "msg: {type: str}\n", ""])
def test_what_is_ours_may_be_documented(returns: str) -> None:
    assert not list(returned.documented(module(returns)))


def test_a_text_must_be_a_text() -> None:
    assert list(returned.documented(module("msg: {type: dict}\n")))


@pytest.mark.parametrize("bad", ["return {'skipped': hosts}", "facts = {**x, 'rc': 1}", "f({'stdout': ''})"])
def test_one_that_is_set_is_found(bad: str) -> None:
    assert list(returned.set_by_hand(Source("plugins/action/x.py", f"def f():\n    {bad}\n")))


def test_what_means_the_same_may_be_set() -> None:
    good = "def f():\n    return {'changed': True, 'msg': 'a', 'left_out': []}\n"
    assert not list(returned.set_by_hand(Source("plugins/action/x.py", good)))
