#!/usr/bin/python
# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of an action; see plugins/action/artifact_build.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: artifact_build
short_description: Build an artifact of an application from its source
version_added: 0.1.0
description:
  - Packs a source folder into one archive with a manifest, and writes its digest, its bill of materials
    (CycloneDX 1.6) and its SSH signature beside it.
  - In a git checkout it packs what git tracks and what C(include) in C(mas.yml) names, elsewhere everything, and never
    what C(exclude) names. It warns of probable mistakes.
  - Refuses to build when a file looks like a secret, unless C(mas.yml) has a waiver for it.
  - The build is reproducible. The same source gives the same bytes, independent of user, machine and time.
  - An artifact never changes. Building a version that the store holds with the same bytes changes nothing;
    with other bytes it fails.
  - Runs on the controller. It does not connect to the host that the task is for.
  - The file C(mas.yml) of the source folder describes the application, see the notes.
author: the mas.ops authors (@mas-ops)
extends_documentation_fragment:
  - mas.ops.attributes
attributes:
  diff_mode:
    details: Lists the files with their digests.
  platform:
    details: The platform of the controller. It needs C(ssh-keygen) to sign, and C(git) for a source in a
      checkout.
options:
  source:
    description: The folder that holds C(mas.yml) and the application.
    type: path
    required: true
  store:
    description:
      - The folder of the artifacts. Created when it does not exist.
      - When it is inside O(source), it is left out of the artifact.
    type: path
    required: true
  version:
    description: The version, instead of the one in C(mas.yml).
    type: str
  signing_key:
    description:
      - An SSH private key without a passphrase, or the public key of one that C(ssh-agent) holds.
      - Without it the artifact is not signed, and hosts that require a signature refuse it.
      - Use a key of type Ed25519.
    type: path
  built:
    description:
      - The build time, in ISO 8601 with a zone. Every file of the artifact gets it.
      - Otherwise it is the environment variable E(SOURCE_DATE_EPOCH), or the time of the last commit that
        touched the source, or 1980-01-01T00:00:00Z.
    type: str
  commit:
    description:
      - The revision to record.
      - Otherwise the last commit that touched the source, followed by C(-dirty) when the folder differs from it.
    type: str
notes:
  - C(mas.yml) has the keys C(name) and C(processes), and may have C(version), C(health), C(migrations),
    C(secrets), C(shared), C(include), C(exclude), C(packages) and C(secret_waivers). Anything else is an error.
  - C(name) is a small letter followed by at most 30 small letters, digits and dashes. C(version) is at most 64
    letters, digits, dots, plus signs and dashes, in quotes.
  - C(processes) is a mapping of names. Each process has a C(kind) (V(web), at most one, which serves requests on
    the port in the environment variable E(PORT), or V(worker)), a C(command) (a string that is split as a shell
    would, or a list; no shell runs it; C($PORT) and C(${PORT}) in its arguments are the port), a C(stop_signal) (default
    V(SIGTERM)) and a C(stop_grace) in seconds (10).
    A web process may have C(listen), V(port) by default; with V(systemd) it gets its socket from systemd (LISTEN_FDS).
  - C(health) is needed with a web process. It has a C(path), the C(expected) status (200) and a
    C(startup_budget) in seconds (30), C(timeout) of one answer in seconds (2).
  - C(migrations) may have the commands C(expand), run before a release gets traffic, and C(contract), run when
    no older release is left. Both must be idempotent and safe when several hosts run them at the same time.
  - C(secrets) is a list of the environment variables that the application cannot run without.
  - C(shared) is a list of relative paths, a folder with a slash at its end. On hosts each is a link from the release to
    one copy for all releases. What is shared cannot be in the artifact.
  - C(include) is a list of patterns as in C(.gitignore), for what git does not track and belongs in the artifact. One
    that names nothing is an error.
  - C(exclude) is a list of such patterns for what does not belong in it. C(.git) is always left out, C(__pycache__/) too
    unless it is taken back in by C(!__pycache__/), and so are folders without files.
  - A file that is less readable than C(mas.yml) can be read on hosts by the application only.
  - A symbolic link must stay inside the source, or point to C(/usr/bin/python3) or one of its versions.
  - C(packages) is a list of Debian packages, C(name) or C(name=version). A host on which one is not installed refuses the
    release. They are in the bill of materials, with the version, beside what pip and npm leave in the source.
  - C(secret_waivers) is a list of mappings with the C(path) of a file, or of a folder and a slash, and the C(reason) why
    nothing there is a secret.
seealso:
  - module: mas.ops.artifact_info
  - module: mas.ops.release
"""

EXAMPLES = r"""
- name: Build and sign the checkout
  mas.ops.artifact_build:
    source: /home/ci/agents
    store: /srv/artifacts
    signing_key: /home/ci/.ssh/artifacts_ed25519
  register: built
  delegate_to: localhost

- name: Build a version of its own, at a fixed time
  mas.ops.artifact_build:
    source: /home/ci/agents
    store: /srv/artifacts
    version: "1.4.0-rc.2"
    built: "2026-01-31T12:00:00Z"
  delegate_to: localhost

# A mas.yml:
#
# name: agents
# version: "1.0.0"
# processes:
#   api: {kind: web, command: python3 -m agents.api}
#   worker: {kind: worker, command: python3 -m agents.worker, stop_grace: 30}
# health: {path: /health}
# migrations: {expand: python3 -m agents.migrate expand, contract: python3 -m agents.migrate contract}
# secrets: [AGENTS_TOKEN]
# shared: [uploads/, config/local.json]
# include: [/dist/]
# exclude: ["*.pyc", tests/]
# packages: [python3-psycopg]
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
  sample: 1.0.0
release:
  description: The name of the release that it becomes on hosts.
  type: str
  returned: success
  sample: 1.0.0-0123456789ab
sha256:
  description: The digest of the archive.
  type: str
  returned: success
path:
  description: The archive.
  type: str
  returned: success
  sample: /srv/artifacts/agents-1.0.0.tar.gz
size:
  description: The bytes of the archive.
  type: int
  returned: success
files:
  description: How many files and links it holds beside its manifest.
  type: int
  returned: success
manifest:
  description: The manifest.
  type: dict
  returned: success
signature:
  description: The file with the signature, empty when the artifact is not signed.
  type: str
  returned: success
  sample: /srv/artifacts/agents-1.0.0.tar.gz.sig
sbom:
  description: The file with the bill of materials.
  type: str
  returned: success
  sample: /srv/artifacts/agents-1.0.0.tar.gz.sbom.json
steps:
  description: What was stored, or would be in check mode, in order.
  type: list
  elements: str
  returned: success
  sample: [store agents-1.0.0.tar.gz.sha256, store agents-1.0.0.tar.gz]
error:
  description: The kind of failure, for machines.
  type: str
  returned: failure
  sample: refused
"""

from ..module_utils._core.ansible_module import docs_only
from ..module_utils._core.argspec import ArgumentSpec

#: The action imports it from here, where it is documented.
SPEC = ArgumentSpec(
    {
        "source": {"type": "path", "required": True},
        "store": {"type": "path", "required": True},
        "version": {"type": "str"},
        "signing_key": {"type": "path"},
        "built": {"type": "str"},
        "commit": {"type": "str"},
    }
)


def main() -> None:
    docs_only("artifact_build", SPEC)


if __name__ == "__main__":
    main()
