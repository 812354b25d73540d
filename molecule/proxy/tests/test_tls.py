"""With a certificate the application is served over TLS, and its key is not seen on its way."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from testinfra.host import Host

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def encrypted(converge: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The key of a certificate that the role was given, and all that it said about it."""
    folder: Path = tmp_path_factory.mktemp("tls")
    request = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=example.org",
    ]
    subprocess.run(
        [*request, "-keyout", folder / "key", "-out", folder / "chain"], check=True, capture_output=True
    )
    key = (folder / "key").read_text()
    run = converge(
        "-vvv",
        "--diff",
        proxy_certificate="/etc/haproxy/agents.pem",
        proxy_certificate_content=(folder / "chain").read_text() + key,
        proxy_redirect_https=True,
    )
    assert run.returncode == 0, run.stdout
    return key.splitlines()[1], run.stdout + run.stderr


def test_tls(host: Host, encrypted: tuple[str, str]):
    key, output = encrypted
    assert key not in output
    assert host.file("/etc/haproxy/agents.pem").mode == 0o600
    ask = (
        "import ssl, json, urllib.request as u; c = ssl._create_unverified_context();"
        "a = u.urlopen('https://127.0.0.1/headers', context=c); print(a.read().decode());"
        "b = u.build_opener(u.HTTPSHandler(context=c)).open('http://127.0.0.1/headers'); print(b.url)"
    )
    headers, url = host.check_output(f'python3 -c "{ask}"').splitlines()
    assert '"x-forwarded-proto": "https"' in headers
    assert url == "https://127.0.0.1/headers"


def test_a_certificate_that_haproxy_does_not_take_changes_nothing(
    host: Host, encrypted: tuple[str, str], converge: Run
):
    """It would end HAProxy at its next start, long after everybody has gone home."""
    before = host.file("/etc/haproxy/agents.pem").content_string
    for mode in ([], ["--check"]):
        run = converge(
            *mode,
            "--diff",
            proxy_certificate="/etc/haproxy/agents.pem",
            proxy_certificate_content="-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n",
            proxy_redirect_https=True,
        )
        assert run.returncode == 2
        assert "HAProxy refuses the new configuration" in run.stdout + run.stderr
        assert host.file("/etc/haproxy/agents.pem").content_string == before
    host.check_output("systemctl restart haproxy")
