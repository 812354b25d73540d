# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what a host's proxy has to what it should have: files, and what HAProxy must do to read them. No I/O."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from .._core.errors import Refused
from .._core.plan import Plan, Step
from . import config
from .checks import Fixed, render_fixed, render_map, render_warm
from .settings import IN, OUT, render_state, state_file
from .sites import Site, check_together, fronts
from .split import NO_TRAFFIC, SLOTS, Split, render

HAPROXY = "/etc/haproxy"
FOLDER = f"{HAPROXY}/conf.d"
SITES = f"{HAPROXY}/mas"
MAIN = f"{HAPROXY}/haproxy.cfg"
#: How the file of each frontend begins, before its port.
_FRONTS = f"{FOLDER}/30-mas-"
OPTIONS = "/etc/default/haproxy"
SOCKET = "/run/haproxy/admin.sock"
MASTER = "/run/haproxy-master.sock"
#: Read by systemd at a boot, before any service starts.
BOOT = "/etc/tmpfiles.d/mas-{}.conf"
#: What HAProxy's service runs after each start and reload, and what makes it do so. Whoever else could write to the folder
#: of the program could have HAProxy run one as root as well.
KEEP_OUT = f"{SITES}/keep_out.py"
SERVICE = "/etc/systemd/system/haproxy.service.d/mas-ops.conf"
_BIND = re.compile(r"^\s*bind\s+(\S+)", re.MULTILINE)
_PORT = re.compile(r":([0-9]+)(?:,|$)")
#: What a slot without a release is asked for.
_NOTHING = {"path": "/", "host": "localhost"}


@dataclass(frozen=True)
class Held:
    """What a slot holds now, as far as the proxy has to know it. It has none where nothing is released yet."""

    path: str
    host: str
    expected: int
    timeout: float
    port: int
    #: Whether its port belongs to its unit now.
    serves: bool = True
    #: Whether it is the one that users have.
    live: bool = False


