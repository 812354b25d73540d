# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables in which the playbooks and roles of the collection keep what they found out and decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._core.errors import BadInput

#: In the order of the alphabet. tests/architecture compares it with the playbooks and roles.
OWN = frozenset(
    {
        *(
            "application_config", "application_contract", "application_environment_problem",
            "application_files", "application_folders", "application_port_checks", "application_ports", "application_proxy",
            "application_written"
        ),
        *("build_artifact",),
        *("change_event", "change_facts"),
        *(
            "command_choice", "command_chosen", "command_done", "command_found", "command_lost",
            "command_which"
        ),
        *(
            "decommission_cleared", "decommission_commands", "decommission_done", "decommission_failed",
            "decommission_left_out", "decommission_results", "decommission_within"
        ),
        *(
            "deploy_approval_evidence", "deploy_approved", "deploy_artifact", "deploy_call", "deploy_confirmed",
            "deploy_evidence", "deploy_facts", "deploy_gate", "deploy_good", "deploy_keepers", "deploy_leavers", "deploy_left",
            "deploy_notifies", "deploy_only_stage", "deploy_plan", "deploy_point", "deploy_points", "deploy_release", "deploy_staged", "deploy_state",
            "deploy_switched", "deploy_target", "deploy_undo"
        ),
        *("gate_artifact", "gate_decision", "gate_for", "gate_host_facts", "gate_playbook"),
        *(
            "mas_common_packages", "mas_common_secret_path", "mas_common_secret_template", "mas_common_unit_name",
            "mas_common_unit_template", "mas_common_unit_wanted_by"
        ),
        *("preflight_found",),
        *(
            "proxy_absent", "proxy_application", "proxy_bind_ports", "proxy_defaults", "proxy_front_ports",
            "proxy_gone", "proxy_installed", "proxy_metrics_port", "proxy_port_checks", "proxy_program",
            "proxy_service", "proxy_settings", "proxy_status", "proxy_tls_ports", "proxy_written"
        ),
        *(
            "report_asked", "report_calendars", "report_hosts", "report_known", "report_ledger",
            "report_midnight", "report_page", "report_read", "report_today"
        ),
        *(
            "rollback_aim", "rollback_artifact", "rollback_artifacts", "rollback_brought", "rollback_chosen",
            "rollback_command", "rollback_decided", "rollback_done", "rollback_found", "rollback_incomplete",
            "rollback_info", "rollback_infos", "rollback_lacks", "rollback_left_out", "rollback_mine",
            "rollback_named", "rollback_notifies", "rollback_others", "rollback_own", "rollback_release", "rollback_rest",
            "rollback_target", "rollback_way", "rollback_within"
        ),
        *("windows_found",),
    }
)  # fmt: skip


#: What Ansible sets by itself: by which hosts the playbooks go, and whether they may change anything.
MAGIC = frozenset(
    {
        *("inventory_hostname", "inventory_hostname_short", "hostvars", "groups", "group_names", "omit"),
        *(
            "play_hosts",
            "ansible_play_hosts",
            "ansible_play_hosts_all",
            "ansible_play_batch",
            "ansible_limit",
        ),
        *("ansible_check_mode", "ansible_diff_mode", "ansible_run_tags", "ansible_skip_tags"),
        *("inventory_dir", "inventory_file", "playbook_dir", "ansible_playbook_python", "ansible_version"),
    }
)


_WHERE = "the extra variables"


def refuse_own(given: Mapping[str, Any]) -> None:
    """An extra variable beats all that a run registers: it would be taken for what the gate decided, for example.

    :param given: the extra variables of this run
    :raises BadInput: one of them is the collection's own, or Ansible's
    """
    own = sorted((OWN | MAGIC).intersection(given))
    if own:
        raise BadInput(
            f"{', '.join(own)} cannot be given: Ansible and the playbooks keep there what they find out and decide",
            where=_WHERE,
            fix="Leave it out. docs/variables.md says what each playbook reads.",
        )


#: What the gate must not get from whoever starts a run, and why.
OF_THE_INVENTORY = {
    "change_stop_file": "the stop file is the same one for everybody",
    "mas_environment": "the gate would evaluate the windows and freezes of another environment",
}


def refuse_other_rules(given: Mapping[str, Any]) -> None:
    """For every change but a way back: an extra variable would hide the stop file, or what holds for the environment.

    :raises BadInput: it is one of the extra variables
    """
    for name, why in OF_THE_INVENTORY.items():
        if name in given:
            raise BadInput(
                f"{name} cannot be given: {why}",
                where=_WHERE,
                fix="Say it in the inventory, such as group_vars/all.",
            )
