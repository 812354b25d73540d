"""The action in a real run: real servers of HTTP and mail, those that fail, and a module that is not there."""

from __future__ import annotations

import email
import email.policy
import http.server
import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.mas.ops.plugins.action.notify import ActionModule

SECRETS = ("s3cret", "tok3n", "pa55word")


class Hook(http.server.BaseHTTPRequestHandler):
    """Keeps what it gets; /500 refuses it, /slow never answers in time."""

    got: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.headers.get("Authorization", ""), json.loads(body)))
        if self.path.startswith("/slow"):
            time.sleep(8)
        self.send_response(500 if self.path.startswith("/500") else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Mail(socketserver.StreamRequestHandler):
    """As much SMTP as one message needs."""

    got: list[str] = []  # noqa: RUF012

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.got.append(b"".join(lines).decode())
            self.wfile.write(b"250 fine\r\n" if not line.upper().startswith(b"QUIT") else b"221 bye\r\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """A client that hung up, which is the subject here."""


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    Hook.got.clear()
    Mail.got.clear()
    with Server(("127.0.0.1", 0), Hook) as hook, Server(("127.0.0.1", 0), Mail) as mail:
        for server in (hook, mail):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        yield hook.server_address[1], mail.server_address[1]
        hook.shutdown()
        mail.shutdown()


def play(folder: Path, targets: list[Any], *options: str) -> subprocess.CompletedProcess[str]:
    task = {
        "name": "Notify",
        "mas.ops.notify": {
            "event": "succeeded", "notifications": "{{ notifications }}",
            "facts": {"application": "agents", "version": "2.0.0", "rollback_command": "the command"},
        },
        "register": "result",
    }  # fmt: skip
    show = {
        "name": "Show",
        "ansible.builtin.copy": {"content": "{{ result }}", "dest": f"{folder}/result.json"},
    }
    (folder / "site.yml").write_text(
        json.dumps(
            [{"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": [task, show]}]
        )
    )
    (folder / "vars.json").write_text(json.dumps({"notifications": targets}))
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return subprocess.run(
        [
            *(str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,"),
            *("-e", f"@{folder}/vars.json", "-e", f"ansible_python_interpreter={sys.executable}"),
            *(*options, str(folder / "site.yml")),
        ],
        env={**kept, "ANSIBLE_HOME": str(folder / "ansible"), "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip


def test_all_that_can_happen(ports: tuple[int, int], tmp_path: Path) -> None:
    hook, mail = ports
    base = f"http://127.0.0.1:{hook}"
    run = play(
        tmp_path,
        [
            {"kind": "webhook", "name": "good", "url": f"{base}/s3cret", "headers": {"Authorization": "tok3n"}},
            {"kind": "slack", "name": "chat", "url": f"{base}/s3cret"},
            {"kind": "mail", "name": "post", "to": ["a@example.org"], "host": "127.0.0.1", "port": mail, "secure": "never"},
            {"kind": "webhook", "name": "refusing", "url": f"{base}/500-s3cret"},
            {"kind": "webhook", "name": "slow", "url": f"{base}/slow-s3cret", "timeout": 1},
            {"kind": "webhook", "name": "no server", "url": "http://127.0.0.1:1/s3cret"},
            {"kind": "webhook", "name": "nonsense", "url": "s3cret://tok3n"},
            {"kind": "mail", "name": "no mail", "to": "a", "host": "127.0.0.1", "port": 1, "username": "u", "password": "pa55word"},
            {"kind": "pigeon", "name": "bird"},
        ],
        "-vvv",
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["sent"] == ["good", "chat", "post"]
    problems = {each["name"]: each["problem"] for each in result["not_sent"]}
    assert list(problems) == ["refusing", "slow", "no server", "nonsense", "no mail", "bird"]
    assert "Status code was 500" in problems["refusing"]
    assert "timed out" in problems["slow"]
    assert "Connection refused" in problems["no server"]
    assert "Connection refused" in problems["no mail"]
    for name in problems:
        assert f"The notification '{name}' was not sent" in run.stdout + run.stderr
    # nothing of the secrets, however verbose
    everything = run.stdout + run.stderr + json.dumps(result)
    assert not [secret for secret in SECRETS if secret in everything]
    assert Hook.got[0][0] == "tok3n"
    assert Hook.got[0][1]["event"] == "succeeded"
    assert Hook.got[1][1]["text"].startswith("agents 2.0.0 is live (by ")
    message = email.message_from_string(Mail.got[0], policy=email.policy.default)
    assert message["subject"].startswith("agents 2.0.0 is live")
    assert message["to"] == "a@example.org"
    assert result["changed"] is False


def test_a_dry_run_sends_nothing(ports: tuple[int, int], tmp_path: Path) -> None:
    run = play(tmp_path, [{"kind": "webhook", "url": f"http://127.0.0.1:{ports[0]}/"}], "--check", "-v")
    assert run.returncode == 0, run.stdout
    assert '"webhook 1"' in run.stdout
    assert Hook.got == []


def test_a_module_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """As community.general where only ansible-core is installed."""

    class Without(ActionModule):
        def __init__(self) -> None:
            self._task = type("Task", (), {"check_mode": False, "args": {}})()

        def validate_argument_spec(self, **_: Any) -> Any:
            mail = {"kind": "mail", "to": "a", "password": "pa55word"}
            return None, {"event": "failed", "notifications": [mail], "facts": {}, "timeout": 1}

        def _call(self, request: Any) -> Any:
            raise AnsibleError(f"The module {request.module} was not found. pa55word")

    monkeypatch.setattr(ActionBase, "run", lambda *_: {})
    result = Without().run(task_vars={})
    assert result["warnings"] == [
        "The notification 'mail 1' was not sent: The module community.general.mail was not found. ********."
    ]
