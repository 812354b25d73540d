# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bill of materials of an artifact, CycloneDX 1.6.

It says nothing that the artifact and mas.yml do not say: time and serial number come from the
build time and the digest, so the same artifact always has the same bill.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from uuid import NAMESPACE_URL, UUID, uuid5

from ...module_utils._releases.manifest import Manifest, parse_built
from .content import Packed

# A controller without them can still load the plugins and say what it lacks.
try:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from packageurl import PackageURL
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = None


def serial_number(sha256: str) -> UUID:
    """The same archive, the same number."""
    return uuid5(NAMESPACE_URL, f"sha256:{sha256}")


def document(manifest: Manifest, packed: Packed, required: Iterable[str], packages: Iterable[str]) -> str:
    """The bill as JSON text.

    :param required: the texts of the requirements files of pip
    :param packages: Debian packages, ``name`` or ``name=version``
    """
    application = Component(
        name=manifest.name,
        version=manifest.version,
        type=ComponentType.APPLICATION,
        bom_ref=f"application:{manifest.name}",
        hashes=[_hash(packed.sha256)],
    )
    libraries = [*_python(required), *(_debian(package) for package in packages)]
    files = [
        Component(name=name, type=ComponentType.FILE, bom_ref=f"file:{name}", hashes=[_hash(digest)])
        for name, digest in packed.digests.items()
    ]
    bom = Bom(
        serial_number=serial_number(packed.sha256),
        metadata=BomMetaData(component=application, timestamp=parse_built(manifest.built)),
        components=[*libraries, *files],
    )
    bom.register_dependency(application, [*libraries, *files])
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)
    # The library sorts the components but not the keys of its mappings in every version.
    return json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"


def _hash(sha256: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=sha256)


def _library(purl: PackageURL) -> Component:
    return Component(
        name=purl.name, version=purl.version, type=ComponentType.LIBRARY, bom_ref=purl.to_string(), purl=purl
    )


def _debian(package: str) -> Component:
    name, dummy, version = package.partition("=")
    return _library(PackageURL("deb", "debian", name, version or None))


def _python(texts: Iterable[str]) -> list[Component]:
    """What pip would install, with the version where it is pinned."""
    found: dict[str, Component] = {}
    for requirement in (requirement for text in texts for requirement in requirements(text)):
        purl = PackageURL("pypi", None, canonicalize_name(requirement.name), _pin(requirement))
        found.setdefault(purl.to_string(), _library(purl))
    return [found[name] for name in sorted(found)]


def requirements(text: str) -> Iterator[Requirement]:
    """The requirements of a pip file; options (-r, --hash) and what pip alone understands are passed over."""
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split(" #")[0].split(" --")[0].strip()
        if not words or words.startswith(("-", "#")):
            continue
        try:
            yield Requirement(words)
        except InvalidRequirement:
            continue


def _pin(requirement: Requirement) -> str | None:
    pins: Mapping[str, str] = {part.operator: part.version for part in requirement.specifier}
    version = pins.get("==") or pins.get("===")
    return None if version is None or "*" in version else version
