"""ansible-test sanity on what is shipped, without containers.

python -m tests.run.sanity            with the checkout's own ansible-core and Python: all of its tests
python -m tests.run.sanity oldest     the oldest Python of targets imports the modules
python -m tests.run.sanity RELEASE    another ansible-core (tests/run/ansible_core.py): what differs between releases
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import ansible_core
from .shipped import INSTALLED
from .stage import ROOT, skip

PLACE = ROOT / ".cache/sanity"
OLDEST = "3.9"

# ansible-test fetches pip from a place of its own; Python brings one that does as well. Releases name it by pip's version.
BOOTSTRAPS = tuple(f".ansible/test/cache/get_pip_{version}.py" for version in ("24_2", "25_2"))

#: What depends on ansible-core's own code: the schema of documentation, its reader, and how it runs modules.
_DIFFERS = ("validate-modules", "ansible-doc", "import")
_OLDEST = ("compile", "import")


def main(argv: Sequence[str]) -> int:
    what = argv[0] if argv else ""
    if what not in {"", "oldest", *ansible_core.RELEASES}:
        raise SystemExit(f"no such sanity: {what}; there are oldest, {', '.join(ansible_core.RELEASES)}")
    version = {"": _own(), "oldest": OLDEST}.get(what, ansible_core.PYTHON)
    folder = _folder_of(version) if what else Path(sys.executable).parent
    if folder is None:
        return skip(f"no working python{version} here, so sanity {what} was not tried")
    if what in ansible_core.RELEASES:
        print(f"ansible-core {ansible_core.version(what)}", flush=True)
        folder = ansible_core.environment(what, folder / f"python{version}") / "bin"
    # Several of them run at a time. ansible-test keeps its virtual environments below its home, and works only in a folder
    # of this shape that git does not ignore, so it gets a repository of its own.
    home, tree = PLACE / f"home-{what}", PLACE / f"tree-{what}/ansible_collections/mas/ops"
    environment = _environment(home)
    environment["PATH"] = os.pathsep.join([str(folder), environment["PATH"]])
    _lay_out(home, tree)
    # With nothing to look at it succeeds, so ask it first what it sees.
    if not _ansible_test(tree, ["--list-tests"], environment, capture=True).stdout.strip():
        raise SystemExit(f"ansible-test sees nothing to check in {tree}")
    return _ansible_test(tree, _options(what), environment).returncode


def _options(what: str) -> list[str]:
    tests: tuple[str, ...] = ()
    if what == "oldest":
        options, tests = ["--controller", f"origin:python={_own()}", "--target-python", OLDEST], _OLDEST
    elif what in ansible_core.RELEASES:
        options, tests = ["--local", "--python", ansible_core.PYTHON], _DIFFERS
    else:
        options = ["--local", "--python", _own()]
    return [*options, *(word for test in tests for word in ("--test", test))]


def _own() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _lay_out(home: Path, tree: Path) -> None:
    """A fresh copy of the built collection, with our exceptions beside it."""
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(INSTALLED, tree)
    shutil.copytree(ROOT / "tests/sanity", tree / "tests/sanity")
    shutil.copy(ROOT / "tests/config.yml", tree / "tests/config.yml")
    subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
    for bootstrap in BOOTSTRAPS:
        path = home / bootstrap
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import ensurepip\n\nensurepip.bootstrap()\n", "utf-8")


def _environment(home: Path) -> dict[str, str]:
    real = Path.home()
    return {
        **os.environ,
        "HOME": str(home),
        # pip's settings and cache are still the user's.
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", str(real / ".config")),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(real / ".cache")),
    }


def _folder_of(version: str) -> Path | None:
    """Where an interpreter lies that really runs: a version manager's stand-in may be there and not work."""
    name = f"python{version}"
    versions = Path.home() / ".pyenv/versions"
    folders = [Path(each) for each in os.get_exec_path()] + sorted(versions.glob(f"{version}.*/bin"))
    for folder in folders:
        if (folder / name).is_file() and _runs(folder / name):
            return folder
    return None


def _runs(program: Path) -> bool:
    return subprocess.run([program, "-c", "import venv"], capture_output=True, check=False).returncode == 0


def _ansible_test(
    tree: Path, options: Sequence[str], environment: dict[str, str], *, capture: bool = False
) -> subprocess.CompletedProcess[str]:
    output = subprocess.PIPE if capture else None
    argv = ["ansible-test", "sanity", *options]
    return subprocess.run(argv, cwd=tree, env=environment, stdout=output, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
