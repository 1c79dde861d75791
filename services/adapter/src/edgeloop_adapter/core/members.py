"""Members of mixtures, made of versions."""

from __future__ import annotations

from edgeloop_contracts import AdapterMember, ModelVersion


def member_of(version: ModelVersion | None) -> AdapterMember | None:
    """A version as a member; ``None`` for none."""
    if version is None:
        return None
    return AdapterMember(version=version.version, file=version.file, classes=version.classes, signed=version.signed)
