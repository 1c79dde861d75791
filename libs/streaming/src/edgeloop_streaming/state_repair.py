"""Putting right a state topic into which somebody else has written."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Producer
from edgeloop_contracts import Topic
from edgeloop_contracts.topics import CHECKPOINT_KEY
from edgeloop_errors import InvalidError
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.settings import KafkaSettings
from edgeloop_readers.partition_reader import PartitionReader

from edgeloop_streaming.state_recovery import NoStateError, readable

WRITING_S = 10.0


class NothingToMendError(InvalidError):
    """Reason why a record is left as it is."""


@dataclass(frozen=True, slots=True)
class Mended:
    """Outcome for a key.

    Attributes
    ----------
    key
        Of the record.
    offset
        Of the record whose value was written again; ``None`` where no good one is kept, and the key is deleted.
    """

    key: bytes
    offset: int | None


def mend(settings: KafkaSettings, codec: Codec, topic: Topic, partition: int, offset: int) -> Mended:
    """Write over a record of a state topic that its service cannot read: with what its key held before, else with nothing.

    Raises
    ------
    NothingToMendError
        No such record is kept, it is in order, or the checkpoint that it took the place of is not kept.
    LookupError
        The topic does not exist.
    RegistryUnavailableError, KafkaException, TimeoutError
        The cluster does not answer.
    """
    records = _records(settings, topic, partition)
    broken = next((one for one in records if one.offset() == offset), None)
    place = f"{topic.name}/{partition}/{offset}"
    if broken is None or broken.value() is None:
        raise NothingToMendError(f"{place}: no such record is kept")
    if _good(broken, topic, codec):
        raise NothingToMendError(f"{place} is a record as its service writes it")
    same = [one for one in records if (one.key() or b"") == (broken.key() or b"")]
    if same[-1] is not broken:
        raise NothingToMendError(f"{place} has been written over at offset {same[-1].offset()}: it does no harm any more")
    before = next((one for one in reversed(same) if _good(one, topic, codec)), None)
    if before is None and broken.key() == CHECKPOINT_KEY.encode():
        raise NothingToMendError(f"{place}: no checkpoint from before is kept, and without one the service cannot tell what it has handled")
    _write(settings, topic, partition, broken.key() or b"", None if before is None else before.value())
    return Mended(broken.key() or b"", None if before is None else before.offset())


def _records(settings: KafkaSettings, topic: Topic, partition: int) -> list[ConsumerMessage]:
    place = (settings.topic_prefix + topic.name, partition)
    reader = PartitionReader(settings)
    try:
        if partition not in reader.partitions_of(place[0]):
            raise NothingToMendError(f"{topic.name} has no partition {partition}")
        records: list[ConsumerMessage] = []
        ends = reader.ends([place])
        reader.assign({place: OFFSET_BEGINNING})
        reader.read_until(ends, records.append)
        return records
    finally:
        reader.close()


def _good(message: ConsumerMessage, topic: Topic, codec: Codec) -> bool:
    if message.value() is None:
        return False
    try:
        readable(topic, message.key() or b"", message.value(), codec)
    except NoStateError:
        return False
    return True


def _write(settings: KafkaSettings, topic: Topic, partition: int, key: bytes, value: bytes | None) -> None:
    failed: list[str] = []
    producer = Producer({**settings.librdkafka(), "enable.idempotence": True})
    producer.produce(
        settings.topic_prefix + topic.name,
        key=key,
        value=value,
        partition=partition,
        on_delivery=lambda error, _: failed.append(error.str()) if error is not None else None,
    )
    if producer.flush(WRITING_S) or failed:
        raise TimeoutError(f"{topic.name} did not take the record: {'; '.join(failed) or 'no answer'}")
