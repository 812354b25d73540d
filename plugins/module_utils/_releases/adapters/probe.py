# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a health request over the network of this host.

It is asked without http.client, which loads the mail package and TLS: 14 ms of each phase of a release.
"""

from __future__ import annotations

import socket
import time

from ..health import Endpoint, HealthCheck, HttpAnswer, parse_answer

#: What is read of an answer at most: more than the headers that a proxy takes, which by default are 16 KiB.
_READ = 32 << 10
_IPV6_LOOPBACK = "::1"


def ask(endpoint: Endpoint, check: HealthCheck) -> HttpAnswer:
    """One request and what came of it.

    Of an expected answer only the status line is read, as the proxy's own checks do; and the headers, where it matters who
    answers.
    """
    deadline = time.monotonic() + check.timeout
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    try:
        # Not create_connection: it looks the address up, and loads what international names need for that.
        with socket.socket(family, socket.SOCK_STREAM) as plain:
            plain.settimeout(check.timeout)
            plain.connect((endpoint.address, endpoint.port))
            with _encrypted(plain, check.host) if endpoint.tls else plain as line:
                line.sendall(check.request)
                return _answer(line, check, deadline)
    except TimeoutError:
        return HttpAnswer(problem=f"no answer within {check.timeout:g} s")
    except ConnectionRefusedError:
        return HttpAnswer(problem=_refused(endpoint))
    except OSError as error:
        return HttpAnswer(problem=f"it broke off: {error.strerror or error}")


def _encrypted(line: socket.socket, host: str) -> socket.socket:
    """Whether the certificate is the right one is for its users: some hosts have one of their own making."""
    import ssl  # noqa: PLC0415 - 20 ms, and most front doors speak plain HTTP

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(line, server_hostname=host)


def _answer(line: socket.socket, check: HealthCheck, deadline: float) -> HttpAnswer:
    read = b""
    while len(read) < _READ:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        line.settimeout(left)
        try:
            more = line.recv(_READ)
        except OSError:
            if not read:
                raise
            break
        read += more
        if not more or (b"\n" in read and _suffices(parse_answer(read), check)):
            break
    if not read and time.monotonic() >= deadline:
        raise TimeoutError
    return parse_answer(read)


def _suffices(answer: HttpAnswer, check: HealthCheck) -> bool:
    return answer.meets(check) and not (check.by_whom and answer.server is None)


def _refused(endpoint: Endpoint) -> str:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as other:
        other.settimeout(1.0)
        try:
            other.connect((_IPV6_LOOPBACK, endpoint.port))
        except OSError:
            return f"nothing listens on {endpoint.address}:{endpoint.port}"
    return f"it listens on {_IPV6_LOOPBACK} and not on {endpoint.address}: the wrong address family"
