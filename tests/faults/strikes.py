"""What goes wrong: each strike does its damage now, and may leave a repair for later."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from bed import BedError
from controller import Controller

if TYPE_CHECKING:
    from scene import Scene

Strike = Callable[["Scene"], None]

_UNDER = "/mnt/under"
_FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
#: Of root alone: the example, started with it, now and then stops answering for 10 s on a busy machine.
_PYTHON = f"""#!/bin/sh
[ "$(id -u)" = 0 ] && export LD_PRELOAD={_FAKETIME} FAKETIME=%s FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1
exec /usr/bin/python3.real "$@"
"""
_CLOCKS = "import time; print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))"


def kill_controller(scene: Scene) -> None:
    """The modules that it began go on to their end, as they do on real hosts."""
    scene.controller.kill()
    scene.thaw()


def kill_both(scene: Scene) -> None:
    """No process is left on the victim; on the other hosts the modules go on to their end."""
    scene.controller.kill()
    scene.agent.kill_modules()


def preempt(kind: str, *, another: bool = False, still: bool = False) -> Strike:
    """A rollback or an undo, begun now; the scene waits for it.

    :param another: by another person, who says to take over
    :param still: the module stays stopped until that command has ended, and can only be killed
    """

    def strike(scene: Scene) -> None:
        fleet = scene.fleet.by("bob") if another else scene.fleet
        extra = {"change_force_unlock": True} if another else {}
        if kind == "undo":
            process = fleet.start("deploy", deploy_version=scene.version, deploy_abort=True, **extra)
        else:
            process = fleet.start("rollback", **extra)
        scene.back = Controller(process)
        if not still:
            # Thawed at once it could end well before that command has even begun to ask.
            scene.wait_for_end_request()
            scene.thaw()

    return strike


def interrupt(scene: Scene) -> None:
    """Ctrl-C in the terminal of the command."""
    scene.controller.signal_group(signal.SIGINT)
    scene.thaw()


def kill_main(scene: Scene) -> None:
    """Only ansible-playbook: its workers have sessions of their own."""
    scene.controller.kill_main()
    scene.thaw()


def kill_both_after_the_others(scene: Scene) -> None:
    """The rest of the fleet is done; what was stopped here never runs."""
    if not scene.wait_for_others():
        raise BedError("the others were never confirmed")
    kill_both(scene)


def kill_module(scene: Scene) -> None:
    scene.agent.kill_modules()


def kill_proxy(scene: Scene) -> None:
    scene.out_of_service(scene.victim)
    scene.agent.run("systemctl", "kill", "--signal=KILL", "haproxy.service")
    scene.thaw()


def kill_live_web(scene: Scene) -> None:
    scene.out_of_service(scene.victim)
    _kill_unit(scene, "api", live=True)


def kill_idle_web(scene: Scene) -> None:
    _kill_unit(scene, "api", live=False)


def kill_live_worker(scene: Scene) -> None:
    _kill_unit(scene, "worker", live=True)


def kill_idle_worker(scene: Scene) -> None:
    _kill_unit(scene, "worker", live=False)


def _kill_unit(scene: Scene, kind: str, *, live: bool) -> None:
    slot = scene.agent.snapshot()["live"]
    if not live:
        slot = {"blue": "green", "green": "blue"}[slot]
    scene.agent.run("systemctl", "kill", "--signal=KILL", f"agents-{kind}@{slot}.service")
    scene.thaw()


def stop_host(scene: Scene) -> None:
    """As pulling the plug; it is switched on again when the command has ended, or after a while without a command."""
    scene.out_of_service(scene.victim)
    scene.fleet.bed.kill(scene.victim)

    def repair() -> None:
        scene.fleet.bed.start(scene.victim)
        scene.agent.start()

    scene.repairs.append(repair)


def cut_network(scene: Scene) -> None:
    scene.out_of_service(scene.victim)
    scene.fleet.bed.disconnect(scene.victim)
    scene.thaw()
    scene.repairs.append(lambda: scene.fleet.bed.connect(scene.victim))


def small_disk(folder: str) -> Strike:
    """Before the deploy: what is in ``folder`` moves to a file system of its own, and back at the very end.

    The container's own disk is that of the whole machine: it cannot be filled.
    """

    def prepare(scene: Scene) -> None:
        run = scene.agent.run
        run("mkdir", "-p", _UNDER)
        run("mount", "--bind", "/", _UNDER)
        run("mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "tmpfs", folder)
        run("cp", "-a", f"{_UNDER}{folder}/.", folder)

        def back() -> None:
            run("sh", "-c", f"rm -rf {_UNDER}{folder}/* && cp -a {folder}/. {_UNDER}{folder}/")
            # Processes that were started meanwhile stand in it.
            run("umount", "--lazy", folder)
            run("umount", "--lazy", _UNDER)

        scene.endings.append(back)

    return prepare


def fill_disk(folder: str) -> Strike:
    def strike(scene: Scene) -> None:
        filler = f"{folder}/filler"
        scene.agent.run("sh", "-c", f"dd if=/dev/zero of={filler} bs=4k 2>/dev/null || test -s {filler}")
        scene.thaw()
        scene.repairs.append(lambda: _ignore(scene.agent.run("rm", "-f", filler)))

    return strike


def _ignore(_output: str) -> None:
    """A repair says nothing."""


def move_clock(by: str, then: Strike) -> Strike:
    """Every Python of root that starts on the host from now on sees the time of day moved, as after a step of the clock.

    The kernel's own time cannot be moved in a container, so systemd's view stays; its timer for the automatic
    rollback counts seconds since the boot, which a step does not change on a real host either.
    """

    def strike(scene: Scene) -> None:
        run = scene.agent.run
        run(
            "sh",
            "-c",
            f"printf '%s' '{_PYTHON % by}' > /usr/bin/python3.faked && chmod 755 /usr/bin/python3.faked",
        )
        run("sh", "-c", "cp -a --no-dereference /usr/bin/python3 /usr/bin/python3.real")
        run("mv", "/usr/bin/python3.faked", "/usr/bin/python3")
        scene.endings.append(lambda: _ignore(run("mv", "/usr/bin/python3.real", "/usr/bin/python3")))
        faked, real = ([float(word) for word in run(python, "-c", _CLOCKS).split()] for python in _PYTHONS)
        if abs(faked[0] - real[0]) < 3600 or abs(faked[1] - real[1]) > 60:
            raise BedError(f"{scene.victim}: the clock could not be moved alone: {faked}, {real}")
        then(scene)

    return strike


def _until_held(scene: Scene, port: int) -> None:
    """The squatter listens: else nothing would be tried, and the deploy end well."""
    script = f"timeout 10 sh -c 'until ss -ltnpH sport = :{port} | grep -q python3; do sleep 0.2; done'"
    scene.agent.run("sh", "-c", f"{script} && systemctl is-active squatter.service")


_PYTHONS = ("/usr/bin/python3", "/usr/bin/python3.real")


def nothing(scene: Scene) -> None:
    """No damage: what a deploy without one costs."""
    scene.thaw()


def squat(scene: Scene) -> None:
    """Before the deploy: another program has the port of the idle slot, so that this host cannot stage."""
    idle = {"blue": 8102, "green": 8101}[scene.agent.snapshot()["live"]]
    slot = {8101: "blue", 8102: "green"}[idle]
    scene.agent.run("sh", "-c", f"systemctl stop 'agents-*@{slot}.service' 'agents-*@{slot}.socket'")
    scene.agent.run("systemd-run", "--quiet", "--unit=squatter", "python3", "-m", "http.server", str(idle))
    _until_held(scene, idle)
    scene.repairs.append(lambda: _ignore(scene.agent.run("systemctl", "stop", "squatter.service")))
