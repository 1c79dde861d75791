"""A schema registry in memory."""

from __future__ import annotations

from collections.abc import Iterable

from edgeloop_contracts import Topic
from edgeloop_contracts.registered import TEXTS
from edgeloop_kafka.framing import Naming, SchemaId
from edgeloop_kafka.schema_registry import UnknownSchemaError, WrittenSchema


class MemorySchemas:
    """Schema registry for :class:`~edgeloop_kafka.Codec`, with the schemas of ``topics`` in it."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self._ids: dict[str, int] = {}
        self._texts: list[str] = []
        self._subjects: set[tuple[str, str]] = set()
        for topic in topics:
            for kind in topic.kinds:
                self.register(topic.subject(kind), TEXTS[kind.FULLNAME])

    def register(self, subject: str, schema: str) -> int:
        """Take ``schema`` in; one text has one id, whatever its subjects."""
        if schema not in self._ids:
            self._texts.append(schema)
            self._ids[schema] = len(self._texts)
        self._subjects.add((subject, schema))
        return self._ids[schema]

    def lookup(self, subject: str, schema: str) -> int:
        """See :meth:`edgeloop_kafka.SchemaRegistry.lookup`."""
        if (subject, schema) not in self._subjects:
            raise UnknownSchemaError(f"{subject} does not hold {schema[:80]}")
        return self._ids[schema]

    def schema(self, wanted: SchemaId) -> WrittenSchema:
        """See :meth:`edgeloop_kafka.SchemaRegistry.schema`. The numbers of Apicurio's own interface are the same here."""
        if wanted.naming in {Naming.GUID, Naming.HASH} or not 0 < int(wanted.value) <= len(self._texts):
            raise UnknownSchemaError(f"no schema has the {wanted}")
        return WrittenSchema(self._texts[int(wanted.value) - 1])
