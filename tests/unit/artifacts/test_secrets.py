"""What looks like a secret does not become an artifact, and is not shown either."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import BadInput, Refused
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts import findings, secret_scan
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters import build as building

from .conftest import MAS, Build

LETTERS = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6"
CLAIMS = [
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890"})
]
# Put together here, so that no scanner takes this file for a leak.
TOKENS = {
    "AWS Access Key": "AKIA" + "QWERTYUIOPASDFGH",
    "aws secret": "aws_secret_access_key = '" + LETTERS[:40] + "'",
    "GitHub Token": "ghp_" + LETTERS[:36],
    "GitHub fine-grained": "github_pat_" + LETTERS + LETTERS[:20],
    "GitLab Token": "glpat-" + LETTERS[:20],
    "Slack Token": "xoxb-" + "123456789012-" + LETTERS[:24],
    "Stripe Access Key": "sk_live_" + LETTERS[:24],
    "NPM tokens": "//npm.example.org/:_authToken=" + "npm_" + LETTERS[:36],
    "SendGrid API Key": "SG." + LETTERS[:22] + "." + LETTERS[:43],
    "PyPI Token": "pypi-AgEIcHlwaS5vcmc" + LETTERS * 2,
    "OpenAI Token": "sk-" + LETTERS[:20] + "T3BlbkFJ" + LETTERS[:20],
    "Telegram Bot Token": "123456789:AA" + LETTERS[:33],
    "Twilio API Key": "SK" + LETTERS[:32].lower(),
    "Square OAuth Secret": "sq0csp-" + LETTERS[:43],
    "Azure Storage Account access key": "AccountKey=" + LETTERS[:44] * 2,
    "Discord Bot Token": "M" + LETTERS[:23] + "." + LETTERS[:6] + "." + LETTERS[:27],
    "Anthropic Token": "sk-ant-" + LETTERS,
    "JSON Web Token": f"{CLAIMS[0]}.{CLAIMS[1]}." + LETTERS[:43],
    "Basic Auth Credentials": "postgres://shop:" + LETTERS[:12] + "@db.internal/shop",
}


def pem(kind: str = "RSA PRIVATE KEY", head: str = "") -> str:
    body = "\n".join(LETTERS[:48] + LETTERS[:16] for _ in range(4))
    return f"-----BEGIN {kind}-----\n{head}{body}\n-----END {kind}-----\n"


@pytest.mark.parametrize("kind", TOKENS)
def test_tokens(make: Build, source: Path, kind: str) -> None:
    (source / "agents" / "settings.py").write_text(f'# settings\n\nTOKEN = "{TOKENS[kind]}"\n')
    with pytest.raises(Refused, match=r"agents/settings\.py line 3: ") as caught:
        make()
    message = str(caught.value)
    secret = TOKENS[kind]
    assert not any(secret[start : start + 12] in message for start in range(len(secret) - 12))
    assert "secret_waivers" in caught.value.fix
    assert "mas.yml" in caught.value.where


@pytest.mark.parametrize(
    "text",
    [
        pem(),
        pem("PRIVATE KEY"),
        pem("OPENSSH PRIVATE KEY"),
        pem("EC PRIVATE KEY"),
        pem("ENCRYPTED PRIVATE KEY"),
        pem("PGP PRIVATE KEY BLOCK", "Version: GnuPG v2\n\n"),
        pem("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n"),
        pem().replace("\n", "\r\n"),
        pem().replace("\n", "\\n"),
        pem().replace("\n", "\n    "),
        "AGE-SECRET-KEY-1" + "Q" * 58,
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\n",
    ],
    ids=range(12),
)
def test_private_keys_everywhere(make: Build, source: Path, text: str) -> None:
    """In dependencies too, and in files that are no text."""
    for name in ("agents/data.bin", "node_modules/a/test/key.txt"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0\1\2\n" + text.encode())
        with pytest.raises(Refused, match=f"{name} line 2: a private key"):
            make()
        path.unlink()


def test_a_real_key(make: Build, source: Path, key: Path) -> None:
    (source / "agents" / "deploy").write_bytes(key.read_bytes())
    with pytest.raises(Refused, match="agents/deploy line 1: a private key"):
        make()
    (source / "agents" / "deploy").write_bytes(Path(f"{key}.pub").read_bytes())
    assert make()


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        "config/.env.production",
        ".ssh/id_ed25519",
        ".netrc",
        "tls/server.p12",
        "home/.aws/credentials",
    ],
)
def test_names(make: Build, source: Path, name: str) -> None:
    (source / name).parent.mkdir(parents=True, exist_ok=True)
    (source / name).write_text("A=1\n")
    with pytest.raises(Refused, match=f"{name}: "):
        make()


HARMLESS = {
    "agents/keys.py": 'HEAD = "-----BEGIN PRIVATE KEY-----"\nif text.startswith(HEAD):\n    return load(text)\n',
    "README.md": "Write postgres://user:password@localhost/db or https://{user}:{token}@host/\n"
    "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----\n",
    ".env.example": "TOKEN=\n",
    "package-lock.json": json.dumps(
        {"integrity": "sha512-" + LETTERS * 2 + "==", "resolved": "https://r/x.tgz"}
    ),
    "static/app.min.js": "a=1;" * 50_000 + "var x='" + "eyJ" + LETTERS + "'",
    "agents/digest.py": f"SHA = '{'0123456789abcdef' * 4}'\nPASSWORD = os.environ['PASSWORD']\n",
    "node_modules/aws/index.js": TOKENS["AWS Access Key"],
    "agents/cert.pem": pem("CERTIFICATE"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_no_secret(make: Build, source: Path, name: str) -> None:
    (source / name).parent.mkdir(parents=True, exist_ok=True)
    (source / name).write_text(HARMLESS[name])
    assert make()


def test_waivers(make: Build, source: Path) -> None:
    (source / "agents" / "test_key.pem").write_text(pem())
    (source / "samples").mkdir()
    (source / "samples" / ".env").write_text("A=1")
    waivers = """
