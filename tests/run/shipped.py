"""Checks of what users get: the collection is built, installed into an empty place and used from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import yaml

from .stage import ROOT

PLACE = ROOT / ".cache/shipped"
COLLECTIONS = PLACE / "collections"
INSTALLED = COLLECTIONS / "ansible_collections/mas/ops"
#: Kinds of plugins with documentation of their own; an action's is its module's.
DOCUMENTED = ("become", "callback", "connection", "filter", "inventory", "lookup", "module", "test", "vars")
#: What users get, at the top of the collection; all else is for who works on it and belongs into build_ignore.
SHIPPED = frozenset(
    {
        *("CHANGELOG.rst", "CODE_OF_CONDUCT.md", "LICENSE", "README.md", "SECURITY.md"),
        "execution-environment.yml",
        *(
            "changelogs",
            "docs",
            "extensions",
            "infrastructure",
            "inventories",
            "meta",
            "playbooks",
            "plugins",
        ),
        "roles",
        "tasks",
    }
)

#: For playbooks whose hosts depend on a variable and on the inventory's groups.
EXAMPLE = ("-i", "inventory.yml", "-e", "application_name=agents", "-e", "deploy_version=1.0.0")


def tarball() -> Path:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))["version"]
    return PLACE / "dist" / f"mas-ops-{version}.tar.gz"


def build() -> None:
    """Build from the checkout as it lies there, and install the result where nothing else is."""
    shutil.rmtree(PLACE, ignore_errors=True)
    _run("ansible-galaxy", "collection", "build", "--output-path", str(tarball().parent), str(ROOT))
    _run("ansible-galaxy", "collection", "install", "--offline", "-p", str(COLLECTIONS), str(tarball()))
    known = set(known_files())
    strays = [name for name in shipped_files() if name not in known or name.split("/")[0] not in SHIPPED]
    if strays:
        raise SystemExit(f"not meant to be shipped: {', '.join(strays[:20])}; see build_ignore in galaxy.yml")


def shipped_files() -> Iterator[str]:
    made = {"FILES.json", "MANIFEST.json"}
    for path in sorted(INSTALLED.rglob("*")):
        name = path.relative_to(INSTALLED).as_posix()
        if path.is_file() and name not in made:
            yield name


def known_files() -> list[str]:
    """What git knows, or would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\0") if name]


def documentation() -> None:
    """ansible-doc can show every plugin and role that is shipped."""
    for kind, names in sorted(plugins().items()):
        _run("ansible-doc", "--type", kind, "--json", *names, quiet=True)
        print(f"{kind}: {', '.join(names)}")


def plugins() -> dict[str, list[str]]:
    """Full names of what is shipped, by the kind that ansible-doc calls it."""
    found = {
        kind: _names(INSTALLED / "plugins" / ("modules" if kind == "module" else kind)) for kind in DOCUMENTED
    }
    found["role"] = sorted(
        path.parent.parent.name for path in INSTALLED.glob("roles/*/meta/argument_specs.yml")
    )
    return {kind: [f"mas.ops.{name}" for name in names] for kind, names in found.items() if names}


def _names(folder: Path) -> list[str]:
    # Filters and tests describe each of their names in a YAML file beside the Python.
    described = sorted(path.stem for path in folder.glob("*.yml"))
    return described or sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def playbooks() -> None:
    """Every playbook parses under its full name, with all roles and modules found."""
    (PLACE / "inventory.yml").write_text("agents: {hosts: {web1: {}}}\n", "utf-8")
    names = sorted(path.stem for path in INSTALLED.glob("playbooks/*.yml"))
    for name in names:
        _run("ansible-playbook", "--syntax-check", *EXAMPLE, f"mas.ops.{name}")
    # A user's own playbook, as ansible-lint meets it: no inventory, no extra variables.
    imports = [{"name": name, "ansible.builtin.import_playbook": f"mas.ops.{name}"} for name in names]
    (PLACE / "site.yml").write_text(yaml.safe_dump(imports, explicit_start=True, sort_keys=False), "utf-8")
    _run("ansible-playbook", "--syntax-check", "-i", os.devnull, "site.yml")


def importer() -> None:
    """What Ansible Galaxy and Automation Hub check when a collection is uploaded."""
    config = PLACE / "importer.ini"
    config.write_text(
        "[galaxy-importer]\n"
        # Stages of their own do these, with more rules.
        "run_ansible_test = False\nrun_ansible_lint = False\nrun_flake8 = False\n"
        "check_required_tags = True\ncheck_changelog = True\ncheck_runtime_version = True\n"
        "ansible_local_tmp = ~/.ansible/tmp\nlog_level_main = INFO\n",
        "utf-8",
    )
    os.environ["GALAXY_IMPORTER_CONFIG"] = str(config)
    _run(sys.executable, "-m", "galaxy_importer.main", str(tarball()), cwd=PLACE)


def _run(*argv: str, cwd: Path = PLACE, quiet: bool = False) -> None:
    """Run a program that sees the installed collection and not the checkout."""
    cwd.mkdir(parents=True, exist_ok=True)
    seen = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}
    output = subprocess.DEVNULL if quiet else None
    status = subprocess.run(argv, cwd=cwd, env={**os.environ, **seen}, stdout=output, check=False).returncode
    if status:
        raise SystemExit(f"{' '.join(argv)} ended with status {status}")


COMMANDS: dict[str, Callable[[], None]] = {
    "build": build,
    "documentation": documentation,
    "importer": importer,
    "playbooks": playbooks,
}


def main(argv: Sequence[str]) -> None:
    if len(argv) != 1 or argv[0] not in COMMANDS:
        raise SystemExit(f"usage: python -m tests.run.shipped {'|'.join(COMMANDS)}")
    COMMANDS[argv[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
