"""Clusters of release 0.1: found by their schema registry, and refused.

Release 0.2 changed stored records once, as releases before 1.0 may. Avro would resolve some of the old records to new ones with empty
fields, without an error. So a program asks the schema registry before it reads or changes anything.
"""

from __future__ import annotations

import json
from typing import Any, Protocol, cast

from edgeloop_contracts import ModelVersion, topics
from edgeloop_errors import EXIT_UNUSABLE, FatalError

from edgeloop_kafka.schema_lookup import UnknownSchemaError
from edgeloop_kafka.schema_registry import Latest

MARK = "file"
"""A field of :class:`ModelVersion` since release 0.2. ``edgeloop topics --apply`` registers this schema on each cluster."""


class EarlierReleaseError(FatalError):
    """The cluster holds records of release 0.1."""

    exit_code = EXIT_UNUSABLE


class Asked(Protocol):
    """The part of :class:`edgeloop_kafka.SchemaRegistry` that is used here."""

    url: str

    def latest(self, subject: str) -> Latest:
        """The newest version of a subject; ``UnknownSchemaError`` where there is none."""
        ...


def refuse_earlier_release(registry: Asked, prefix: str) -> None:
    """Refuse a cluster whose records are of release 0.1; one request to the schema registry.

    Parameters
    ----------
    registry
        Schema registry of the cluster.
    prefix
        Prefix of topics and subjects.

    Raises
    ------
    EarlierReleaseError
        It holds such records. The message is one line: what, where and the remedy.
    RegistryUnavailableError, RegistryRefusedError
        No answer that tells.
    """
    subject = prefix + topics.MODEL_EVENTS.subject(ModelVersion)
    try:
        latest = registry.latest(subject)
    except UnknownSchemaError:
        return
    if _is_earlier(latest.text):
        raise EarlierReleaseError(
            f"the topics{f' with the prefix {prefix!r}' if prefix else ''} hold records of edgeloop 0.1, which this release does not read"
            f" (subject {subject}, schema id {latest.id}): expected ModelVersion with the field {MARK!r}; set another EDGELOOP_TOPIC_PREFIX,"
            " or use a new cluster, and play the labelled rows again"
        )


def _is_earlier(text: str) -> bool:
    """Whether a schema is the ModelVersion of release 0.1; a schema that is no ModelVersion at all tells nothing."""
    try:
        schema: Any = json.loads(text)
    except ValueError:
        return False
    if not isinstance(schema, dict):
        return False
    record = cast("dict[str, Any]", schema)
    if record.get("name") not in {ModelVersion.FULLNAME, ModelVersion.FULLNAME.rpartition(".")[2]}:
        return False
    given: Any = record.get("fields")
    fields = cast("list[Any]", given) if isinstance(given, list) else []
    return MARK not in {cast("dict[str, Any]", field).get("name") for field in fields if isinstance(field, dict)}
