"""A schema registry in memory."""

from __future__ import annotations

from collections.abc import Iterable

from edgeloop_contracts import Topic

from edgeloop_streaming.registry import RegistryUnavailable, UnknownSchema


class MemorySchemas:
    """What :class:`~edgeloop_streaming.Codec` needs of a registry, with the schemas of ``topics`` in it.

    Attributes
    ----------
    available
        Whether it answers; a test may say no.
    """

    def __init__(self, topics: Iterable[Topic]) -> None:
        self.available = True
        self._ids: dict[str, int] = {}
        self._texts: list[str] = []
        self._subjects: set[tuple[str, str]] = set()
        for topic in topics:
            for kind in topic.kinds:
                self.register(topic.subject(kind), kind.SCHEMA)

    def register(self, subject: str, schema: str) -> int:
        """Take ``schema`` in; one text has one id, whatever its subjects."""
        if schema not in self._ids:
            self._texts.append(schema)
            self._ids[schema] = len(self._texts)
        self._subjects.add((subject, schema))
        return self._ids[schema]

    def lookup(self, subject: str, schema: str) -> int:
        """See :meth:`edgeloop_streaming.SchemaRegistry.lookup`."""
        self._answer()
        if (subject, schema) not in self._subjects:
            raise UnknownSchema(f"{subject} does not hold {schema[:80]}")
        return self._ids[schema]

    def schema(self, schema_id: int) -> str:
        """See :meth:`edgeloop_streaming.SchemaRegistry.schema`."""
        self._answer()
        if not 0 < schema_id <= len(self._texts):
            raise UnknownSchema(f"no schema has the id {schema_id}")
        return self._texts[schema_id - 1]

    def _answer(self) -> None:
        if not self.available:
            raise RegistryUnavailable("the registry was told not to answer")
