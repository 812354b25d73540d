"""YAML stays data, and each rule about it can fail."""

from __future__ import annotations

import pytest

from tests.architecture import tasks
from tests.architecture.source import Source, files

PLACES = (
    "tasks/*.yml",
    "roles/*/tasks/*.yml",
    "roles/*/handlers/*.yml",
    "playbooks/*.yml",
    "playbooks/*/*.yml",
)


def test_task_files_are_tables_of_contents() -> None:
    found = list(files(*PLACES))
    assert found
    problems = [line for source in found for line in tasks.problems(source)]
    assert not problems, "\n" + "\n".join(problems)


def sample(text: str) -> Source:
    return Source("roles/x/tasks/main.yml", text)


TASK = "- name: Say\n  ansible.builtin.debug:\n    msg: {}\n"


@pytest.mark.parametrize(
    "bad",
    [
        TASK.format("a") * 21,
        "# a\n" * 81,
        TASK.format("'{% if a %}b{% endif %}'"),
        TASK.format("'{{ a | b | c | d | e }}'"),
        TASK.format("a") + "  when: a | b | c | d | e\n",
        TASK.format("a") + "  when:\n    - x\n    - a | b | c | d | e\n",
        TASK.format("a") + "  ignore_errors: true\n",
        "- name: Play\n  hosts: all\n  ignore_errors: true\n",
        "- name: Run\n  ansible.builtin.shell: ls | wc\n",
        "- name: Run\n  shell: ls\n",
        "- name: Run\n  ansible.builtin.raw: ls\n",
        "- name: All\n  block:\n    - name: Run\n      raw: ls\n",
        "- name: Play\n  hosts: all\n  tasks:\n    - name: Run\n      block:\n        - ansible.builtin.raw: ls\n",
        "- name: All\n  block:\n" + "    - meta: noop\n" * 21,
    ],
)
def test_a_program_in_yaml_is_found(bad: str) -> None:
    assert list(tasks.problems(sample(bad)))


@pytest.mark.parametrize(
    "good",
    [
        TASK.format("a") * 20,
        TASK.format("'{{ a | b | c | d }} and {{ e | f | g | h }}'"),
        TASK.format("\"{{ a | default('x|y|z|w|v') }}\""),
        TASK.format("!unsafe 'a'"),
        "- name: Add\n  ansible.builtin.user:\n    name: a\n    shell: /bin/sh\n",
        "- name: Play\n  hosts: all\n  roles:\n    - x\n",
    ],
)
def test_data_passes(good: str) -> None:
    assert not list(tasks.problems(sample(good)))
