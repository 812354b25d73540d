"""What a host keeps about an application is lost, truncated or in the way: a way back works all the same, and says it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from fleet import Done, Fleet

from .conftest import make_fleet

pytestmark = pytest.mark.containers

STATE, SLOTS = "/var/lib/mas/agents", "/etc/mas/agents/slots"
TRUNCATE, FOLDER = "truncate -s 30 {}", "rm -f {}; mkdir -p {}/x"
#: What is done to which file; LIVE and IDLE stand for the slots.
DAMAGES = [
    (TRUNCATE, f"{SLOTS}/LIVE.json"),
    ("rm {}", f"{SLOTS}/LIVE.json"),
    (TRUNCATE, f"{SLOTS}/IDLE.json"),
    (FOLDER, f"{SLOTS}/IDLE.json"),
    ("rm {}", f"{SLOTS}/LIVE.env"),
    ("rm {}", f"{SLOTS}/IDLE.env"),
    (TRUNCATE, f"{STATE}/state.json"),
    ("echo '[1]' > {}", f"{STATE}/state.json"),
    (FOLDER, f"{STATE}/state.json"),
    ("echo '[' > {}", f"{STATE}/auto-rollback.json"),
    (FOLDER, f"{STATE}/auto-rollback.json"),
    ("echo '[' > {}", f"{STATE}/lease.json"),
    (FOLDER, f"{STATE}/lock"),
    ("rm {}; ln -s /etc/passwd {}", f"{STATE}/lock"),
    (FOLDER, f"{STATE}/lock.end"),
]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """One host with three releases that were live."""
    for made in make_fleet("damage", 1, "bookworm", warmup=0):
        made.build("1.0.0")
        made.build("1.0.1", "1.0.2", "1.0.3", "1.0.4", like="1.0.0")
        for version in ("1.0.0", "1.0.1"):
            made.deploy(version).check()
        yield made


def run(fleet: Fleet, script: str) -> str:
    return fleet.bed.exec(fleet.names[0], ["bash", "-c", script])


def serves(fleet: Fleet, version: str) -> None:
    assert fleet.live() == dict.fromkeys(fleet.names, version)


def text(done: Done) -> str:
    return " ".join(done.output.split())


def live_slot(fleet: Fleet) -> str:
    return str(json.loads(run(fleet, f"cat {STATE}/state.json"))["live"])


def release(fleet: Fleet, version: str) -> str:
    sha = fleet.store.joinpath(f"agents-{version}.tar.gz.sha256").read_text()
    return f"{version}-{sha[:12]}"


def damaged(fleet: Fleet, what: str, place: str) -> str:
    """Do the damage; the path of the file."""
    live = live_slot(fleet)
    path = place.replace("LIVE", live).replace("IDLE", "green" if live == "blue" else "blue")
    run(fleet, what.replace("{}", path))
    return path


def whole(fleet: Fleet) -> None:
    """Everything that was damaged is there again: nothing more is said, and the next commands work."""
    info = fleet.ansible("mas.ops.release_info", "-a", "application=agents").check()
    assert '"damage": []' in info.output
    assert run(fleet, "systemctl --failed --no-legend").strip() == ""


@pytest.mark.parametrize("what, place", DAMAGES)
def test_a_rollback_works_and_says_what_it_mended(fleet: Fleet, what: str, place: str) -> None:
    fleet.deploy("1.0.1").check()
    serves(fleet, "1.0.1")
    path = damaged(fleet, what, place)
    done = fleet.rollback().check()
    serves(fleet, "1.0.0")
    assert f"[WARNING]: {path} was " in text(done)
    if not what.startswith("rm {}") or ";" in what:
        assert run(fleet, f"ls -d {path}.aside-*")
    run(fleet, f"rm -rf {path}.aside-*")
    whole(fleet)


@pytest.mark.parametrize("what, place", [DAMAGES[2], DAMAGES[6], DAMAGES[10], DAMAGES[12]])
def test_an_undo_works_as_well(fleet: Fleet, what: str, place: str) -> None:
    fleet.deploy("1.0.1").check()
    damaged(fleet, what, place)
    fleet.deploy("1.0.1", deploy_abort=True)
    serves(fleet, "1.0.0")
    whole(fleet)


@pytest.mark.parametrize("what, place", [DAMAGES[0], DAMAGES[4], DAMAGES[6], DAMAGES[9], DAMAGES[13]])
def test_a_deploy_mends_it_too(fleet: Fleet, what: str, place: str) -> None:
    path = damaged(fleet, what, place)
    before, after = fleet.live().popitem()[1], ""
    after = "1.0.1" if before == "1.0.0" else "1.0.0"
    done = fleet.deploy(after).check()
    serves(fleet, after)
    assert f"[WARNING]: {path} was " in text(done)
    assert "root:x:0:0" in run(fleet, "cat /etc/passwd"), "no link was written through"
    whole(fleet)


def test_a_canary_whose_journal_and_switch_were_lost_is_left(fleet: Fleet) -> None:
    """Only the slots and the ledger still show that it was under way."""
    before = fleet.live().popitem()[1]
    canary = {"deploy_strategy": "canary", "deploy_steps": [50], "deploy_bake": 60, "deploy_canaries": 0}
    process = fleet.start("deploy", deploy_version="1.0.2", **canary)
    deadline = time.monotonic() + 60
    while '"step": "bake"' not in run(fleet, f"cat {STATE}/state.json"):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    process.kill()
    process.communicate()
    time.sleep(5)
    run(fleet, f"echo '{{' > {STATE}/state.json; echo '{{' > {STATE}/auto-rollback.json")
    fleet.rollback().check()
    for _ in range(20):
        serves(fleet, before)
    whole(fleet)


def test_a_stranger_that_holds_the_lock_is_named_and_bars_no_way_back(fleet: Fleet) -> None:
    fleet.deploy("1.0.1").check()
    run(fleet, f"setsid flock {STATE}/lock sleep 600 >/dev/null 2>&1 & sleep 0.5")
    pids = run(fleet, "pgrep -x flock; pgrep -x sleep").split()
    refused = fleet.deploy("1.0.2")
    assert refused.status
    assert "flock (pid" in text(refused)
    assert f"(kill {' '.join(sorted(pids, key=int))})" in text(refused)
    assert "(run " not in text(refused), "no run that ended long ago is named"
    done = fleet.rollback("1.0.0").check()
    serves(fleet, "1.0.0")
    assert "was held by flock (pid" in text(done)
    run(fleet, f"kill {' '.join(pids)}")


def test_a_way_back_that_was_stopped_is_ended_by_the_next_one(fleet: Fleet) -> None:
    fleet.deploy("1.0.1").check()
    stop = "import fcntl, json, os, signal, sys; h = os.open(sys.argv[1], os.O_RDWR); fcntl.flock(h, 2); "
    stop += "began = open('/proc/self/stat').read().rpartition(')')[2].split()[19]; os.ftruncate(h, 0); "
    stop += "os.pwrite(h, json.dumps(dict(pid=os.getpid(), began=began, run='r', owner='o', operation='rollback', "
    stop += "returns=True)).encode(), 0); os.kill(os.getpid(), signal.SIGSTOP)"
    run(fleet, f'setsid python3 -c "{stop}" {STATE}/lock >/dev/null 2>&1 & sleep 1')
    done = fleet.rollback("1.0.0").check()
    assert done.seconds < 30
    serves(fleet, "1.0.0")


def test_what_only_the_store_has_comes_from_there_and_without_it_the_rest_is_offered(fleet: Fleet) -> None:
    for version in ("1.0.2", "1.0.3", "1.0.4"):
        fleet.deploy(version).check()
    wanted, nearest = release(fleet, "1.0.0"), release(fleet, "1.0.3")
    assert wanted not in run(fleet, "ls /srv/agents/releases")
    fleet.set(application_artifacts="http://127.0.0.1:9/none", agents_settings={"AGENTS_WARMUP": "0"})
    said = fleet.rollback(wanted)
    fleet.set(agents_settings={"AGENTS_WARMUP": "0"})
    assert said.status
    serves(fleet, "1.0.4")
    assert "could not be brought there from the store: " in text(said)
    assert "http://127.0.0.1:9/none" in text(said)
    assert "connection refused" in text(said)
    assert "Nothing was changed." in text(said)
    command = f"ansible-playbook mas.ops.rollback -i {fleet.bed.inventory} -e application_name=agents -e rollback_version={nearest}"
    assert command in text(said)
    fleet.rollback(wanted).check()
    serves(fleet, "1.0.0")


def test_the_same_deploy_repairs_what_stands_still_and_what_is_not_enabled(fleet: Fleet) -> None:
    fleet.deploy("1.0.1").check()
    slot = live_slot(fleet)
    units = [f"agents-worker@{slot}.service", f"agents-api@{slot}.service", f"agents-api@{slot}.socket"]
    run(fleet, f"systemctl kill -s STOP {units[0]}; systemctl disable {' '.join(units)}")
    assert "changed=1" in fleet.deploy("1.0.1").check().output
    assert run(fleet, f"systemctl is-enabled {' '.join(units)}").split() == ["enabled"] * 3
    pid = f"/proc/$(systemctl show -P MainPID {units[0]})/status"
    assert "stopped" not in run(fleet, f"grep State: {pid}")
    assert "changed=0" in fleet.deploy("1.0.1").check().output


def test_a_full_disk_is_called_that(fleet: Fleet) -> None:
    """Nothing can be journalled there; with room again the same command works."""
    full = "mkdir -p /mnt/m; mount -t tmpfs -o size=16m tmpfs /mnt/m; cp -a /var/lib/mas/. /mnt/m/; "
    full += "mount --bind /mnt/m /var/lib/mas; dd if=/dev/zero of=/var/lib/mas/fill bs=1k 2>/dev/null || true"
    run(fleet, full)
    try:
        said = fleet.rollback("1.0.0")
        assert said.status
        assert "No space left on device" in text(said)
        assert "Free some space there and run the same command again." in text(said)
        serves(fleet, "1.0.1")
        run(fleet, "rm /var/lib/mas/fill")
        fleet.rollback("1.0.0").check()
        serves(fleet, "1.0.0")
    finally:
        run(
            fleet, "umount /var/lib/mas; cp -a /mnt/m/. /var/lib/mas/; umount /mnt/m; rm -f /var/lib/mas/fill"
        )