secret_waivers:
  - {path: agents/test_key.pem, reason: made for the tests}
  - {path: samples/, reason: examples}
  - {path: old.pem, reason: gone}
"""
    (source / "mas.yml").write_text(MAS + waivers)
    done = building.build(building.BuildRequest(source=source, store=source.parent / "store"))
    assert any("names old.pem, where nothing looks like a secret" in warning for warning in done.warnings)
    (source / "agents" / "other.pem").write_text(pem())
    with pytest.raises(Refused) as caught:
        make()
    assert "other.pem" in str(caught.value)
    assert "test_key.pem" not in str(caught.value)


@pytest.mark.parametrize(
    "item",
    ["agents/x", "{path: a}", "{path: a, reason: ''}", "{path: /a, reason: b}", "{path: ../a, reason: b}",
     "{path: /, reason: b}", "{path: ./, reason: b}", "{path: a, reason: b, until: c}"],
)  # fmt: skip
def test_a_waiver_says_where_and_why(make: Build, source: Path, item: str) -> None:
    (source / "mas.yml").write_text(f"{MAS}secret_waivers: [{item}]\n")
    with pytest.raises(BadInput, match=r"secret_waivers\[0\]") as caught:
        make()
    assert "line" in caught.value.where


def test_without_the_scanner_nothing_is_built(
    make: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "MISSING", ImportError("no", name="detect_secrets"))
    with pytest.raises(ImportError):
        make()
    assert not (tmp_path / "store").exists()


def test_a_key_across_two_pieces_of_a_large_file(
    make: Build, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_scan, "OVERLAP", 1024)
    (source / "big.sql").write_text("x" * 99 + "\n")
    with (source / "big.sql").open("a") as stream:
        for _ in range(secret_scan.CHUNK // 100 - 2):
            stream.write("y" * 99 + "\n")
        stream.write(pem())
    line = secret_scan.CHUNK // 100
    with pytest.raises(Refused, match=f"big.sql line {line}: a private key"):
        make()


def test_at_most_ten_are_shown() -> None:
    many = [findings.Finding(f"f{number:02}", 1, "x") for number in range(30)]
    with pytest.raises(Refused, match="and 20 more") as caught:
        findings.judge(many, [], "mas.yml")
    assert "f09 line 1" in str(caught.value)
    assert "f10" not in str(caught.value)


def test_nothing_is_sent_anywhere(make: Build, source: Path) -> None:
    """The library can ask a service whether a token is real; here it must not."""
    (source / "agents" / "x.py").write_text(TOKENS["Slack Token"])
    code = (
        "import socket; socket.socket.connect = lambda *_: 1/0; socket.getaddrinfo = lambda *_: 1/0\n"
        "from pathlib import Path\n"
        "from ansible_collections.mas.ops.plugins.plugin_utils.artifacts import secret_scan\n"
        f"print(secret_scan.look('x', Path({str(source / 'agents' / 'x.py')!r}).read_bytes(), keys_only=False))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Slack" in done.stdout
