# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables in which the playbooks and roles of the collection keep what they found out and decided."""

from __future__ import annotations

from collections.abc import Iterable

from ..module_utils._core.errors import BadInput

#: In the order of the alphabet. tests/house compares it with the playbooks and roles.
OWN = frozenset(
    {
        *(
            "application_config", "application_contract", "application_environment_problem",
            "application_files", "application_folders", "application_ports", "application_proxy",
            "application_written"
        ),
        *("build_artifact",),
        *(
            "deploy_approval_evidence", "deploy_approved", "deploy_artifact", "deploy_call", "deploy_confirmed",
            "deploy_evidence", "deploy_facts", "deploy_gate", "deploy_keepers", "deploy_leavers", "deploy_left",
            "deploy_only_stage", "deploy_plan", "deploy_release", "deploy_staged", "deploy_state",
            "deploy_switched", "deploy_tells", "deploy_undo", "deploy_version"
        ),
        *("gate_artifact", "gate_asked", "gate_decision", "gate_for"),
        *("preflight_major", "preflight_release", "preflight_supported"),
        *(
            "proxy_absent", "proxy_bind_ports", "proxy_defaults", "proxy_front_ports",
            "proxy_gone", "proxy_installed", "proxy_listeners", "proxy_metrics_port", "proxy_program",
            "proxy_service", "proxy_settings", "proxy_strangers", "proxy_tls_ports", "proxy_written"
        ),
        *(
            "report_asked", "report_calendars", "report_hosts", "report_known", "report_ledger",
            "report_midnight", "report_page", "report_read", "report_today"
        ),
        *(
            "rollback_aim", "rollback_artifact", "rollback_artifacts", "rollback_brought", "rollback_chosen",
            "rollback_command", "rollback_decided", "rollback_done", "rollback_found", "rollback_incomplete",
            "rollback_info", "rollback_infos", "rollback_lacks", "rollback_left_out", "rollback_mine",
            "rollback_named", "rollback_others", "rollback_release", "rollback_rest", "rollback_tells",
            "rollback_to", "rollback_way", "rollback_within"
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


def refuse_own(given: Iterable[str]) -> None:
    """An extra variable beats all that a run registers: it would be taken for what the gate decided, for example.

    :param given: the names of the extra variables of this run
    :raises BadInput: one of them is the collection's own, or Ansible's
    """
    own = sorted((OWN | MAGIC).intersection(given))
    if own:
        raise BadInput(
            f"{', '.join(own)} cannot be given: Ansible and the playbooks keep there what they find out and decide",
            where="the extra variables",
            fix="Leave it out. docs/automate.md says what each playbook reads.",
        )
