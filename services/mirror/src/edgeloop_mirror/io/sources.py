"""Records that a run refers to, read again from the topics."""

from __future__ import annotations

from edgeloop_contracts import StreamDefinition, StreamKey, TrainingRequest, TrainingRun, topics
from edgeloop_datasets import ModelGoneError, Reader, StreamDefinitions, model_file
from edgeloop_kafka import Received
from edgeloop_readers import RangeGoneError


class Sources:
    """Requests, definitions and models.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    definitions
        Definitions of streams.
    """

    def __init__(self, reader: Reader, definitions: StreamDefinitions) -> None:
        self._reader = reader
        self._definitions = definitions

    def request(self, run: Received[TrainingRun]) -> TrainingRequest | None:
        """The request that a run names as its cause; ``None`` if it cannot be read."""
        name, _, place = run.headers.get("ce_causationat", b"").decode("utf-8", "replace").partition("/")
        partition, _, offset = place.partition("/")
        if name != topics.TRAINING_REQUESTS.name or not (partition.isdigit() and offset.isdigit()):
            return None
        try:
            found = self._reader.read(topics.TRAINING_REQUESTS, int(partition), int(offset), int(offset) + 1)
        except (RangeGoneError, TimeoutError):
            return None
        return found[0].event if found and found[0].event.request_id == run.event.request_id else None

    def definition(self, event: TrainingRun) -> StreamDefinition | None:
        """The definition of a run's model, if it is still the stream's."""
        definition = self._definitions.get(StreamKey.of(event))
        return definition if definition is not None and definition.version == event.definition_version else None

    def model(self, event: TrainingRun) -> bytes | None:
        """The file of a run's challenger; ``None`` if its chunks are deleted."""
        try:
            return model_file(self._reader, topics.MODEL_CHUNKS, event.file) if event.file else None
        except ModelGoneError:
            return None
