"""An independent reader of a service's topics that finds contradictions to "exactly once".

It shares no code with the streaming library: a plain consumer, fastavro, and the schema files.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka import Consumer, KafkaError, TopicPartition

SCHEMAS = Path(__file__).parents[2] / "schemas"
Row = tuple[str, int, int]  # device, boot epoch, sequence number


@dataclass(frozen=True, slots=True)
class Seen:
    """One committed record."""

    partition: int
    offset: int
    timestamp: int
    key: str
    value: dict[str, Any]
    headers: Mapping[str, bytes]

    @property
    def cause(self) -> tuple[str, int, int]:
        """Topic, partition and offset of the cause."""
        topic, partition, offset = self.headers["ce_causationat"].decode().rsplit("/", 2)
        return topic, int(partition), int(offset)


@dataclass(slots=True)
class Findings:
    """Errors in words, by property; empty if there are none."""

    lost: list[str] = field(default_factory=list[str])
    twice: list[str] = field(default_factory=list[str])
    disordered: list[str] = field(default_factory=list[str])
    torn: list[str] = field(default_factory=list[str])
    offsets: list[str] = field(default_factory=list[str])

    @property
    def wrong(self) -> int:
        """Number of errors."""
        return len(self.lost) + len(self.twice) + len(self.disordered) + len(self.torn) + len(self.offsets)

    def __str__(self) -> str:
        parts = {name: getattr(self, name) for name in ("lost", "twice", "disordered", "torn", "offsets")}
        return "; ".join(f"{name} {len(found)} {found[:3]}" for name, found in parts.items() if found) or "nothing wrong"


class Checker:
    """Reads the topics under one prefix.

    Parameters
    ----------
    bootstrap, prefix
        Address of the broker, and the prefix of topic names.
    """

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._schemas: dict[str, Any] = {}

    def read(self, topic: str, kind: str, timeout: float = 60.0) -> list[Seen]:
        """All committed records of one kind, by partition in their order, after the last open transaction has ended.

        Other kinds are left out. A header names the kind of an event; the key names that of a state record.
        """
        consumer = self._consumer()
        try:
            name = self._prefix + topic
            partitions = sorted(consumer.list_topics(name, timeout=20).topics[name].partitions)
            ends = {p: self._end(name, p) for p in partitions}
            consumer.assign([TopicPartition(name, p, 0) for p in partitions])
            records: list[Seen] = []
            reached = dict.fromkeys(partitions, 0)
            deadline = time.monotonic() + timeout
            while any(reached[p] < ends[p] for p in partitions):
                assert time.monotonic() < deadline, f"{name}: stood at {reached} of {ends}"
                for message in consumer.consume(1000, 0.2):
                    error = message.error()
                    if error is None:
                        reached[message.partition()] = message.offset() + 1
                        if message.value() is not None and self._is(message, kind):
                            records.append(self._seen(message, kind))
                    elif error.code() == KafkaError._PARTITION_EOF:
                        reached[message.partition()] = message.offset()
        finally:
            consumer.close()
        return sorted(records, key=lambda seen: (seen.partition, seen.offset))

    def committed(self, service: str, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """Committed offsets of a service's group, by topic and partition, where there are any."""
        consumer = self._consumer(f"{self._prefix}edgeloop-{service}")
        try:
            places = [
                TopicPartition(self._prefix + topic, p)
                for topic in topics
                for p in consumer.list_topics(self._prefix + topic, timeout=20).topics[self._prefix + topic].partitions
            ]
            answers = consumer.committed(places, timeout=20)
        finally:
            consumer.close()
        return {(tp.topic.removeprefix(self._prefix), tp.partition): tp.offset for tp in answers if tp.offset >= 0}

    def chain(self, service: str, inputs: Iterable[str], found: Findings) -> dict[tuple[str, int], list[tuple[int, int]]]:
        """Check that the service's checkpoints follow one another and end where its group stands; give back their ranges."""
        ranges: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
        ends: dict[tuple[str, int], int] = {}
        numbers: Counter[int] = Counter()
        for seen in self.read(f"{service}.state", "Checkpoint"):
            number = seen.value["transaction"]
            if number != numbers[seen.partition] + 1:
                found.torn.append(f"{service}/{seen.partition}: transaction {number} follows {numbers[seen.partition]}")
            numbers[seen.partition] = number
            for each in seen.value["ranges"]:
                place = (each["topic"], each["partition"])
                # Markers of transactions lie between records: a range may begin beyond the end of the one before, never below it.
                if each["first"] < ends.get(place, 0):
                    found.torn.append(f"{service}/{seen.partition}: {place} again from {each['first']}, was at {ends[place]}")
                ends[place] = each["end"]
                if each["end"] > each["first"]:
                    ranges[place].append((each["first"], each["end"]))
        stands = self.committed(service, inputs)
        for place in sorted(ends.keys() | stands.keys()):
            if ends.get(place) != stands.get(place):
                found.offsets.append(f"{service} {place}: state {ends.get(place)}, group {stands.get(place)}")
        return ranges

    def causes(self, outputs: Iterable[Seen], ranges: Mapping[tuple[str, int], list[tuple[int, int]]], found: Findings) -> None:
        """Check that the cause of each output lies in a committed range."""
        covered = {place: {n for first, end in own for n in range(first, end)} for place, own in ranges.items()}
        for seen in outputs:
            topic, partition, offset = seen.cause
            if offset not in covered.get((topic, partition), ()):
                found.torn.append(f"an output of {topic}/{partition}/{offset}, which no transaction has handled")

    def _consumer(self, group: str = "checker", isolation: str = "read_committed") -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "log_level": 2,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "isolation.level": isolation,
                "fetch.wait.max.ms": 50,
            }
        )

    def _end(self, name: str, partition: int, timeout: float = 40.0) -> int:
        """End of a partition once no transaction holds it open."""
        stable, all_ = self._consumer(), self._consumer(isolation="read_uncommitted")
        try:
            deadline = time.monotonic() + timeout
            place = TopicPartition(name, partition)
            while True:
                ends = [consumer.get_watermark_offsets(place, timeout=20)[1] for consumer in (stable, all_)]
                if ends[0] == ends[1]:
                    return ends[0]
                assert time.monotonic() < deadline, f"{name}/{partition}: a transaction hangs at {ends[0]} of {ends[1]}"
                time.sleep(0.5)
        finally:
            stable.close()
            all_.close()

    def _is(self, message: Any, kind: str) -> bool:
        named = dict(message.headers() or ()).get("ce_type")
        if named is not None:
            return named.decode().rpartition(".")[2] == kind
        return kind != "Checkpoint" or (message.key() or b"").startswith(b"Checkpoint/")

    def _seen(self, message: Any, kind: str) -> Seen:
        if kind not in self._schemas:
            (path,) = SCHEMAS.glob(f"*/{kind}.avsc")
            self._schemas[kind] = fastavro.parse_schema(json.loads(path.read_text()))
        value: Any = fastavro.schemaless_reader(BytesIO(message.value()[5:]), self._schemas[kind], None)
        headers = dict(message.headers() or ())
        return Seen(message.partition(), message.offset(), message.timestamp()[1], (message.key() or b"").decode(), value, headers)


