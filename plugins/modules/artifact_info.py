#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action; see plugins/action/artifact_info.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: artifact_info
short_description: Verify an artifact and return its manifest
version_added: 0.1.0
description:
  - Verifies the digest, the SSH signature, the archive (nothing in it that could harm a host) and the manifest of an
    artifact, and returns what is known about it. Fails when anything is wrong.
  - Runs on the controller. It does not connect to the host that the task is for.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
  - mas.ops.attributes.info
attributes:
  platform:
    details: The platform of the controller. It needs C(ssh-keygen) to verify a signature.
options:
  artifact:
    description:
      - The archive, a path or an C(http://) or C(https://) URL.
      - Give either this, or O(store) with O(application) and O(version).
    type: str
  store:
    description: A folder or an C(http://) or C(https://) URL that holds artifacts.
    type: str
  application:
    description: The name of the application.
    type: str
  version:
    description: The version.
    type: str
  allowed_signers:
    description:
      - Who may sign, as lines of an allowed signers file, see C(ssh-keygen(1\)). Each is a name and a public key.
    type: list
    elements: str
  allowed_signers_file:
    description: The same as a file.
    type: path
  signature_required:
    description:
      - Whether an artifact without a signature of O(allowed_signers) is an error.
      - When it is V(false), a signature that is there is still verified if O(allowed_signers) are given.
    type: bool
    default: true
  verify:
    description:
      - With V(false) nothing is verified and only what lies beside the archive is returned, so that a large
        archive need not be fetched. RV(manifest) is empty then, because an archive is not read before it is verified.
    type: bool
    default: true
seealso:
  - module: mas.ops.artifact_build
  - module: mas.ops.release
"""

EXAMPLES = r"""
- name: Check that version 2.0.0 can be deployed
  mas.ops.artifact_info:
    store: https://artifacts.example.com/agents
    application: agents
    version: 2.0.0
    allowed_signers:
      - ci@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJUMyw9uGnPpuyWHTeeFbaSJvRp8bRMNmZPUaeFjhNg4
  register: found
  run_once: true

- name: Inspect one file
  mas.ops.artifact_info:
    artifact: /srv/artifacts/agents-2.0.0.tar.gz
    signature_required: false
  delegate_to: localhost
"""

RETURN = r"""
name:
  description: The name of the application.
  type: str
  returned: success
  sample: agents
version:
  description: The version.
  type: str
  returned: success
  sample: 2.0.0
release:
  description: The name of the release that it becomes on hosts.
  type: str
  returned: success
  sample: 2.0.0-0123456789ab
sha256:
  description: The digest of the archive.
  type: str
  returned: success
path:
  description: The path or URL of the archive.
  type: str
  returned: success
  sample: https://artifacts.example.com/agents/agents-2.0.0.tar.gz
size:
  description: The bytes of the archive, 0 when it was not fetched.
  type: int
  returned: success
manifest:
  description: The manifest, empty when the artifact was not verified.
  type: dict
  returned: success
signature:
  description: The text of the signature, empty when there is none.
  type: str
  returned: success
signed_by:
  description: The allowed signer whose signature it is, empty when that was not verified.
  type: str
  returned: success
  sample: ci@example.com
sbom:
  description: The bill of materials in short. It is not covered by the signature.
  type: dict
  returned: success
  contains:
    serial_number:
      description: Its serial number, empty when there is no bill.
      type: str
      returned: always
    components:
      description: How many packages it lists.
      type: int
      returned: always
    packages:
      description: The libraries and system packages, as package URLs.
      type: list
      elements: str
      returned: always
verified:
  description: Whether the artifact was verified.
  type: bool
  returned: success
error:
  description: The kind of failure, for machines.
  type: str
  returned: failure
  sample: artifact
"""

from ..module_utils._core.ansible_module import docs_only
from ..module_utils._core.argspec import ArgumentSpec

#: The action imports it from here, where it is documented.
SPEC = ArgumentSpec(
    {
        "artifact": {"type": "str"},
        "store": {"type": "str"},
        "application": {"type": "str"},
        "version": {"type": "str"},
        "allowed_signers": {"type": "list", "elements": "str"},
        "allowed_signers_file": {"type": "path"},
        "signature_required": {"type": "bool", "default": True},
        "verify": {"type": "bool", "default": True},
    },
    mutually_exclusive=[("artifact", "store"), ("allowed_signers", "allowed_signers_file")],
    required_together=[("store", "application", "version")],
)


def main() -> None:
    docs_only("artifact_info", SPEC)


if __name__ == "__main__":
    main()
