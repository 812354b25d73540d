#!/usr/bin/env python3
"""What a host keeps after a thousand deploys, and whether the last of them is slower than the first.

    tests/bench/many_deploys.py [--deploys 1000]

One host deploys versions that it has never seen, one after the other, each with all phases of a deploy (staged, live with
an automatic rollback, confirmed). The calls are those that a playbook makes, made on the host itself: what a controller and
a connection cost is the business of deploy.py. The application is as small as one can be, because each of its starts
counts a thousand times.

It prints a table and writes .cache/bench/many_deploys.json. Its exit status says whether all deploys worked.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/bed"))

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mas.ops.plugins.module_utils._releases.options import RELEASE
from ansible_collections.mas.ops.plugins.plugin_utils.artifacts.adapters.build import BuildRequest, build
from bed import CHECKOUT, HERE
from fleet import APPLICATION, CommandFailed, Fleet

RESULTS = CHECKOUT / ".cache/bench/many_deploys.json"
STORE = "/var/tmp/many-deploys"
#: After how many deploys it is looked what there is.
LOOKS = (1, 10, 100, 300, 1000, 3000)
DESCRIPTION = f"""\
name: {APPLICATION}
version: "1.0.0"
processes:
  api: {{kind: web, command: python3 web.py, stop_signal: SIGTERM, stop_grace: 1}}
health: {{path: /, expected: 200, startup_budget: 15}}
"""
PROGRAM = """\
import os
import socket

listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    line, _ = listener.accept()
    with line:
        line.recv(4096)
        line.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
"""
#: Runs on the host: reads one deploy a line, and prints a line for each.
DRIVER = """\
import glob, json, os, subprocess, sys, time

CODE = sys.argv[1]
looks = set(map(int, sys.argv[2].split(",")))

def size(paths):
    return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))

def kept():
    return {
        "ledger_file": size(["/var/lib/mas/ledger.jsonl"]),
        "ledger": size(glob.glob("/var/lib/mas/ledger.jsonl*")),
        "state": size(path for path in glob.glob("/var/lib/mas/APP/*") if os.path.isfile(path)),
        "files": sum(len(files) for _, folders, files in os.walk("/var/lib/mas")),
        "releases": len(os.listdir("/srv/APP/releases")),
    }

for number, line in enumerate(sys.stdin, start=1):
    begin, phases, token = time.monotonic(), {}, None
    for params in json.loads(line):
        started = time.monotonic()
        params["token"] = token
        call = ["/usr/bin/python3", "-I", "-S", CODE + "/launch.py", "release", CODE, "any"]
        text = json.dumps({"params": params, "check_mode": False})
        done = subprocess.run(call, input=text, capture_output=True, text=True)
        try:
            result = json.loads(done.stdout)
        except ValueError:
            sys.exit(done.stderr + done.stdout)
        if result.get("failed"):
            sys.exit(result["msg"])
        token = result.get("token", token)
        phases[params["state"]] = time.monotonic() - started
    sample = {"number": number, "seconds": time.monotonic() - begin, **phases}
    print(json.dumps({**sample, **(kept() if number in looks else {})}), flush=True)
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deploys", type=int, default=1000)
    options = parser.parse_args()
    run = f"many-{os.getpid()}"
    try:
        fleet = Fleet.up(run, 1, application_signature_required=False)
        fleet.provision().check()
        samples = list(deploys(fleet, options.deploys))
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        Fleet.remove(run)
    rows = table(samples)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(
        json.dumps({"deploys": options.deploys, "looks": rows, "samples": samples}, indent=2) + "\n"
    )
    print("\n" + text(rows))
    print(f"\nAll samples: {RESULTS.relative_to(CHECKOUT)}")
    return 0


def deploys(fleet: Fleet, count: int) -> Iterator[dict[str, Any]]:
    """Make them all on the host; what it says of each."""
    calls = artifacts(fleet, count)
    # The first goes the ordinary way, which leaves the code on the host that the others call.
    fleet.deploy("1.0.0").check()
    host = fleet.bed.hosts[0]
    podman = [str(HERE / "env.sh"), "podman"]
    subprocess.run([*podman, "cp", f"{fleet.store}/.", f"{host.container}:{STORE}"], check=True)
    looks = ",".join(map(str, (*LOOKS, count)))
    driver = ["python3", "-c", DRIVER.replace("APP", APPLICATION), f"/var/lib/mas/{APPLICATION}/code", looks]
    with subprocess.Popen(
        [*podman, "exec", "-i", host.container, *driver],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        for number, call in enumerate(calls, start=1):
            process.stdin.write(json.dumps(call) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise CommandFailed(f"deploy {number} failed: {process.stderr.read()}")
            if number % 100 == 0:
                print(f"-- {number} of {count} deploys", flush=True)
            yield json.loads(line)
        process.stdin.close()


def artifacts(fleet: Fleet, count: int) -> list[list[dict[str, Any]]]:
    """Build them, and one more that the host has before; what is to be called for each, phase by phase."""
    source = fleet.bed.state / "source" / "web"
    source.mkdir(parents=True)
    (source / "mas.yml").write_text(DESCRIPTION)
    (source / "web.py").write_text(PROGRAM)
    request = BuildRequest(source, fleet.store, built="2026-01-01T00:00:00Z", commit="0" * 40)
    calls = []
    for number in range(count + 1):
        version = f"1.{number}.0"
        facts = build(replace(request, version=version)).facts
        calls.append(phases(version, facts["sha256"], f"{STORE}/{APPLICATION}-{version}.tar.gz"))
    return calls[1:]


def phases(version: str, sha256: str, archive: str) -> list[dict[str, Any]]:
    """The options that a playbook gives the host, checked and with all defaults, as its action does."""
    named = {
        "application": APPLICATION,
        "version": version,
        "sha256": sha256,
        "run": version,
        "actor": "bench",
    }
    options: list[dict[str, Any]] = [
        {**named, "state": "staged", "artifact": archive},
        {**named, "state": "live", "confirm_timeout": 120},
        {**named, "state": "confirmed"},
    ]
    validator = ArgumentSpecValidator(**RELEASE.to_kwargs())
    return [validator.validate(params).validated_parameters for params in options]


def table(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What there was at each look, with the mean of the deploys just before it."""
    rows = []
    for each in samples:
        if "ledger" in each:
            last = samples[max(0, each["number"] - 10) : each["number"]]
            rows.append({**each, "seconds": sum(one["seconds"] for one in last) / len(last)})
    return rows


def text(rows: list[dict[str, Any]]) -> str:
    kib = 1024
    lines = [
        f"{'deploys':>8} {'s each':>7} {'ledger KiB':>11} {'its last file':>14} {'state KiB':>10} {'files':>6} {'releases':>9}"
    ]
    lines += [
        f"{row['number']:>8} {row['seconds']:>7.2f} {row['ledger'] / kib:>11.0f} {row['ledger_file'] / kib:>14.0f} "
        f"{row['state'] / kib:>10.1f} {row['files']:>6} {row['releases']:>9}"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