def rows_of(outputs: Iterable[Seen]) -> list[Row]:
    """Rows of observation batches, example batches or labels."""
    return [row for seen in outputs for row in _rows(seen.value)]


def _rows(value: Mapping[str, Any]) -> list[Row]:
    if "seqs" in value:
        numbers: Iterable[int] = value["seqs"]
    elif "first_seq" in value:
        numbers = range(value["first_seq"], value["first_seq"] + value["count"])
    else:
        numbers = (value["seq"],)
    return [(value["device_id"], value["boot_epoch"], n) for n in numbers]


def check_rows(name: str, sent: Iterable[Row], came: Sequence[Row], found: Findings) -> None:
    """Check that each sent row came out once, and each device's rows in order."""
    wanted = list(sent)
    counts = Counter(came)
    found.lost += [f"{name} {row}" for row in wanted if not counts[row]]
    found.twice += [f"{name} {row} came {n} times" for row, n in sorted(counts.items()) if n > 1]
    order = {row: n for n, row in enumerate(wanted)}
    last: dict[str, int] = {}
    once: set[Row] = set()
    for row in came:
        if row in once or row not in order:
            continue
        once.add(row)
        if order[row] < last.get(row[0], -1):
            found.disordered.append(f"{name} {row}")
        last[row[0]] = max(order[row], last.get(row[0], -1))
