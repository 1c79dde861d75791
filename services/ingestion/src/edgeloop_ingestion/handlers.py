"""The task of ingestion: raw records in, checked events out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from edgeloop_admission import InadmissibleError, Rules, Verdict, admitted, check_shape, device_key, judge, ordered
from edgeloop_contracts import Cause, DeviceKey, Label, NamedRow, ObservationBatch, ObservationRow, topics
from edgeloop_contracts.row_numbers import UNNUMBERED
from edgeloop_kafka import Columns, Received, partition_of
from edgeloop_signing.record_admission import Gate
from edgeloop_streaming import Bulk, Effect, Forward, Reject, Send, State

from edgeloop_ingestion.core.batches import of_columns
from edgeloop_ingestion.core.digests import Ids, id_digests
from edgeloop_ingestion.core.epochs import Epochs
from edgeloop_ingestion.core.identity_doubts import OTHER_KEY, Doubts
from edgeloop_ingestion.core.intake import Acceptance, accept_numbered, accept_unnumbered, contradicts
from edgeloop_ingestion.core.keys import names_another
from edgeloop_ingestion.core.row_merge import OpenRuns
from edgeloop_ingestion.core.row_numbers import SingleHandlingError, names, numbered
from edgeloop_ingestion.io.memory import Memory
from edgeloop_ingestion.metrics import Metrics
from edgeloop_ingestion.spec import SPEC

_RAW_BY_NAME = {topic.name: topic for topic in SPEC.inputs}
# Keys repeat, and hashing one takes as long as checking a label.
_home = lru_cache(maxsize=65_536)(partition_of)


@dataclass(frozen=True, slots=True)
class Offer:
    """Rows of one device that may be accepted in bulk.

    Attributes
    ----------
    named, ids
        Ids of rows without sequence numbers, and their digests; empty for rows with sequence numbers.
    places
        Places of the rows among the records of the bulk.
    """

    key: DeviceKey
    verdict: Verdict
    named: Sequence[str]
    ids: Ids
    places: Sequence[int] = ()


class IngestionTask:
    """Ingestion of one partition of the raw topics.

    Parameters
    ----------
    partition, partitions
        This partition and the number of partitions.
    state
        Accepted rows, see :class:`Memory`.
    rules_of
        Rules of a stream by ``tenant/stream``; ``None`` for an unknown one.
    metrics
        Counters of the process.
    gate
        Says who may speak for a device.
    """

    bulk = Bulk(topics.OBSERVATION_ROWS_RAW, ObservationRow, by=("tenant", "stream", "device_id", "boot_epoch"))

    def __init__(
        self, partition: int, partitions: int, state: State, rules_of: Callable[[str], Rules | None], metrics: Metrics, gate: Gate
    ) -> None:
        self._partition = partition
        self._partitions = partitions
        self._rules_of = rules_of
        self._metrics = metrics
        self._gate = gate
        self._memory = Memory(state)
        self._unknown: set[str] = set()
        self._open = OpenRuns()
        self._doubts = Doubts()

    def handle(self, received: Received[Any]) -> Iterable[Effect]:
        """Forward a misplaced record, refuse invalid rows, drop repeated rows, and accept the rest."""
        event, key = received.event, None
        try:
            key = device_key(event)
            if received.key != key:
                self._compare_keys(key, [received.key.encode()])
            home = _home(key, self._partitions)
            if home != self._partition:
                self._metrics.forwarded.inc()
                return [Forward(_RAW_BY_NAME[received.topic], key, home, _identity(received))]
            if refusal := self._gate.refusal(_RAW_BY_NAME[received.topic], received):
                raise InadmissibleError(refusal.reason, refusal.message)
            rules = self._known(key.stream_key)
            match event:
                case ObservationBatch():
                    return self._batch(key, event, rules, received)
                case ObservationRow():
                    return self._row(key, event, rules, received)
                case NamedRow():
                    return self._row(key, ordered(event, rules.definition), rules, received)
                case Label():
                    label = admitted(event, rules.definition)
                    self._metrics.labels_accepted.inc()
                    return [Send(topics.LABELS, key, label)]
                case _:
                    raise InadmissibleError("WRONG_TYPE", f"expected a raw event, given {type(event).__name__}")
        except InadmissibleError as error:
            self._count_refused(event)
            if key is not None:
                self._doubts.add(key, error.reason, error.message)
            raise

    def handle_all(
        self, records: Sequence[Columns[ObservationRow]], keys: Sequence[bytes], cause_of: Callable[[int], Cause]
    ) -> list[Send] | None:
        """Handle neighbouring records of ``observations.rows.raw`` in bulk, with the same outcome as one by one.

        Parameters
        ----------
        records
            Rows of each device and epoch.
        keys
            Keys of the records.
        cause_of
            Cause that names the record at a place of ``keys``.

        Returns
        -------
        list of Send or None
            ``None`` if one of them is misplaced or invalid and needs single handling; nothing has changed then.
        """
        try:
            devices = [(device_key(columns.event(0)), columns) for columns in records]
            if any(self._gate.closed(key.tenant) for key, _ in devices):  # each record has a signature of its own
                return None
            if len({key for key, _ in devices}) < len(devices):  # two epochs of one device: the second may evict an older one
                return None
            offers = [offer for key, columns in devices for offer in self._offers(key, columns, cause_of)]
        except (SingleHandlingError, InadmissibleError):
            return None
        for key, columns in devices:
            self._compare_keys(key, [keys[place] for place in columns.places.tolist()])
        accepted: list[tuple[int, int, DeviceKey, ObservationBatch]] = []
        for offer in offers:
            for part in self._accept(offer, 0).parts:
                at = part.first_seq - offer.verdict.batch.first_seq
                accepted.append((offer.places[at], offer.places[at + part.count - 1], offer.key, part))
        sends: list[Send] = []
        for _, last, key, part in sorted(
            accepted, key=lambda one: one[0]
        ):  # in the order of the records: a batch may begin with repeated rows
            sends += [Send(topics.OBSERVATIONS, key, *ended) for ended in self._open.add(key, part, cause_of(last))]
        return sends

    def flush(self) -> Iterable[Send]:
        """Close the open runs of single rows and save the memory of accepted rows."""
        self._memory.write()
        self._unknown.clear()
        self._gate.renew()
        doubts = [Send(topics.DEVICES_DOUBTED, key, doubt) for key, doubt in self._doubts.drain()]
        return doubts + [
            Send(topics.OBSERVATIONS, topics.OBSERVATIONS.key_of(batch), batch, cause) for batch, cause in self._open.close_all()
        ]

    def _known(self, stream: str) -> Rules:
        # A refresh asks the broker, so it happens once per unknown stream and transaction.
        rules = None if stream in self._unknown else self._rules_of(stream)
        if rules is None:
            self._unknown.add(stream)
            raise InadmissibleError("UNKNOWN_STREAM", f"stream: expected one with a definition in 'streams', given {stream!r}")
        return rules

    def _batch(self, key: DeviceKey, batch: ObservationBatch, rules: Rules, received: Received[Any]) -> list[Effect]:
        check_shape(batch, len(rules.definition.features))
        parts, complaint = self._admit(key, judge(batch, rules), received)
        # Open rows of the same device go first, which keeps the device's order.
        effects: list[Effect] = [Send(topics.OBSERVATIONS, key, open_, cause) for open_, cause in self._open.close(key)]
        effects += [Send(topics.OBSERVATIONS, key, part, received.cause) for part in parts]
        return effects + complaint

    def _row(self, key: DeviceKey, row: ObservationRow, rules: Rules, received: Received[Any]) -> list[Effect]:
        width = len(rules.definition.features)
        if len(row.features) != width:
            raise InadmissibleError("INVALID_SHAPE", f"features: expected {width} values, given {len(row.features)}")
        batch = ObservationBatch.from_row(row)
        check_shape(batch, width)
        parts, complaint = self._admit(key, judge(batch, rules), received)
        ended = [pair for part in parts for pair in self._open.add(key, part, received.cause)]
        return [*(Send(topics.OBSERVATIONS, key, batch, cause) for batch, cause in ended), *complaint]

    def _admit(self, key: DeviceKey, verdict: Verdict, received: Received[Any]) -> tuple[list[ObservationBatch], list[Effect]]:
        """Accept the new valid rows of a well-shaped batch; give back their parts, and the complaint about the others."""
        batch = verdict.batch
        named = [] if batch.first_seq >= 0 else names(batch.request_ids, batch.count, lambda row: f"{received.id}/{row}")
        result = self._accept(Offer(key, verdict, named, id_digests(named)), received.timestamp)
        if result.complaint:
            self._doubts.add(key, result.complaint.reason, result.complaint.message)
        complaints = [one for one in (verdict.complaint, result.complaint) if one]
        message = "; ".join(one.message for one in complaints)
        return result.parts, [Reject(complaints[0].reason, message)] if complaints else []

    def _accept(self, offer: Offer, now: int) -> Acceptance:
        key, verdict = offer.key, offer.verdict
        device, number = self._memory.get(key) or Epochs(), verdict.batch.boot_epoch
        if len(offer.ids):
            result = accept_unnumbered(device.unnumbered, verdict, offer.named, offer.ids)
            if device.unnumbered.end:
                self._memory.keep_unnumbered(key, device)
        else:
            epoch = device.of(number, now)
            result = accept_numbered(epoch, verdict)
            if epoch.runs.starts:
                self._memory.keep(key, device, number, epoch, now)
        self._metrics.count_accepted(verdict, result)
        return result

    def _offers(self, key: DeviceKey, columns: Columns[ObservationRow], cause_of: Callable[[int], Cause]) -> Iterator[Offer]:
        """Rows of a device, before any is accepted; raises if one of them needs single handling."""
        if _home(key, self._partitions) != self._partition:
            raise SingleHandlingError("misplaced")
        places = columns.places.tolist()
        rules = self._known(key.stream_key)
        device = self._memory.get(key) or Epochs()
        named: list[str] = []
        if not numbered(columns.longs("seq")):
            requests = columns.values("request_id", 0, len(places))
            named = names(requests, len(places), lambda row: f"{cause_of(places[row]).id}/0")
            columns = columns.with_values(boot_epoch=UNNUMBERED, seq=device.unnumbered.end + np.arange(len(places)))
        elif device.known and columns.one("boot_epoch", 0) not in device.known:
            raise SingleHandlingError("a new epoch")
        ids = id_digests(named)
        if named and device.unnumbered.any_known(ids):
            raise SingleHandlingError("a known id")
        for first, batch in of_columns(columns):
            check_shape(batch, len(rules.definition.features))
            verdict = judge(batch, rules)
            if verdict.complaint or not (named or not contradicts(device.of(batch.boot_epoch, 0), verdict)):
                raise SingleHandlingError("a bad row")
            end = first + batch.count
            yield Offer(key, verdict, named[first:end], ids[first:end], places[first:end])

    def _compare_keys(self, key: DeviceKey, given: Sequence[bytes]) -> None:
        own = key.encode()
        for other in given:
            if other != own and names_another(other, key):
                self._metrics.contradicting_keys.inc()
                self._doubts.add(key, OTHER_KEY, f"key: expected {key!r}, as the record says, given {other.decode()[:200]!r}")

    def _count_refused(self, event: object) -> None:
        match event:
            case ObservationBatch():
                self._metrics.count_rows(refused=max(0, event.count))
            case ObservationRow() | NamedRow():
                self._metrics.count_rows(refused=1)
            case _:
                self._metrics.labels_refused.inc()


def _identity(received: Received[Any]) -> dict[str, bytes]:
    """Headers that keep the identity of a record when it is forwarded to another partition."""
    known = {"ce_id": received.id, "ce_correlationid": received.correlation}
    return {name: value.encode() for name, value in known.items() if name not in received.headers}
