"""The exact files that make up the local stack, with their digests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

KAFKA_VERSION = "4.2.1"  # 4.3.1 skips transaction markers after a restart (KAFKA-20734)
REGISTRY_VERSION = "2.6.13.Final"
PINS_FILE = "pins.json"


@dataclass(frozen=True, slots=True)
class Pin:
    """
    One file of a Maven repository, with its size and digest.

    Parameters
    ----------
    group, artifact, version, classifier, extension : str
        Its Maven coordinate; the classifier may be empty.
    size : int
        Bytes.
    sha256 : str
        In hexadecimal.
    """

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
    """
    Every file of the stack.

    Parameters
    ----------
    kafka : tuple of Pin
        The jars of a broker.
    registry : Pin
        The schema registry's archive.
    """

    kafka: tuple[Pin, ...]
    registry: Pin


@cache
def load_pins() -> Pins:
    """Read the pins that this package ships."""
    content = json.loads(resources.files("edgeloop_local").joinpath(PINS_FILE).read_text(encoding="utf-8"))
    return Pins(kafka=tuple(Pin(**pin) for pin in content["kafka"]), registry=Pin(**content["registry"]))
