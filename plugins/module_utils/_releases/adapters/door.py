# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way into the code that stays on a host: a process that has it loaded makes the call, and else this one does.

Loading all that a phase needs takes a host longer than the phase itself, so nothing is loaded here before it is known
that nobody else has it (see :mod:`.serve`).
"""

from __future__ import annotations

# The module that socket is made of: what it adds, and what that loads, is a third of this process. So is contextlib.
import _socket
import os
import sys

#: Where the resident of an application listens; the role ``application`` installs its units.
SOCKET = "/run/mas/{application}-resident.sock"
#: Seconds in which a resident must take a call, which may have to be started first.
_PATIENCE = 10.0
#: What only the process itself can do.
_OWN = ("dead-man", "serve")
#: The first byte of an answer: the call was understood and has begun.
TAKEN = b"+"


def main() -> int:
    """Run as ``python3 FOLDER/__main__.py CALL``; see :func:`.resident.main` for the calls."""
    call = sys.argv[1]
    if call in _OWN:
        return _here(call)
    text = sys.stdin.buffer.read()
    place = os.path.dirname(os.path.realpath(sys.argv[0]))
    residence, digest = os.path.split(place)
    application = os.path.basename(os.path.dirname(residence))
    answer = ask(SOCKET.format(application=application), call, digest, text)
    if answer is None:
        return _here(call, text)
    if not answer.startswith(b"{"):
        sys.stderr.write(answer.decode(errors="replace") or "the process that made this call died\n")
        return 1
    sys.stdout.buffer.write(answer)
    return 0


def ask(path: str, call: str, digest: str, text: bytes) -> bytes | None:
    """What the resident answers; ``None`` when there is none with this very code, so that nothing was begun.

    :param text: what the call would read from its standard input
    :returns: what it would write to its standard output, or what went wrong
    """
    head = pack(call, digest)
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        if not _taken(line, path, b"%d " % len(head) + head + text):
            return None
        line.settimeout(None)
        # What breaks off from here on has begun, and must not be made again beside it.
        try:
            return b"".join(iter(lambda: line.recv(65536), b""))
        except OSError as error:
            return str(error).encode()
    finally:
        line.close()


def _taken(line: _socket.socket, path: str, said: bytes) -> bool:
    """Whether the call was begun. A resident that takes it later than this finds nobody there, and does not begin."""
    line.settimeout(_PATIENCE)
    try:
        line.connect(path)
        line.sendall(said)
        line.shutdown(_socket.SHUT_WR)
        return line.recv(1) == TAKEN
    except TimeoutError:
        return _taken_meanwhile(line)
    except OSError:
        return False


def _taken_meanwhile(line: _socket.socket) -> bool:
    """Nobody can take it any more; somebody may have, just before."""
    try:
        line.shutdown(_socket.SHUT_RDWR)
        return line.recv(1) == TAKEN
    except OSError:
        return False


def pack(call: str, digest: str) -> bytes:
    """What the resident has to know beside the text: which call of which code, with which environment."""
    environment = [name + b"=" + value for name, value in os.environb.items()]
    return b"\0".join([call.encode(), digest.encode(), *environment])


def _here(call: str, text: bytes = b"") -> int:
    from .resident import main as make  # noqa: PLC0415 - see above

    return make(call, text)
