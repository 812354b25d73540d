"""Two applications on one host, and what new settings would take away from what runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.mas.ops.plugins.module_utils._core.errors import Refused
from ansible_collections.mas.ops.plugins.module_utils._releases.application import Application
from ansible_collections.mas.ops.plugins.module_utils._releases.neighbours import (
    Footprint,
    advice,
    collisions,
    footprint,
    forbidden,
    refuse_foreign_settings,
)
from ansible_collections.mas.ops.plugins.module_utils._releases.slot import Slot, assigned, emptied
from ansible_collections.mas.ops.tests.unit.releases.fake_host import APP, FakeHost, live, manifest, release

PROCESS = {"kind": "worker", "command": ["x"], "stop_signal": "SIGTERM", "stop_grace": 1}


def other(name: str, **changes: object) -> Application:
    made = replace(APP, name=name, user=name, root=f"/srv/{name}", ports={"blue": 9101, "green": 9102})
    return replace(made, **changes)  # type: ignore[arg-type]


def held(app: Application, *processes: str) -> Slot:
    found = manifest("1.0.0", name=app.name, processes=dict.fromkeys(processes, PROCESS), health=None)
    return assigned(app, "blue", release("1.0.0"), found)


def of(app: Application, *processes: str) -> Footprint:
    return footprint(app, [held(app, *processes)] if processes else [])


def test_two_that_have_nothing_in_common() -> None:
    assert (
        collisions(of(other("shop"), "worker"), [of(other("blog", ports={"blue": 1, "green": 2}), "worker")])
        == []
    )


def test_an_application_is_no_neighbour_of_its_own() -> None:
    assert collisions(of(APP, "worker"), [of(APP, "worker")]) == []


@pytest.mark.parametrize(
    "mine, theirs", [(("crm", "api-worker"), ("crm-api", "worker")), (("a", "b-auto-rollback"), ("a-b", "x"))]
)
def test_units_of_two_names(mine: tuple[str, str], theirs: tuple[str, str]) -> None:
    """systemd has one unit of a name, and the wrong program would run."""
    them = other(theirs[0], ports={"blue": 1, "green": 2})
    (wrong,) = collisions(of(other(mine[0]), mine[1]), [of(them, theirs[1])])
    assert f"units {mine[0]}-{mine[1]}@ would be those of {mine[0]} and of {theirs[0]}" in wrong


def test_units_of_a_release_that_no_slot_holds_yet() -> None:
    them = of(other("crm-api", ports={"blue": 1, "green": 2}), "worker")
    assert collisions(footprint(other("crm"), []), [them]) == []
    assert len(collisions(footprint(other("crm"), [], ["api-worker"]), [them])) == 1


def test_variables_of_two_groups_that_became_one() -> None:
    """Ansible gives a host of two groups one value of each variable."""
    wrong = collisions(of(other("shop")), [of(other("blog"))])
    assert wrong == [
        f"port {port} is for slot {slot} of shop, and for slot {slot} of blog: give shop its own in application_slots"
        for port, slot in ((9101, "blue"), (9102, "green"))
    ]


def test_a_port_that_the_other_one_runs_on_still() -> None:
    them = other("blog", ports={"blue": 1, "green": 2})
    runs = replace(held(them, "worker"), processes=manifest("1.0.0").processes, port=9101)
    (wrong,) = collisions(of(other("shop")), [footprint(them, [runs])])
    assert "slot blue of blog, which runs on it" in wrong


def test_a_release_that_collides_is_not_staged() -> None:
    host = FakeHost()
    host.deploy("1.0.0")
    them = of(other("agents-api", ports={"blue": 1, "green": 2}), "x")
    host.neighbours = lambda: [replace(them, units=them.units | {"agents-worker"})]  # type: ignore[method-assign]
    with pytest.raises(Refused, match="units agents-worker@ would be those of agents and of agents-api"):
        host.do("staged", "2.0.0")
    assert live(host) == release("1.0.0")
    assert release("2.0.0") not in host.releases


def test_users_and_folders() -> None:
    shop = other("shop")
    blog = other("blog", ports={"blue": 1, "green": 2}, user="shop", root="/srv/shop/blog")
    user, folder = collisions(of(shop), [of(blog)])
    assert "user shop runs shop and blog" in user
    assert "application_root" in folder
    near = other("blog", ports={"blue": 1, "green": 2}, root="/srv/shop2")
    assert collisions(of(shop), [of(near)]) == []


RUNS = assigned(APP, "blue", release("1.0.0"), manifest("1.0.0"))


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"user": "other"}, "application_user is other"),
        ({"group": "other"}, "application_group is other"),
        ({"root": "/opt/agents"}, "application_root is /opt/agents"),
        ({"web": False}, "application_web is false"),
        (
            {"ports": {"blue": 8102, "green": 8101}},
            "port 8101 of slot green in application_slots is the one that slot blue",
        ),
    ],
)
def test_what_would_take_the_live_release_down(changes: dict[str, object], says: str) -> None:
    app = replace(APP, **changes)  # type: ignore[arg-type]
    (wrong,) = forbidden(app, [RUNS])
    assert says in wrong
    assert forbidden(app, [emptied(RUNS)]) == []
    assert forbidden(app, []) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"ports": {"blue": 1, "green": 2}},
        {"exclusive": True},
        {"host": "x"},
        {"signers": "/x"},
        {"keep_releases": 9},
    ],
)
def test_what_waits_for_the_next_assignment_or_is_policy(changes: dict[str, object]) -> None:
    assert forbidden(replace(APP, **changes), [RUNS]) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("settings_for", ["", "shop", "Blog", "blog "])
def test_variables_that_may_be_those_of_another_application(settings_for: str) -> None:
    """Ansible gives a host the value of one group: without a word, blog would run with the secrets of shop."""
    with pytest.raises(Refused, match=r"this host has shop as well.*not for blog") as error:
        refuse_foreign_settings("blog", settings_for, ["shop"])
    assert "application_settings_for: blog" in error.value.fix


def test_variables_of_an_application_that_the_host_does_not_have_yet() -> None:
    """The host joined the group of shop; provision of blog comes first, and would get what shop says."""
    with pytest.raises(Refused, match="the variables of this host say that they are for shop, not for blog"):
        refuse_foreign_settings("blog", "shop", [])


@pytest.mark.parametrize("settings_for", ["", "shop"])
def test_settings_that_may_be_anothers_are_no_reason_to_remove_releases(settings_for: str) -> None:
    said = advice("blog", settings_for)
    assert "See whose settings these are" in said
    assert "remove no release: Let the group of blog set application_settings_for: blog" in said
    assert "remove the application's releases" in advice("blog", "blog")


def test_variables_that_are_its_own() -> None:
    refuse_foreign_settings("blog", "blog", ["shop", "crm"])
    refuse_foreign_settings("blog", "", [])
