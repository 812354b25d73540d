#!/usr/bin/env python3
"""Hosts to try things on: systemd containers, reached over real SSH.

bed.py up --run demo --hosts 3 --group agents --environment staging
ansible -i .bed/demo/inventory.yml all -m ping
bed.py kill demo web2;  bed.py start demo web2
bed.py down --run demo
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bed_files
from bed_files import SUITES, Host

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
RUN_LABEL = "mas.ops.run"
# What a service manager needs to be at home, and what tests take away again: a real host has all of it.
RUN_ARGS = ("--detach", "--privileged", "--systemd=always")
# A table of its own that comes before any firewall of the host: silence both ways, as a pulled cable.
CUT = (
    "add table inet mas_bed; "
    "add chain inet mas_bed in { type filter hook input priority -500; }; "
    "add chain inet mas_bed out { type filter hook output priority -500; }; "
    "add rule inet mas_bed in iifname != lo drop; "
    "add rule inet mas_bed out oifname != lo drop"
)


class BedError(Exception):
    """Something about the bed itself failed; the message says what and what to do."""


def podman(*args: str, stdin: str | None = None, timeout: float = 120) -> str:
    """Run podman where its containers live; its output, or BedError with its complaint."""
    command = [str(HERE / "env.sh"), "podman", *args]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise BedError(f"podman {args[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def wait_for_ssh(host: Host, timeout: float = 20) -> None:
    """Return when sshd says hello at the address that the inventory names."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            with socket.create_connection((host.address, host.port), timeout=1) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise BedError(f"{host.name}: no ssh at {host.address}:{host.port} after {timeout:.0f} s")


