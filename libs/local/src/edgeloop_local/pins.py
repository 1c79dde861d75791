"""The exact files that make up the local stack, with their digests.

``python -m edgeloop_local.pins`` resolves Kafka's dependencies anew and rewrites ``pins.json``; a start only reads it.
So a start needs no dependency resolution, and never runs a jar whose bytes nobody has seen before.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

KAFKA_VERSION = "4.2.1"  # 4.3.1 skips transaction markers after a restart (KAFKA-20734)
REGISTRY_VERSION = "2.6.13.Final"
# Kafka's own POM leaves the choice of a log backend to its distribution.
_KAFKA_ROOTS = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")
_REGISTRY_ROOT = ("io.apicurio", "apicurio-registry-app", REGISTRY_VERSION, "all", "tar.gz")
_PINS_FILE = "pins.json"


@dataclass(frozen=True, slots=True)
class Pin:
    """One file of a Maven repository, and what its bytes must be."""

    group: str
    artifact: str
    version: str
    classifier: str
    extension: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        """The file's name in every Maven repository."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{classifier}.{self.extension}"

    @property
    def repository_path(self) -> str:
        """The file's path below a Maven repository's address."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.filename}"


@dataclass(frozen=True, slots=True)
class Pins:
    """Every file of the stack."""

    kafka: tuple[Pin, ...]
    registry: Pin


@cache
def load_pins() -> Pins:
    """Read the pins that this package ships."""
    content = json.loads(resources.files("edgeloop_local").joinpath(_PINS_FILE).read_text(encoding="utf-8"))
    return Pins(kafka=tuple(Pin(**pin) for pin in content["kafka"]), registry=Pin(**content["registry"]))


def resolve_pins(workspace: Path) -> Pins:
    """
    Resolve and download everything once, to pin it.

    Parameters
    ----------
    workspace : pathlib.Path
        Where to download to.
    """
    # Imported here, since a start that finds everything in the cache needs none of it.
    from jgo.maven import MavenContext  # noqa: PLC0415
    from jgo.parse import Coordinate  # noqa: PLC0415

    from edgeloop_local.download import repositories  # noqa: PLC0415

    maven = MavenContext(repo_cache=workspace, remote_repos=repositories())
    roots = [maven.create_dependency(replace(Coordinate.parse(root), scope="compile")) for root in _KAFKA_ROOTS]
    inputs, transitive = maven.resolver.resolve(roots)
    wanted = [*inputs, *(each for each in transitive if each.scope in {"compile", "runtime"})]

    def pin(group: str, artifact: str, version: str, classifier: str = "", extension: str = "jar") -> Pin:
        component = maven.project(group, artifact).at_version(version)
        file = component.artifact(classifier=classifier, packaging=extension).resolve()
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        return Pin(group, artifact, version, classifier, extension, file.stat().st_size, digest)

    kafka = {pin(each.groupId, each.artifactId, each.version) for each in wanted}
    return Pins(tuple(sorted(kafka, key=lambda each: (each.group, each.artifact))), pin(*_REGISTRY_ROOT))


def main() -> None:
    """Rewrite the pins in the source tree."""
    with tempfile.TemporaryDirectory() as workspace:
        text = json.dumps(asdict(resolve_pins(Path(workspace))), indent=2)
    Path(__file__).with_name(_PINS_FILE).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