@dataclass(frozen=True)
class Found:
    """What is on the host.

    ``files`` are the texts of all files that could be written, by path. ``foreign`` are the main files that
    neither the distribution nor the role wrote. ``slots`` is what each slot holds, by application and slot. ``keep_out``
    is the text of the program that keeps slots out, as this code brings it.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    foreign: Sequence[str] = ()
    slots: Mapping[str, Mapping[str, Held]] = field(default_factory=dict)
    keep_out: str = ""


def merged(own: Sequence[Site], others: Sequence[Site], metrics: int) -> list[Site]:
    """All sites of the host, where these replace what was known of them.

    :raises BadInput: they do not fit together
    """
    names = {site.name for site in own}
    sites = [*own, *(site for site in others if site.name not in names)]
    check_together(sites, metrics)
    return sites


def wanted(
    main: config.Main, sites: Sequence[Site], released: Container[str] = (), keep_out: str = ""
) -> dict[str, str]:
    """The files that belong to the role, by path.

    :param released: the applications whose units take their slots out and in
    :param keep_out: the text of that program
    """
    files = {
        MAIN: config.render_main(main, FOLDER),
        OPTIONS: config.render_options(MASTER, FOLDER),
    }
    if sites:
        files[KEEP_OUT] = keep_out
        files[SERVICE] = config.render_service(KEEP_OUT, FOLDER, SOCKET)
    for site in sites:
        files[f"{FOLDER}/20-{site.name}.cfg"] = config.render_backend(site)
        if site.name in released:
            files[BOOT.format(site.name)] = _render_boot(site.name)
    for front in fronts(sites):
        files[f"{_FRONTS}{front[0].port}.cfg"] = config.render_front(front)
    return files


def _render_boot(name: str) -> str:
    """A power cut leaves no time to take a slot out: each boot begins without it, and its unit takes it in."""
    lines = ""
    for slot in SLOTS:
        text = render_state(name, slot, OUT).replace("\n", "\\n")
        lines += f"f+! {_state(name, slot)} 0644 root root - {text}\n"
    return f"{config.MARK}: a slot of {name} takes part again once its own process is up.\n{lines}"


def _split(name: str) -> str:
    return f"{FOLDER}/10-{name}-split.cfg"


def _state(name: str, slot: str) -> str:
    return state_file(_split(name), name, slot)


def first(sites: Sequence[Site], slots: Mapping[str, Mapping[str, Held]]) -> dict[str, str]:
    """What the modules change from then on, and the proxy cannot start without."""
    files: dict[str, str] = {}
    for site in sites:
        held = slots.get(site.name, {})
        name = site.name
        files[_split(name)] = render(
            name, next((Split.to(slot) for slot in held if held[slot].live), NO_TRAFFIC)
        )
        files[f"{FOLDER}/10-{name}-slots.cfg"] = render_fixed(name, _fixed(site, held))
        files[f"{FOLDER}/10-{name}-warm.cfg"] = render_warm(name, None)
        for slot in SLOTS:
            serves = slot not in held or held[slot].serves
            files[_state(name, slot)] = render_state(name, slot, IN if serves else OUT)
        for what, nothing in _NOTHING.items():
            values = {slot: getattr(held[slot], what) if slot in held else nothing for slot in SLOTS}
            files[posixpath.join(config.MAPS, f"{name}-{what}.map")] = render_map(values)
    return files


def _fixed(site: Site, held: Mapping[str, Held]) -> Fixed:
    ports = {slot: held[slot].port if slot in held else site.ports[slot] for slot in SLOTS}
    if not held:
        return Fixed(frozenset({200}), 2.0, ports)
    return Fixed.of(list(held.values()), ports)


def refuse_held(
    gone: Iterable[str], slots: Mapping[str, Mapping[str, Held]], advice: Callable[[str], str]
) -> None:
    """
    :param advice: what to do about such settings of an application
    :raises Refused: an application that is not to be served any more has a web process in a slot
    """
    held = [(name, " and ".join(sorted(slots[name]))) for name in gone if slots.get(name)]
    for name, where in held:
        raise Refused(
            f"application_web is false, and slot {where} of {name} still serves requests",
            where="this host",
            fix=advice(name),
        )


def _left(gone: Iterable[str], sites: Sequence[Site]) -> set[str]:
    """All that was written for these applications, and what is for all of them when there is none any more."""
    shared = set() if sites else {KEEP_OUT, SERVICE}
    return shared.union(*(_files_of(name) for name in gone))


def _files_of(name: str) -> list[str]:
    """All that is written for one application."""
    parts = ("split", "slots", "warm", *(f"{slot}-state" for slot in SLOTS))
    return [
        *(f"{FOLDER}/10-{name}-{part}.cfg" for part in parts),
        f"{FOLDER}/20-{name}.cfg",
        *(posixpath.join(config.MAPS, f"{name}-{what}.map") for what in _NOTHING),
        BOOT.format(name),
        f"{SITES}/{name}.json",
    ]


def plan_config(
    found: Found,
    main: config.Main,
    sites: Sequence[Site],
    take_over: bool = False,
    gone: Sequence[str] = (),
) -> Plan:
    """The change from what is there.

    :param gone: applications that are not served any more
    :raises Refused: a main file is an administrator's own
    """
    if found.foreign and not take_over:
        raise Refused(
            f"{' and '.join(found.foreign)} {'is' if len(found.foreign) == 1 else 'are'} not the distribution's and "
            "not of this role",
            where="HAProxy on this host",
            fix=f"Move what is needed into a file of its own in {FOLDER}, or set proxy_take_over: true: "
            "the role then keeps a copy beside each and writes its own.",
        )
    _check_binds(found.files, sites)
    mine = wanted(main, sites, found.slots, found.keep_out)
    files = {path: text for path, text in mine.items() if found.files.get(path) != text} | {
        path: text for path, text in first(sites, found.slots).items() if path not in found.files
    }
    left = _left(gone, sites)
    stale = sorted(
        path for path in found.files if path in left or (path.startswith(_FRONTS) and path not in mine)
    )
    steps = [Step("keep", path) for path in found.foreign if path in files]
    steps += [Step("write", path) for path in sorted(files)]
    steps += [Step("remove", path) for path in stale]
    before: dict[str, Any] = {path: found.files.get(path, "").splitlines() for path in (*files, *stale)}
    after = {path: text.splitlines() for path, text in files.items()}
    return Plan(before, {**after, **{path: [] for path in stale}}, tuple(steps))


def plan_unserved(found: Found, name: str, port: int, others: Sequence[Site]) -> Plan:
    """Serve one application no more. All that is for the others, and the main files, stay as they are.

    In this order HAProxy can be started between any two steps: what refers to a file goes before it. The file that says that
    the application is served goes last.

    :param port: where it was served; the frontend of that port is written anew for the others, if there are some
    """
    fronts_after = {f"{_FRONTS}{front[0].port}.cfg": config.render_front(front) for front in fronts(others)}
    path = f"{_FRONTS}{port}.cfg"
    text = fronts_after.get(path)
    site = f"{SITES}/{name}.json"
    own = [f"{FOLDER}/20-{name}.cfg", *_files_of(name), *sorted(_left((), others)), site]
    gone = [file for file in dict.fromkeys(own) if file in found.files and file != site]
    front = [Step("write", path)] if text is not None and found.files.get(path) != text else []
    if text is None and path in found.files:
        front = [Step("remove", path)]
    last = [site] if site in found.files else []
    steps = (*front, *(Step("remove", file) for file in (*gone, *last)))
    before = {step.target: found.files.get(step.target, "").splitlines() for step in steps}
    after = {step.target: (text or "").splitlines() if step.action == "write" else [] for step in steps}
    return Plan(before, after, steps)


def texts_after(found: Found, plan: Plan) -> dict[str, str]:
    """All files as they are once the plan was carried out."""
    gone = {step.target for step in plan.steps if step.action == "remove"}
    kept = {path: text for path, text in found.files.items() if path not in gone}
    written = [step.target for step in plan.steps if step.action == "write"]
    return {**kept, **{path: "".join(f"{line}\n" for line in plan.after[path]) for path in written}}


def has_backend(files: Mapping[str, str], name: str) -> bool:
    """Whether some file of the proxy has a backend of that name."""
    line = re.compile(rf"^\s*backend\s+{re.escape(name)}\s*$", re.MULTILINE)
    return any(line.search(text) for path, text in files.items() if path.endswith(".cfg"))


def certified(plan: Plan, secret: Mapping[str, str], same: Callable[[str, str], bool]) -> Plan:
    """The plan with files that no diff shows.

    :param secret: their texts by path
    :param same: whether a file holds a text already
    """
    new = [path for path, text in secret.items() if not same(path, text)]
    before = {**plan.before, **{path: ["(hidden)"] for path in new}}
    after = {**plan.after, **{path: ["(hidden, another one)"] for path in new}}
    return Plan(before, after, (*(Step("write", path) for path in new), *plan.steps))


def _check_binds(files: Mapping[str, str], sites: Sequence[Site]) -> None:
    """HAProxy lets two frontends listen on one port, and then users get the one or the other.

    :raises Refused: another file of this host listens where a site should
    """
    names = {f"{FOLDER}/20-{site.name}.cfg" for site in sites}
    ports = {port for site in sites for port in site.binds}
    for path, text in sorted(files.items()):
        if not path.startswith(f"{FOLDER}/") or path.startswith(_FRONTS) or path in names:
            continue
        taken = {int(port) for line in _BIND.findall(text) for port in _PORT.findall(line)} & ports
        if taken:
            raise Refused(
                f"a frontend of another file listens on port {min(taken)} already",
                where=path,
                fix="Provision that application again as well, or give this one another port (proxy_port).",
            )


def texts(found: Found, main: config.Main, sites: Sequence[Site], gone: Sequence[str] = ()) -> dict[str, str]:
    """All files as they will be, those of others too: what HAProxy has to judge as a whole."""
    mine = wanted(main, sites, found.slots, found.keep_out)
    left = _left(gone, sites)
    kept = {
        path: text for path, text in found.files.items() if path not in left and not path.startswith(_FRONTS)
    }
    return {**first(sites, found.slots), **kept, **mine}
