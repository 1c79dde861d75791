"""Writer of a run: stream definition, warm-up rows, labels and the command to train."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TypeVar

from edgeloop_contracts import Event, Label, ObservationBatch, StartTraining, StreamKey, Topic, topics
from edgeloop_kafka import Publisher
from edgeloop_replay.pooled_order import RowId
from edgeloop_replay.schedule import batch_rows
from edgeloop_replay.tables.stream_table import StreamTable, definition

from edgeloop_cli.errors import FailedError

EPOCH = 1
E = TypeVar("E", bound=Event)
K = TypeVar("K", bound=str)


class Feed:
    """Writes as one stream.

    Parameters
    ----------
    publisher
        Of this process.
    tenant, stream
        Whose records.
    """

    def __init__(self, publisher: Publisher, tenant: str, stream: str) -> None:
        self._publisher = publisher
        self._tenant = tenant
        self._stream = stream
        self.key = StreamKey(tenant, stream)
        self.warmup_device = f"{stream}-warmup"

    def register(self, table: StreamTable) -> None:
        """Ask the registry to define the stream."""
        self._send(topics.MODEL_COMMANDS, definition(self._tenant, self._stream, table))

    def warm_up(self, table: StreamTable, rows: int) -> list[RowId]:
        """Send the first rows as what a device saw before there was a model; give back their names."""
        device = self.warmup_device
        step = batch_rows(len(table.names))
        for first in range(0, rows, step):
            end = min(first + step, rows)
            batch = ObservationBatch(
                tenant=self._tenant,
                stream=self._stream,
                device_id=device,
                boot_epoch=EPOCH,
                first_seq=first,
                count=end - first,
                features=table.features[first:end].astype("<f4").tobytes(),
                event_times=() if table.times is None else tuple(table.times[first:end].tolist()),
            )
            self._send(topics.OBSERVATIONS_RAW, batch)
        return [(device, EPOCH, seq) for seq in range(rows)]

    def train(self, rows: int, seed: int) -> None:
        """Ask for the first version; ``seed`` is of what is drawn in all fits of the stream."""
        event = StartTraining(tenant=self._tenant, stream=self._stream, command_id=f"{self._stream}-first", rows=rows, seed=seed)
        self._send(topics.RETRAINING_COMMANDS, event)

    def labels(self, named: Iterable[tuple[RowId, str]]) -> int:
        """Send what turned out to be true of some rows; give back the time, milliseconds."""
        now = time.time_ns() // 1_000_000
        for (device, epoch, seq), label in named:
            event = Label(
                tenant=self._tenant, stream=self._stream, device_id=device, boot_epoch=epoch, seq=seq, label=label, event_time=now
            )
            self._publisher.publish(topics.LABELS_RAW, topics.LABELS_RAW.key_of(event), event)
        self._publisher.poll()
        return now

    def flush(self) -> None:
        """Wait until the broker has everything.

        Raises
        ------
        FailedError
            It does not take it.
        """
        left = self._publisher.flush(30.0)
        failures = self._publisher.failures()
        if left or failures:
            raise FailedError(f"Kafka did not take {left + len(failures)} records: {failures[0] if failures else 'no answer within 30 s'}")

    def _send(self, topic: Topic[E, K], event: E) -> None:
        self._publisher.publish(topic, topic.key_of(event), event)
