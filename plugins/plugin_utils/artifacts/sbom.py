# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bill of materials of an artifact, CycloneDX 1.6.

It lists packages; of the files it says how many there are and the digest of them all, which is the archive's. It says
nothing that the artifact and mas.yml do not say: time and serial number come from the build time and the digest, so
the same artifact always has the same bill.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast
from uuid import NAMESPACE_URL, UUID, uuid5

from ...module_utils._releases.manifest import Manifest, parse_built
from .content import Packed
from .packages import MISSING as _NO_PACKAGING
from .packages import Package

# A controller without them can still load the plugins and say what it lacks.
try:
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from cyclonedx.schema.schema import SchemaVersion1Dot6
    from packageurl import PackageURL
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = _NO_PACKAGING


def serial_number(sha256: str) -> UUID:
    """The same archive, the same number."""
    return uuid5(NAMESPACE_URL, f"sha256:{sha256}")


def document(manifest: Manifest, packed: Packed, packages: Iterable[Package]) -> str:
    """The bill as JSON text."""
    application = Component(
        name=manifest.name,
        version=manifest.version,
        type=ComponentType.APPLICATION,
        bom_ref=f"application:{manifest.name}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=packed.sha256)],
        properties=[
            Property(name="mas.ops:files", value=str(manifest.files.count)),
            Property(name="mas.ops:bytes", value=str(manifest.files.bytes)),
        ],
    )
    bom = Bom(
        serial_number=serial_number(packed.sha256),
        metadata=BomMetaData(component=application, timestamp=parse_built(manifest.built)),
    )
    data = json.loads(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string())
    _add(data, f"application:{manifest.name}", packages)
    return json.dumps(data, indent=2, sort_keys=True) + "\n"


def _add(data: dict[str, Any], application: str, packages: Iterable[Package]) -> None:
    """Each package by the library, but not all of them in one bill of its: that takes the square of their number."""
    # The library's decorators add the method, and its types do not know.
    found = (cast(Any, _library(package)) for package in packages)
    components = [json.loads(component.as_json(view_=SchemaVersion1Dot6)) for component in found]
    if components:
        names = [component["bom-ref"] for component in components]
        data["components"] = components
        data["dependencies"] = [{"ref": application, "dependsOn": names}, *({"ref": name} for name in names)]


def _library(package: Package) -> Component:
    purl = PackageURL(package.kind, package.namespace or None, package.name, package.version or None)
    return Component(
        name=purl.name,
        group=package.namespace or None if package.kind == "npm" else None,
        version=purl.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
    )