def own_folder(path: Path) -> None:
    """Make a folder that no other user can open, below one that others can write to.

    :raises BedError: something else is there, maybe a link that was prepared for us
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise BedError(
            f"{path} is not a folder of your own that is closed to others; remove it, or set TMPDIR"
        )


@dataclass(frozen=True)
class Bed:
    """The hosts of one run. All of its state is in `state`, and in the labels of its containers."""

    run: str
    state: Path

    @classmethod
    def named(cls, run: str, folder: str | Path | None = None) -> Bed:
        if not bed_files.RUN.fullmatch(run):
            raise BedError(f"bad run id '{run}': lower-case letters, digits and dashes, at most 24")
        return cls(run, Path(folder or CHECKOUT / ".bed").resolve() / run)

    @property
    def network(self) -> str:
        return f"mas-{self.run}"

    @property
    def inventory(self) -> Path:
        return self.state / "inventory.yml"

    @property
    def control(self) -> Path:
        """Folder of ssh's control sockets: their path must stay below 108 characters, so not in `state`."""
        return Path(tempfile.gettempdir()) / f"mas-bed-{os.getuid()}" / self.run

    @property
    def hosts(self) -> list[Host]:
        path = self.state / "hosts.json"
        return bed_files.load_hosts(path.read_text()) if path.exists() else []

    def host(self, name: str) -> Host:
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts) or "none"
        raise BedError(f"run {self.run} has no host '{name}'; it has: {known}")

    def url(self, name: str, port: int, path: str = "/") -> str:
        return f"http://{self.host(name).endpoint(port)}{path}"

    def up(
        self,
        count: int,
        *,
        suite: str = "bookworm",
        prefix: str = "web",
        group: str = "hosts",
        environment: str = "",
        ports: Sequence[int] = (),
        image: str = "host",
    ) -> list[Host]:
        """Start `count` more hosts and write the files; on failure nothing of this call stays.

        :param image: ``systemd`` for hosts that have nothing which a release needs
        """
        with self._locked():
            before = self.hosts
            wanted = bed_files.plan_hosts(
                self.run,
                count,
                prefix=prefix,
                suite=suite,
                group=group,
                environment=environment,
                existing=before,
            )
            self._build_images({f"{host.suite}-{image}" for host in wanted})
            rootless = podman("info", "--format", "{{.Host.Security.Rootless}}") == "true"
            wanted = self._place(wanted, before, rootless)
            public_key = self._key()
            published = (22, *ports) if rootless else ()
            try:
                with ThreadPoolExecutor(max_workers=4) as pool:
                    started = list(
                        pool.map(lambda host: self._start(host, image, public_key, published), wanted)
                    )
            except Exception:
                self._remove([host.container for host in wanted])
                if not before:
                    self._remove_network()
                raise
            self._write(before + started)
            return started

    def down(self) -> int:
        """Remove the containers, the network and the files of this run; the number of containers."""
        found = podman("ps", "--all", "--quiet", "--filter", f"label={RUN_LABEL}={self.run}").split()
        self._remove(found)
        self._remove_network()
        if self.control.parent.exists():
            own_folder(self.control.parent)
            shutil.rmtree(self.control, ignore_errors=True)
        if (self.state / ".lock").exists():
            shutil.rmtree(self.state)
        return len(found)

    def exec(
        self, name: str, command: Sequence[str], *, timeout: float = 120, stdin: str | None = None
    ) -> str:
        """Run a command in a host past its network, so that it works on a host that is cut off."""
        options = ["--interactive"] if stdin is not None else []
        words = ["exec", *options, self.host(name).container, *command]
        return podman(*words, stdin=stdin, timeout=timeout)

    def kill(self, name: str) -> None:
        """As pulling the plug."""
        podman("kill", "--signal", "KILL", self.host(name).container)

    def start(self, name: str) -> None:
        host = self.host(name)
        podman("start", host.container)
        wait_for_ssh(host)

    def pause(self, name: str) -> None:
        podman("pause", self.host(name).container)

    def unpause(self, name: str) -> None:
        podman("unpause", self.host(name).container)

    def disconnect(self, name: str) -> None:
        """Cut the network of a host: packets vanish both ways, open connections hang. exec still works."""
        podman("exec", self.host(name).container, "nft", CUT)

    def connect(self, name: str) -> None:
        podman("exec", self.host(name).container, "nft", "delete table inet mas_bed")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.state / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _build_images(self, images: set[str]) -> None:
        done = subprocess.run(
            [str(HERE / "build-images.sh"), *sorted(images)], stdout=sys.stderr, check=False
        )
        if done.returncode:
            raise BedError("the images could not be built; see above")

    def _place(self, wanted: list[Host], existing: list[Host], rootless: bool) -> list[Host]:
        try:
            found = podman("network", "inspect", self.network)
        except BedError:
            podman("network", "create", "--label", f"{RUN_LABEL}={self.run}", self.network)
            found = podman("network", "inspect", self.network)
        if rootless:
            return [replace(host, address="127.0.0.1") for host in wanted]
        subnet = json.loads(found)[0]["subnets"][0]["subnet"]
        addresses = bed_files.free_addresses(subnet, len(wanted), existing)
        return [replace(host, address=address) for host, address in zip(wanted, addresses, strict=True)]

    def _key(self) -> str:
        key = self.state / "id_ed25519"
        if not key.exists():
            kind = ["-q", "-t", "ed25519", "-N", "", "-C", f"mas-bed-{self.run}"]
            subprocess.run(["ssh-keygen", *kind, "-f", str(key)], check=True)
        return key.with_suffix(".pub").read_text().strip()

    def _start(self, host: Host, kind: str, public_key: str, published: Sequence[int]) -> Host:
        args = ["--name", host.container, "--hostname", host.name, "--network", self.network]
        args += ["--network-alias", host.name, "--label", f"{RUN_LABEL}={self.run}"]
        if published:
            args += [f"--publish=127.0.0.1::{port}" for port in published]
        else:
            args += ["--ip", host.address, "--mac-address", bed_files.mac_address(host.container)]
        image = f"{os.environ.get('MAS_OPS_IMAGE_PREFIX', 'localhost')}/{host.suite}-{kind}"
        podman("run", *RUN_ARGS, *args, image)
        script = (HERE / "authorize.sh").read_text()
        keys = podman("exec", "--interactive", host.container, "sh", "-s", "--", public_key, stdin=script)
        mapping = {str(port): self._published(host, port) for port in published}
        ready = replace(host, keys=tuple(keys.splitlines()), published=mapping, port=mapping.get("22", 22))
        wait_for_ssh(ready)
        return ready

    def _published(self, host: Host, port: int) -> int:
        return int(podman("port", host.container, f"{port}/tcp").splitlines()[0].rpartition(":")[2])

    def _write(self, hosts: list[Host]) -> None:
        own_folder(self.control.parent)
        self.control.mkdir(mode=0o700, exist_ok=True)
        (self.state / "known_hosts").write_text(bed_files.known_hosts(hosts))
        (self.state / "ssh_config").write_text(bed_files.ssh_config(hosts, self.state, self.control))
        self.inventory.write_text(bed_files.inventory(hosts, self.state, self.control))
        (self.state / "hosts.json").write_text(bed_files.dump_hosts(hosts))

    def _remove(self, containers: Sequence[str]) -> None:
        if containers:
            podman("rm", "--force", "--ignore", "--volumes", "--time", "0", *containers)

    def _remove_network(self) -> None:
        names = podman("network", "ls", "--quiet", "--filter", f"label={RUN_LABEL}={self.run}").split()
        for name in names:
            podman("network", "rm", "--force", name)


