# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What HAProxy's service runs after each start and reload: a slot that is out is out of the new process too.

When a process ends, its slot is written down as out of service first, and the order is given to HAProxy second. A HAProxy
that read the file before and answers after that knows of neither, and takes the slot for up. So the files are read once
more when the new process answers: what was written by then is ordered here, and what is written later is ordered from it.

Slots come in again by their own units only, which ask until they are in. Loads nothing of the collection: a copy of this
file is on the host, where no application may be installed yet. HAProxy's service waits for it, whatever comes of it.

    python3 -I -S keep_out.py start|reload FOLDER SOCKET
"""

from __future__ import annotations

# The module that socket is made of: what it adds, and what that loads, is more than all the rest.
import _socket
import os
import sys
import time

#: Seconds in which a new process must answer, and in which one that answers must do so.
_WAIT, _SECONDS = 15.0, 2.0
_POLL = 0.02
#: After so long the process before, which had its signal before the new one was made, takes no orders any more. It is
#: also what a new process may be older than this one, which starts after the signal: each life of HAProxy lasts longer.
_SETTLED = 0.2
_SLOTS = ("blue", "green")
_ASK = "show info"


def keep_out(folder: str, path: str, since: float, wait: float = _WAIT, master: str = "self") -> bool:
    """Order all that the files in ``folder`` say, until it reached a process of HAProxy alone that is new.

    :param path: of the socket, with level admin
    :param since: when that process started at the earliest, in seconds since the boot
    :param master: the process of the service. Without it there is nothing to wait for, and systemd starts it again only
        when this has ended
    :returns: whether it did within ``wait`` seconds
    """
    begin = time.monotonic()
    first = None
    while (now := time.monotonic()) < begin + wait and os.path.exists(f"/proc/{master}"):
        reached = _all_ordered(folder, path, since)
        if reached and first is not None and now >= first + _SETTLED:
            return True
        if reached and first is None:
            first = now
        time.sleep(_SETTLED if reached else _POLL)
    return False


def _all_ordered(folder: str, path: str, since: float) -> bool:
    """Whether a new process has got the orders about all slots."""
    try:
        names = sorted(os.listdir(folder))
        slots = [words for name in names if (words := _slot(name))]
        return all(_order(folder, path, *words) >= since for words in slots)
    except (OSError, ValueError):
        return False


def _slot(name: str) -> tuple[str, str] | None:
    """The application and the slot that a file is about."""
    if not (name.startswith("10-") and name.endswith("-state.cfg")):
        return None
    application, dummy, slot = name[len("10-") : -len("-state.cfg")].rpartition("-")
    return (application, slot) if application and slot in _SLOTS else None


def _order(folder: str, path: str, application: str, slot: str) -> float:
    """Order a slot out that is to be out; when the process started that heard it.

    :raises OSError, ValueError: it does not answer
    """
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        line.settimeout(_SECONDS)
        line.connect(path)
        # Read as late as can be: a slot that comes in meanwhile would be out until its unit looks again.
        out = _is_out(os.path.join(folder, f"10-{application}-{slot}-state.cfg"), application, slot)
        order = f"; set server {application}/{slot} state maint" if out else ""
        line.sendall(f"{_ASK}{order}\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode(errors="replace")
    finally:
        line.close()
    # In the same answer: another connection may have had another process.
    return _started(next((line[5:] for line in answer.split("\n") if line.startswith("Pid: ")), ""))


def _is_out(path: str, application: str, slot: str) -> bool:
    """As HAProxy reads it: the last word counts, and a slot is in of which nothing is said."""
    variable = f"MAS_{application.replace('-', '_')}_{slot}_STATE".upper()
    state = ""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                words = line.split()
                if words[:2] == ["setenv", variable]:
                    state = "".join(words[2:3])
    except OSError:
        return False
    return state == "disabled"


def _started(process: str) -> float:
    """When a process started, in seconds since the boot.

    :raises OSError, ValueError: there is no such process
    """
    with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as stream:
        fields = stream.read().rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def main(kind: str, folder: str, path: str) -> int:
    """
    :param kind: at a ``start`` there is no process before this one's; at a ``reload`` it still answers for a while
    :returns: an exit status, which systemd ignores
    """
    since = _started("self") - _SETTLED if kind == "reload" else 0.0
    if keep_out(folder, path, since, master=os.environ.get("MAINPID", "self")):
        return 0
    sys.stderr.write(f"mas.ops: no new process of HAProxy answers at {path}: slots that are down may be in\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
