"""Update of ``pins.json`` by resolving Kafka's dependencies: ``python -m edgeloop_local.pin_update``.

Run it after a change of version. A start reads the pins only, so it resolves no dependencies and runs no unknown jar.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from jgo.maven import MavenContext
from jgo.parse import Coordinate

from edgeloop_local.download import repositories
from edgeloop_local.pins import KAFKA_VERSION, PINS_FILE, REGISTRY_VERSION, Pin, Pins

# Kafka's own POM leaves the choice of a log backend to its distribution.
_KAFKA = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")
_REGISTRY = ("io.apicurio", "apicurio-registry-app", REGISTRY_VERSION, "all", "tar.gz")


def resolve_pins(workspace: Path) -> Pins:
    """
    Resolve and download everything once, and pin it.

    Parameters
    ----------
    workspace : pathlib.Path
        Folder of the downloads.
    """
    maven = MavenContext(repo_cache=workspace, remote_repos=repositories())
    roots = [maven.create_dependency(replace(Coordinate.parse(root), scope="compile")) for root in _KAFKA]
    inputs, transitive = maven.resolver.resolve(roots)
    needed = [*inputs, *(each for each in transitive if each.scope in {"compile", "runtime"})]

    def pin(group: str, artifact: str, version: str, classifier: str = "", extension: str = "jar") -> Pin:
        component = maven.project(group, artifact).at_version(version)
        file = component.artifact(classifier=classifier, packaging=extension).resolve()
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        return Pin(group, artifact, version, classifier, extension, file.stat().st_size, digest)

    jars = {pin(each.groupId, each.artifactId, each.version) for each in needed}
    return Pins(tuple(sorted(jars, key=lambda each: (each.group, each.artifact))), pin(*_REGISTRY))


def main() -> None:
    """Rewrite the pins in the source tree."""
    with tempfile.TemporaryDirectory() as workspace:
        text = json.dumps(asdict(resolve_pins(Path(workspace))), indent=2)
    Path(__file__).with_name(PINS_FILE).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
