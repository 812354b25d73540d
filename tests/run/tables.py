"""What is written from the argument specs: docs/variables.md, a table in the README of each role, and playbooks/vars.

python -m tests.run.tables     writes them anew; tests/architecture/test_tables.py says when that is due
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.mas.ops.plugins.plugin_utils.variables import definition
from ansible_collections.mas.ops.plugins.plugin_utils.variables.adapters.files import catalogue
from ansible_collections.mas.ops.plugins.plugin_utils.variables.catalogue import (
    Playbook,
    Variable,
    parse_variables,
)

from .stage import ROOT

BEGIN = "<!-- Written by `make tables` from meta/argument_specs.yml. -->"
END = "<!-- End of the table. -->"
_MARKUP = re.compile(r"\b[CIMOPV]\(((?:[^()]|\([^()]*\))*)\)")
_PAGE = re.compile(r"\bdocs/(\w+\.md)\b")
_KIND = re.compile(r"#\w+$")

_HEAD = """\
# Variables

<!-- Written by `make tables` from playbooks/argument_specs and the roles; tests compare them. -->

Every playbook refuses, before it touches a host, a variable of the wrong type, one that is missing, and an unknown one that
begins as those below do, because it may be a misspelt one: the message names the nearest. Variables of your own with such a
name, `proxy_env` for example, are listed in `mas_foreign_variables`. Of a rollback, and of a deploy that is aborted, only a mistake
about where it goes is an error; all else is a warning.

A variable that is **of the run** comes with `-e`, from a survey, or from `vars` of an `import_playbook`, and is refused in the
inventory, where it would count for every run. Set all others in the inventory; an extra variable beats it.
"""


_DEFINITION = """\
## An application

Everything about one application is in one mapping, which every playbook reads: `mas_application_agents` for the application
`agents`, `mas_application_my_shop` for `my-shop`. It is set for the hosts of the group of that name, for example in
`group_vars/agents/main.yml`. A key that is not known is an error. Two applications on one host have one mapping each.
"""
_SETTINGS = """\
# Written by `make tables` from the spec of the role application: what mas_application_<name> says, and the defaults of the role.
---
# The definition says whose settings these are.
application_settings_for: "{{ application_name }}"
"""
_SETTINGS_OF_PROXY = (
    "",
    "# What the role proxy serves: the application with its ports, and what the definition says of the proxy.",
    "proxy_applications: >-",
    "  {{ [proxy_application | combine(lookup('mas.ops.application', application_name, 'proxy', default={}))]",
    "  if application_web | bool else [] }}",
)


def markdown(text: str) -> str:
    """A description of an argument spec with its markup as Markdown, on one line."""
    plain = _MARKUP.sub(lambda found: f"`{_KIND.sub('', found[1])}`", text)
    plain = _PAGE.sub(r"[\1](\1)", plain)
    return " ".join(plain.split()).replace("|", "\\|")


def value(variable: Variable) -> str:
    if variable.required:
        return "required"
    if variable.default is None or variable.default == "":
        return ""
    text = variable.default if isinstance(variable.default, str) else json.dumps(variable.default)
    return f"`{text}`".replace("|", "\\|")


def table(variables: Iterable[Variable]) -> Iterator[str]:
    yield "| variable | type | default | |"
    yield "| --- | --- | --- | --- |"
    for one in variables:
        kind = f"{one.type} of {one.elements}" if one.elements else one.type
        words = [
            *one.description,
            f"One of {', '.join(f'`{each}`' for each in one.choices)}." if one.choices else "",
        ]
        words += ["**Of the run.**" if one.run else "", "Secret." if one.secret else ""]
        yield f"| `{one.name}` | {kind} | {value(one)} | {markdown(' '.join(filter(None, words)))} |"


def page() -> str:
    """docs/variables.md."""
    known = catalogue()
    lines = [_HEAD, "## By playbook", ""]
    for playbook in known.playbooks.values():
        lines += [*_playbook(playbook, known.shared), ""]
    lines += [_DEFINITION]
    for name, variables in (
        ("mas_application_<name>", definition.keys(known)),
        ("mas_application_<name>.proxy", definition.proxy_keys(known)),
        ("mas_application_<name>.deploy", definition.deploy_keys(known)),
    ):
        lines += [f"### {name}", "", *table(variables), ""]
    lines += ["## Shared", ""]
    for name, variables in known.shared.items():
        lines += [f"### {name}", "", *table(variables), ""]
    lines += ["## Roles", ""]
    for role in sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "README.md").is_file()):
        lines.append(f"- [{role}](../roles/{role}/README.md): {spec(role)['short_description']}")
    return "\n".join(lines) + "\n"


def _playbook(playbook: Playbook, shared: Mapping[str, tuple[Variable, ...]]) -> Iterator[str]:
    yield f"### mas.ops.{playbook.name}"
    yield ""
    yield f"{playbook.summary}."
    yield ""
    if playbook.own:
        yield from table(playbook.own)
        yield ""
    whole = [name for name, group in shared.items() if all(one in playbook.shared for one in group)]
    single = [one.name for one in playbook.shared if not any(one in shared[name] for name in whole)]
    words = [*(f"`{name}`" for name in single), *(f"those of [{name}](#{name})" for name in whole)]
    if words:
        yield f"{'Further' if playbook.own else 'It reads'}: {', '.join(words)}."


def spec(role: str) -> dict[str, Any]:
    """What the argument spec of a role says of its entry point ``main``."""
    text = (ROOT / "roles" / role / "meta/argument_specs.yml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["argument_specs"]["main"]
    return found


def readme(role: str) -> str:
    """The README of a role with its table as it has to be; one whose role has no variables stays as it is."""
    path = ROOT / "roles" / role / "README.md"
    text = path.read_text("utf-8")
    variables = parse_variables(spec(role).get("options", {}))
    if not variables:
        return text
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{path} has no table between {BEGIN} and {END}")
    return "\n".join([f"{before}{BEGIN}", "", *table(variables), "", f"{END}{after}"])


def expression(default: Any) -> str:
    """A default as a Jinja expression: the texts of a spec are templates."""
    if not isinstance(default, str):
        return repr(default)
    parts = [part for part in re.split(r"({{.*?}})", default) if part]
    return " ~ ".join(part[2:-2].strip() if part.startswith("{{") else repr(part) for part in parts) or "''"


def settings() -> str:
    """playbooks/vars/application.yml: the variables of the role ``application``, as the definition of the application says them."""
    lines = [_SETTINGS]
    for key in definition.keys(catalogue()):
        if key.name in ("proxy", "deploy"):
            continue
        default = "" if key.default is None else f", default={expression(key.default)}"
        read = f"{{{{ lookup('mas.ops.application', application_name, '{key.name}'{default}) }}}}"
        name = f"application_{key.name}:"
        lines.append(f'{name} "{read}"' if len(name + read) < 130 else f"{name} >-\n  {read}")
    return "\n".join([*lines, *_SETTINGS_OF_PROXY]) + "\n"


def files() -> Iterator[tuple[Path, str]]:
    """Each file with tables, and what has to be in it."""
    yield ROOT / "docs/variables.md", page()
    yield ROOT / "playbooks/vars/application.yml", settings()
    for path in sorted((ROOT / "roles").glob("*/README.md")):
        yield path, readme(path.parent.name)


def main() -> int:
    for path, text in files():
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
