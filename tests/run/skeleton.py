"""Write the files that a new module, role or playbook begins with: complete, and such that all checks pass.

python -m tests.run.skeleton module|role|playbook NAME

The templates are the files below tests/run/skeletons/KIND. ``NAME`` and ``PACKAGE`` in their paths, and ``$name``,
``$package`` and ``$version`` in their text, are replaced. A module whose name ends in ``_info`` begins as one that only reads.
"""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from string import Template

import yaml

from .stage import ROOT

SKELETONS = Path(__file__).with_name("skeletons")
SUFFIX = ".tmpl"
KINDS = ("module", "role", "playbook")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
_INFO = "_info"

NEXT = {
    "module": "Replace what it reads or writes by your own, first in module_utils and its test.",
    "role": "Replace its tasks by your own, then run `make tables` and `make molecule S=$name`.",
    "playbook": "Replace its work by your own, then run `make tables`; tests/integration/test_$name.py runs it on hosts.",
}
ALL_NEXT = (
    "Run `make check`. docs/contributing.md, under Add a capability, lists what else belongs to it.",
    "`git status` shows the files.",
)


class Unusable(Exception):
    """The name cannot be used. Nothing was written."""


def check_name(kind: str, name: str, root: Path) -> None:
    """Refuse a name that is no flat snake_case, or that exists.

    :raises Unusable: and why
    """
    if not _NAME.match(name) or keyword.iskeyword(name):
        raise Unusable(
            f"{name!r} is no name for a {kind}: use small letters, digits and single underscores, for example disk_info"
        )
    taken = [path for path in _taken(kind, name) if (root / path).exists()]
    if taken:
        raise Unusable(f"a {kind} {name} cannot be made, because {taken[0]} exists")


def _taken(kind: str, name: str) -> Iterator[str]:
    if kind == "module":
        # An action of the name would replace the module.
        yield f"plugins/action/{name}.py"
    yield from (str(path) for path, _ in files(kind, name, ""))
    if kind == "module":
        yield f"plugins/module_utils/_{package(name)}"


def package(name: str) -> str:
    """The domain package of a module, without its leading underscore."""
    return name.removesuffix(_INFO)


def files(kind: str, name: str, version: str) -> Iterator[tuple[Path, str]]:
    """Each file with its text; paths are relative to the checkout."""
    folder = SKELETONS / ("info_module" if kind == "module" and name.endswith(_INFO) else kind)
    words = {"name": name, "package": package(name), "version": version}
    for template in sorted(folder.rglob(f"*{SUFFIX}")):
        path = template.relative_to(folder).as_posix().removesuffix(SUFFIX)
        yield _named(path, words), Template(template.read_text("utf-8")).substitute(words)


def _named(path: str, words: Mapping[str, str]) -> Path:
    return Path(path.replace("NAME", words["name"]).replace("PACKAGE", words["package"]))


def in_action_group(text: str, module: str) -> str:
    """meta/runtime.yml with the module in the action group ``all``, in the order of the alphabet."""
    lines = text.splitlines()
    names = [line.strip().removeprefix("- ") for line in lines if line.startswith("    - ")]
    first = next(number for number, line in enumerate(lines) if line.startswith("    - "))
    lines[first : first + len(names)] = [f"    - {name}" for name in sorted({*names, module})]
    return "\n".join(lines) + "\n"


def write(kind: str, name: str, root: Path = ROOT) -> list[Path]:
    """Write all files of one kind; what was written.

    :raises Unusable: the name cannot be used, and nothing was written
    """
    check_name(kind, name, root)
    version = yaml.safe_load((root / "galaxy.yml").read_text("utf-8"))["version"]
    written = []
    for path, text in files(kind, name, version):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
        written.append(path)
    _lay_out(root, [str(path) for path in written if path.suffix == ".py"])
    if kind == "module":
        runtime = Path("meta/runtime.yml")
        (root / runtime).write_text(in_action_group((root / runtime).read_text("utf-8"), name), "utf-8")
        written.append(runtime)
    else:
        # A process of its own: it reads what was written only now.
        subprocess.run(
            [sys.executable, "-m", "tests.run.tables"], cwd=root, check=True, stdout=subprocess.DEVNULL
        )
        written.append(Path("docs/variables.md"))
    return written


def _lay_out(root: Path, paths: Sequence[str]) -> None:
    """How long lines are, and which import comes first, depends on the name."""
    for command in (("check", "--select=I", "--fix"), ("format",)):
        subprocess.run([sys.executable, "-m", "ruff", *command, "--quiet", *paths], cwd=root, check=True)


def report(kind: str, name: str, written: Iterable[Path]) -> str:
    said = [f"{kind} {name}:", *(f"  {path}" for path in written), "", "Next:"]
    said += [f"  {line}" for line in (Template(NEXT[kind]).substitute(name=name), *ALL_NEXT)]
    return "\n".join(said)


def main(argv: Sequence[str]) -> int:
    if len(argv) != 2 or argv[0] not in KINDS:
        print(f"usage: python -m tests.run.skeleton {'|'.join(KINDS)} NAME", file=sys.stderr)
        return 2
    kind, name = argv
    try:
        written = write(kind, name)
    except Unusable as problem:
        print(problem, file=sys.stderr)
        return 1
    print(report(kind, name, written))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
