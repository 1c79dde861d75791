"""Sample rows of 16 floats, with their identity, times and answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from edgeloop_contracts import Feature, ObservationBatch, ObservationRow, StreamDefinition
from edgeloop_kafka import UnknownSchemaError
from edgeloop_kafka.framing import SchemaId
from edgeloop_kafka.schema_registry import WrittenSchema
from numpy.typing import NDArray

STREAM = "pumps"
FEATURES = 16
STARTED = 1_760_000_000_000  # the time of the first row, milliseconds since 1970
CLASSES = ("steady", "worn")


class Registry:
    """A schema registry in memory, so that a codec is measured without a network."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def lookup(self, subject: str, schema: str) -> int:
        """Id of a schema; every text is registered."""
        del subject
        if schema not in self._texts:
            self._texts.append(schema)
        return self._texts.index(schema) + 1

    def schema(self, wanted: SchemaId) -> WrittenSchema:
        """A schema."""
        if not 0 < int(wanted.value) <= len(self._texts):
            raise UnknownSchemaError(wanted)
        return WrittenSchema(self._texts[int(wanted.value) - 1])


def definition() -> StreamDefinition:
    """Definition of the stream."""
    features = tuple(Feature(name=f"x{i}") for i in range(FEATURES))
    return StreamDefinition(tenant="default", stream=STREAM, version=1, features=features, label="state", classes=CLASSES)


def values(rows: int, seed: int = 0) -> NDArray[np.float32]:
    """Random rows, float32 [rows, 16]."""
    return np.random.default_rng(seed).normal(size=(rows, FEATURES)).astype("<f4")


def single_rows(count: int, devices: int = 8) -> list[ObservationRow]:
    """Single rows of a producer without batches, from the devices in turn."""
    return [
        ObservationRow(
            tenant="default",
            stream=STREAM,
            device_id=f"pump-{i % devices}",
            boot_epoch=1,
            seq=1000 + i // devices,
            features=tuple(row),
            event_time=STARTED + i,
            model_version=3,
            answer=CLASSES[0],
        )
        for i, row in enumerate(values(count).astype(float).tolist())
    ]


def batch(
    first: int,
    rows: NDArray[np.float32],
    device: str = "pump-0",
    *,
    bare: bool = False,
    answer: Callable[[int], str] = lambda _: CLASSES[0],
) -> ObservationBatch:
    """Consecutive rows of a device; ``bare`` ones have neither times nor answers, like those of a gateway without a model."""
    count = len(rows)
    return ObservationBatch(
        tenant="default",
        stream=STREAM,
        device_id=device,
        boot_epoch=1,
        first_seq=first,
        count=count,
        features=rows.tobytes(),
        event_times=() if bare else tuple(range(STARTED + first, STARTED + first + count)),
        model_version=0 if bare else 3,
        answers=() if bare else tuple(answer(i) for i in range(first, first + count)),
    )
