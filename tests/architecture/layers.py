"""Who may import what, and who may touch the world: the rules in docs/architecture.md."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from .source import Source

#: The two files of `_core` that touch the outside by their purpose: one knows AnsibleModule, one makes files crash-safe.
ANSIBLE_MODULE = "plugins/module_utils/_core/ansible_module.py"
FILE_EDGE = "plugins/module_utils/_core/files.py"

#: Modules through which a program touches a clock, a disk, a network, a process or its environment.
WORLDLY = frozenset(
    {
        *("asyncio", "concurrent", "ctypes", "fcntl", "fileinput", "ftplib", "getpass", "glob", "grp"),
        *("http", "imaplib", "importlib", "logging", "mmap", "multiprocessing", "platform", "poplib"),
        *("pty", "pwd", "requests", "resource", "runpy", "sched", "secrets", "select", "selectors"),
        *("shelve", "shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl"),
        *("subprocess", "syslog", "tempfile", "termios", "threading", "time", "tty", "urllib3"),
        *("webbrowser",),
    }
)
#: Parts of mixed modules that only compute.
PURE_PARTS = frozenset({"urllib.parse", "os.path"})
MIXED = frozenset({"os", "urllib", "pathlib"})
PURE_PATHS = frozenset({"PurePath", "PurePosixPath", "PureWindowsPath"})
PURE_OS = frozenset({"fspath", "sep"})
PURE_OS_PATH = frozenset(
    {"basename", "commonpath", "commonprefix", "dirname", "isabs", "join", "normpath", "split", "splitext"}
)

WORLDLY_CALLS = frozenset({"breakpoint", "compile", "eval", "exec", "input", "open", "print", "__import__"})
WORLDLY_METHODS = frozenset(
    {
        *("expanduser", "getenv", "iterdir", "mkdir", "mtime", "now", "read_bytes", "read_text", "resolve"),
        *("rglob", "rmdir", "symlink_to", "today", "touch", "unlink", "utcnow", "uuid1", "uuid4"),
        *("write_bytes", "write_text"),
    }
)

#: Names that came after Python 3.9, by module.
TOO_NEW = {
    "contextlib": {"aclosing", "chdir"},
    "dataclasses": {"KW_ONLY"},
    "datetime": {"UTC"},
    "enum": {"StrEnum", "ReprEnum", "verify", "member", "nonmember"},
    "inspect": {"get_annotations"},
    "itertools": {"batched", "pairwise"},
    "operator": {"call"},
    "types": {"EllipsisType", "NoneType", "NotImplementedType"},
    "typing": {
        *(
            "Concatenate",
            "LiteralString",
            "Never",
            "NotRequired",
            "ParamSpec",
            "Required",
            "Self",
            "TypeAlias",
        ),
        *("TypeGuard", "TypeVarTuple", "Unpack", "assert_never", "assert_type", "override", "reveal_type"),
    },
}
TOO_NEW_MODULES = frozenset({"tomllib"})
TOO_NEW_KEYWORDS = {
    "dataclass": {"kw_only", "slots", "weakref_slot"},
    "zip": {"strict"},
    "field": {"kw_only"},
}


def is_adapter(source: Source) -> bool:
    return "adapters" in source.parts


def is_domain(source: Source) -> bool:
    inside = source.path.startswith(("plugins/module_utils/", "plugins/plugin_utils/"))
    return inside and not is_adapter(source) and source.path not in {ANSIBLE_MODULE, FILE_EDGE}


def runs_on_targets(source: Source) -> bool:
    return source.path.startswith(("plugins/module_utils/", "plugins/modules/"))


def imports(source: Source) -> Iterator[tuple[ast.AST, int, str, str]]:
    """Each imported name: its statement, the level of a relative import, the module, the name or nothing."""
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.Import):
            yield from ((node, 0, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, node.level, node.module or "", alias.name) for alias in node.names)


def impurities(source: Source) -> Iterator[str]:
    """What a domain package must not do."""
    for node, level, module, name in imports(source):
        if level:
            if "adapters" in module.split(".") or name == "adapters":
                yield source.at(node, "a domain package imports an adapter; hand it in instead")
        elif (why := _impure_import(module, name)) is not None:
            yield source.at(node, f"a domain package imports {why}")
    for call in ast.walk(source.tree()):
        if isinstance(call, ast.Call) and (why := _impure_call(call)) is not None:
            yield source.at(call, f"a domain package calls {why}")
        elif isinstance(call, ast.Attribute) and (why := _impure_os(call)) is not None:
            yield source.at(call, f"a domain package uses {why}")


def _impure_import(module: str, name: str) -> str | None:
    top = module.partition(".")[0]
    full = f"{module}.{name}" if name else module
    if top in {"ansible", "ansible_collections"} or top in WORLDLY:
        return full
    if top not in MIXED or module in PURE_PARTS or full in PURE_PARTS or full == "os":
        return None
    return None if module == "pathlib" and name in PURE_PATHS else full


def _impure_call(call: ast.Call) -> str | None:
    if isinstance(call.func, ast.Name) and call.func.id in WORLDLY_CALLS:
        return f"{call.func.id}()"
    if not isinstance(call.func, ast.Attribute):
        return None
    if call.func.attr in WORLDLY_METHODS:
        return f".{call.func.attr}()"
    # tarfile.open and the like are pure on a stream that the caller hands in.
    if call.func.attr == "open" and not any(keyword.arg == "fileobj" for keyword in call.keywords):
        return ".open()"
    return None


def _impure_os(node: ast.Attribute) -> str | None:
    """``os.environ``, ``os.replace``, ``os.path.exists``; not ``os.path.join``."""
    dotted = ast.unparse(node)
    if dotted.startswith("os.path."):
        return None if dotted.split(".")[2] in PURE_OS_PATH else dotted
    if isinstance(node.value, ast.Name) and node.value.id == "os":
        return None if node.attr in PURE_OS | {"path"} else dotted
    return None


def foreign_imports(source: Source) -> Iterator[str]:
    """What runs on targets uses the standard library and, relatively, itself."""
    for node, level, module, _name in imports(source):
        if level:
            continue
        top = module.partition(".")[0]
        if top == "ansible":
            if source.path != ANSIBLE_MODULE:
                yield source.at(node, f"only {ANSIBLE_MODULE} imports Ansible; this imports {module}")
        elif top == "ansible_collections":
            yield source.at(node, "imports of the collection are relative")
        elif top not in sys.stdlib_module_names and top != "__future__":
            yield source.at(node, f"targets have the standard library only; this imports {module}")


def too_new(source: Source) -> Iterator[str]:
    """What Python 3.9 does not have."""
    try:
        ast.parse(source.text, source.path, feature_version=(3, 9))
    except SyntaxError as error:
        yield f"{source.path}:{error.lineno}: not Python 3.9: {error.msg}"
        return
    for node, level, module, name in imports(source):
        if not level and (module in TOO_NEW_MODULES or name in TOO_NEW.get(module, ())):
            yield source.at(node, f"not in Python 3.9: {module} {name}".rstrip())
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in TOO_NEW.get(node.value.id, ()):
                yield source.at(node, f"not in Python 3.9: {node.value.id}.{node.attr}")
        elif isinstance(node, ast.Call):
            yield from _too_new_call(source, node)


def _too_new_call(source: Source, call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    for keyword in call.keywords:
        if keyword.arg in TOO_NEW_KEYWORDS.get(name, ()):
            yield source.at(call, f"not in Python 3.9: {name}({keyword.arg}=)")
    if name in {"isinstance", "issubclass"} and any(
        isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr)
        for argument in call.args[1:]
        for part in ast.walk(argument)
    ):
        yield source.at(call, f"not in Python 3.9: {name}(…, A | B); use a tuple")


#: Import names of what Ansible itself brings to every controller.
WITH_ANSIBLE = frozenset({"ansible", "cryptography", "jinja2", "markupsafe", "packaging", "yaml"})
#: Import names of the distributions in meta/ee-requirements.txt.
DISTRIBUTIONS = {
    "cyclonedx-python-lib": "cyclonedx",
    "detect-secrets": "detect_secrets",
    "icalendar": "icalendar",
    "packageurl-python": "packageurl",
    "pathspec": "pathspec",
    "python-dateutil": "dateutil",
    "PyYAML": "yaml",
    "recurring-ical-events": "recurring_ical_events",
}


def undeclared(source: Source, declared: frozenset[str]) -> Iterator[str]:
    """Libraries of the controller's side that an execution environment would lack."""
    known = WITH_ANSIBLE | {DISTRIBUTIONS.get(name, name) for name in declared}
    for node, level, module, _name in imports(source):
        top = module.partition(".")[0]
        if not level and top not in sys.stdlib_module_names | known | {"ansible_collections", "__future__"}:
            yield source.at(
                node, f"{top} is not in meta/ee-requirements.txt (or its name not in DISTRIBUTIONS)"
            )
