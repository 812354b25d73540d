"""Asks the proxy on behalf of the tests and prints what came back, as JSON: client.py WHAT [ARGUMENT...]."""

from __future__ import annotations

import collections
import http.client
import json
import socket
import subprocess
import sys
import threading
import time

PROXY = ("127.0.0.1", 80)


def ask(
    path: str, method: str = "GET", body: str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(*PROXY, timeout=10)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def count(number: str, path: str = "/") -> dict[str, int]:
    """Who answers, how often."""
    answers = [ask(path) for _ in range(int(number))]
    return collections.Counter(text.strip() if status == 200 else str(status) for status, text in answers)


def named(words: tuple[str, ...]) -> dict[str, str]:
    """Headers from words such as Host=shop.example.com."""
    pairs = (word.partition("=") for word in words)
    return {name: value for name, _, value in pairs}


def headers(*sent: str) -> object:
    """What the application gets."""
    return json.loads(ask("/headers", headers=named(sent))[1])


def status(path: str, *sent: str) -> int:
    return ask(path, headers=named(sent))[0]


def post() -> int:
    return ask("/drop", "POST", "once")[0]


def order(command: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("/run/haproxy/admin.sock")
        connection.sendall(command.encode() + b"\n")
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode().strip()


def tunnel() -> list[str]:
    """What an upgraded connection echoes before and after a reload."""
    with socket.create_connection(PROXY, timeout=10) as connection:
        stream = connection.makefile("rwb", buffering=0)
        stream.write(b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        while stream.readline().strip():
            pass
        heard = []
        for word in (b"before\n", b"after\n"):
            stream.write(word)
            heard.append(stream.readline().decode().strip())
            subprocess.run(["systemctl", "reload", "haproxy"], check=True)
            time.sleep(0.5)
        return heard


def reloads(number: str) -> dict[str, object]:
    """Requests on new and on kept connections while the proxy reloads, how many, and what went wrong."""
    done, wrong, stop = [0, 0], [], threading.Event()

    def run(kept: int) -> None:
        connection = http.client.HTTPConnection(*PROXY, timeout=10)
        while not stop.is_set():
            try:
                connection.request("GET", "/slow")
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    wrong.append(str(answer.status))
            except OSError as error:
                wrong.append(repr(error))
                connection.close()
            except http.client.HTTPException as error:
                wrong.append(repr(error))
                connection.close()
            done[kept] += 1
            if not kept:
                connection.close()

    threads = [threading.Thread(target=run, args=(kept,)) for kept in (0, 0, 1, 1)]
    for thread in threads:
        thread.start()
    for _ in range(int(number)):
        time.sleep(1)
        subprocess.run(["systemctl", "reload", "haproxy"], check=True)
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join()
    return {"new": done[0], "kept": done[1], "wrong": wrong}


WHAT = {
    "count": count,
    "headers": headers,
    "status": status,
    "post": post,
    "order": order,
    "tunnel": tunnel,
    "reloads": reloads,
}
print(json.dumps(WHAT[sys.argv[1]](*sys.argv[2:])))
