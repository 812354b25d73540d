# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Call the code that is installed on a host: one ssh execution, and no code to send or unpack."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.errors import OpsError
from ...module_utils._core.names import check_application
from ...module_utils._core.outcome import error_result
from ...module_utils._releases.adapters.launch import NOT_INSTALLED

_CODE = Path(__file__).resolve().parents[2] / "module_utils"
_LAUNCH = _CODE / "_releases/adapters/launch.py"
#: The Python of every supported distribution, which the host's own unit uses as well.
_PYTHON = "/usr/bin/python3"
#: What verifies the code of the host comes from here, in front of the request, so that it is right whatever the host has.
_PROGRAM = "import sys; exec(sys.stdin.buffer.read({size}))"
_FOLDER = "/var/lib/mas/{application}/code"
#: Exit status where there is no code that may be run, and the shell's where there is no Python.
_NOT_THERE = (NOT_INSTALLED, 127)
#: Words of what sudo says, and runs nothing, where it is set to ``requiretty``; the rest is in the host's language.
_NO_TERMINAL = ("sudo", "tty")
#: Artifacts up to this many bytes go along with the call; larger ones are pushed by a connection of their own.
ALONG = 4 * 1024 * 1024


def digest() -> str:
    """The digest of this version of the code, 16 hex digits."""
    summary = hashlib.sha256()
    for path in sorted(_CODE.rglob("*.py")):
        text = path.read_bytes()
        summary.update(f"{path.relative_to(_CODE)} {len(text)}\n".encode() + text)
    return summary.hexdigest()[:16]


class Call:
    """One kind of call. It is made where Ansible loads the action, before it forks a process for each host.

    :param name: ``release`` or ``info``
    :param spec: the module's options, which those of a task are checked against
    """

    def __init__(self, name: str, spec: ArgumentSpec) -> None:
        self.name = name
        self.digest = digest()
        self._launch = _LAUNCH.read_bytes()
        self._validator = ArgumentSpecValidator(**spec.to_kwargs())

    def __call__(
        self, action: ActionBase, args: Mapping[str, Any], archive: str = ""
    ) -> dict[str, Any] | None:
        """The result on the host; ``None`` when the host does not have this code unharmed, or no application was named.

        Only where Ansible could send a module without a file of its own as well, asked for (``pipelining``) or not.

        :param archive: a small artifact of the controller's that goes along
        """
        if not args.get("application"):
            return None
        checked = self._validator.validate(dict(args))
        if checked.error_messages:
            return {"failed": True, "changed": False, "msg": "; ".join(checked.error_messages)}
        try:
            # It becomes part of a path from which root runs code.
            application = check_application(args["application"])
        except OpsError as error:
            return {"failed": True, "changed": False, **error_result(error)}
        check_mode = bool(action._task.check_mode)  # noqa: SLF001
        request = {"params": checked.validated_parameters, "check_mode": check_mode}
        if archive:
            request["archive"] = base64.b64encode(Path(archive).read_bytes()).decode()
        done = self._execute(action, application, json.dumps(request).encode())
        return _result(done) if done and _begun(done) else None

    def _execute(self, action: ActionBase, application: str, request: bytes) -> dict[str, Any] | None:
        """Run the code of the host; ``None`` where nothing can be sent into its standard input."""
        # Both are Ansible's interface for actions. The environment may hold the proxy to the store of artifacts.
        environment = action._compute_environment_string()  # noqa: SLF001
        program = shlex.quote(_PROGRAM.format(size=len(self._launch)))
        folder = shlex.quote(_FOLDER.format(application=application))
        command = f"{environment} {_PYTHON} -I -S -c {program} {self.name} {folder} {self.digest}".strip()
        with _pipelining(action._connection):  # noqa: SLF001
            if not action._is_pipelining_enabled("new"):  # noqa: SLF001
                return None
            done: dict[str, Any] = action._low_level_execute_command(command, in_data=self._launch + request)  # noqa: SLF001
            return done


@contextlib.contextmanager
def _pipelining(connection: Any) -> Iterator[None]:
    """Let what we say reach the command's standard input, as modules do where ``pipelining`` is set.

    It is off by default only because a sudo with ``requiretty`` refuses it, and that refusal is known when it comes.
    """
    before = connection.get_option("pipelining") if connection.has_option("pipelining") else None
    if before is None:
        yield
        return
    connection.set_option("pipelining", True)
    try:
        yield
    finally:
        connection.set_option("pipelining", before)


def _begun(done: Mapping[str, Any]) -> bool:
    """Whether the host knew what to do; where it did not, it did nothing."""
    if done["rc"] in _NOT_THERE:
        return False
    said = done.get("stderr", "").lower()
    return not done["rc"] or bool(done["stdout"]) or not all(word in said for word in _NO_TERMINAL)


def _result(done: Mapping[str, Any]) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(done["stdout"])
    except ValueError:
        output = done.get("stderr") or done.get("stdout") or "nothing"
        return {
            "failed": True,
            "changed": False,
            "msg": f"the host did not complete its work (exit status {done['rc']}). It said: {output.strip()[-2000:]}. "
            "Run the same command again: it continues.",
        }
    return result