def list_hosts() -> str:
    """Every container of every run, also of runs whose files are gone."""
    rows = []
    found = podman("ps", "--all", "--filter", f"label={RUN_LABEL}", "--format", "json")
    for entry in json.loads(found or "[]"):
        run, name = entry["Labels"][RUN_LABEL], entry["Names"][0]
        rows.append(f"{run:<16} {name.removeprefix(run + '-'):<12} {entry['State']:<10} {entry['Image']}")
    return "\n".join(rows)


def command_up(options: argparse.Namespace) -> None:
    bed = Bed.named(options.run, options.state)
    start = time.monotonic()
    hosts = bed.up(
        options.hosts,
        suite=options.suite,
        prefix=options.prefix,
        group=options.group,
        environment=options.environment,
        ports=options.port,
    )
    names = ", ".join(f"{host.name} ({host.suite}, {host.address})" for host in hosts)
    print(f"up in {time.monotonic() - start:.1f} s: {names}\ninventory: {os.path.relpath(bed.inventory)}")


def command_down(options: argparse.Namespace) -> None:
    print(f"removed {Bed.named(options.run, options.state).down()} hosts of run {options.run}")


def command_exec(options: argparse.Namespace) -> None:
    host = Bed.named(options.run, options.state).host(options.host)
    terminal = ["--interactive", "--tty"] if sys.stdin.isatty() else ["--interactive"]
    command = [*terminal, host.container, *(options.command or ["bash"])]
    os.execv(HERE / "env.sh", ["env.sh", "podman", "exec", *command])


def on_hosts(action: Callable[[Bed, str], None]) -> Callable[[argparse.Namespace], None]:
    def command(options: argparse.Namespace) -> None:
        bed = Bed.named(options.run, options.state)
        for name in options.host:
            action(bed, name)

    return command


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--state", metavar="FOLDER", help="files of the runs (default: .bed in the checkout)")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start hosts; called again for the same run, it adds some")
    up.add_argument("--run", required=True)
    up.add_argument("--hosts", type=int, default=1)
    up.add_argument("--suite", choices=[*SUITES, "mixed"], default="bookworm")
    up.add_argument("--prefix", default="web", help="web makes web1, web2 ...")
    up.add_argument("--group", default="hosts", help="inventory group")
    up.add_argument("--environment", default="", help="inventory group above it")
    up.add_argument("--port", type=int, action="append", default=[], help="to publish (rootless podman only)")
    up.set_defaults(call=command_up)

    down = commands.add_parser("down", help="remove all of one run")
    down.add_argument("--run", required=True)
    down.set_defaults(call=command_down)

    listing = commands.add_parser("ls", help="the containers of all runs")
    listing.set_defaults(call=lambda _: print(list_hosts()))

    inside = commands.add_parser("exec", help="a command in a host, past its network (default: bash)")
    inside.add_argument("run")
    inside.add_argument("host")
    inside.add_argument("command", nargs=argparse.REMAINDER)
    inside.set_defaults(call=command_exec)

    for action in (Bed.kill, Bed.start, Bed.pause, Bed.unpause, Bed.disconnect, Bed.connect):
        fault = commands.add_parser(action.__name__, help=action.__doc__ or f"podman {action.__name__}")
        fault.add_argument("run")
        fault.add_argument("host", nargs="+")
        fault.set_defaults(call=on_hosts(action))
    return top


def main(argv: Sequence[str] | None = None) -> int:
    options: Any = parser().parse_args(argv)
    try:
        options.call(options)
    except (BedError, ValueError) as error:
        print(f"bed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
