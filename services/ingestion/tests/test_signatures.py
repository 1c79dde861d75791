"""Records of a tenant that admits enrolled devices alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from edgeloop_admission import Rules
from edgeloop_contracts import (
    Admission,
    DeadLetter,
    DeviceDoubted,
    Enrolment,
    Feature,
    Label,
    ObservationBatch,
    ObservationRow,
    Redrive,
    StreamDefinition,
    StreamKey,
    topics,
)
from edgeloop_contracts.keys import LetterKey
from edgeloop_ingestion.handlers import IngestionTask
from edgeloop_ingestion.metrics import Metrics
from edgeloop_ingestion.spec import SPEC
from edgeloop_signing.device_signatures import HEADER, RecordSigner
from edgeloop_signing.record_admission import FleetUnknownError, Speakers
from edgeloop_streaming import Service
from edgeloop_streaming.testing import MemoryBroker, MemoryLoop
from prometheus_client import CollectorRegistry
from support.fleet import Fleet

RULES = {
    StreamKey(tenant, "pumps"): Rules.of(StreamDefinition(tenant=tenant, stream="pumps", features=(Feature(name="flow"),)))
    for tenant in ("acme", "open")
}
Sign = Callable[[str, bytes, bytes, bytes], dict[str, bytes]]


class Site:
    """Ingestion on a broker in memory, and a fleet."""

    def __init__(self) -> None:
        self.broker = MemoryBroker(partitions=2)
        self.away = False
        self.out = self.broker.publisher("devices")
        self.fleet = Fleet(self.out)
        self.speakers = self.made(max_age=0.0)
        metrics = Metrics(CollectorRegistry())
        self.loop = MemoryLoop(
            Service(
                name="ingestion",
                inputs=SPEC.inputs,
                task=lambda p, state: IngestionTask(p, 2, state, RULES.get, metrics, self.speakers),
            ),
            self.broker,
        )
        self.numbers: dict[str, int] = {}

    def made(self, **more: float) -> Speakers:
        config, devices = (partial(self.table, topic) for topic in (topics.FLEET_CONFIG, topics.FLEET_DEVICES))
        return Speakers(config, devices, self.broker.codec.signed_parts, **more)

    def table(self, topic: Any) -> Any:
        if self.away:
            raise LookupError(f"no topic {topic.name}")
        return self.broker.table(topic)

    def batch(self, device: str, count: int = 3, tenant: str = "acme") -> ObservationBatch:
        first = self.numbers.get(device, 0)
        self.numbers[device] = first + count
        rows = np.arange(count, dtype="<f4").tobytes()
        return ObservationBatch(tenant=tenant, stream="pumps", device_id=device, boot_epoch=1, first_seq=first, count=count, features=rows)

    def send(self, event: Any, sign: Sign | None, topic: Any = topics.OBSERVATIONS_RAW, **place: Any) -> None:
        self.out.publish(topic, topic.key_of(event), event, sign=sign, **place)
        self.out.flush()
        self.loop.run()

    def records(self, topic: Any) -> list[Any]:
        found: list[Any] = []
        self.broker.follower([topic]).refresh(found.append)
        return found

    def events(self, topic: Any) -> list[Any]:
        return [received.event for received in self.records(topic)]

    @property
    def reasons(self) -> list[str]:
        letters: list[DeadLetter] = self.events(topics.dead_letters("ingestion"))
        return [letter.reason for letter in letters]

    def accepted(self, device: str) -> int:
        return sum(batch.count for batch in self.events(topics.OBSERVATIONS) if batch.device_id == device)


@pytest.fixture
def site() -> Site:
    made = Site()
    made.fleet.close()
    made.fleet.enrol("p0")
    made.fleet.enrol("p1")
    return made


def test_an_enrolled_device_speaks_for_itself_from_any_partition(site: Site) -> None:
    for partition in (0, 1, None):
        site.send(site.batch("p0"), site.fleet.signer("p0"), partition=partition)
    assert (site.accepted("p0"), site.reasons) == (9, [])


def other_topic(signer: RecordSigner) -> Sign:
    return lambda _, key, schema, body: signer("labels.raw", key, schema, body)


def altered(signer: RecordSigner) -> Sign:
    return lambda topic, key, schema, body: signer(topic, key, schema, body[:-1] + b"?")


def other_schema(signer: RecordSigner) -> Sign:
    return lambda topic, key, _, body: signer(topic, key, bytes(32), body)


def cut(signer: RecordSigner) -> Sign:
    return lambda *record: {HEADER: signer(*record)[HEADER][:-1]}


@pytest.mark.parametrize(
    ("sign", "reason"),
    [
        (lambda _: None, "UNSIGNED"),
        (lambda fleet: fleet.signer("p1"), "UNKNOWN_KEY"),
        (lambda fleet: fleet.signer("stranger"), "UNKNOWN_KEY"),
        (lambda fleet: altered(fleet.signer("p0")), "BAD_SIGNATURE"),
        (lambda fleet: other_topic(fleet.signer("p0")), "BAD_SIGNATURE"),
        (lambda fleet: other_schema(fleet.signer("p0")), "BAD_SIGNATURE"),
        (lambda fleet: cut(fleet.signer("p0")), "BAD_SIGNATURE"),
    ],
    ids=["unsigned", "device 1 as device 0", "a stranger", "an altered body", "another topic", "another schema", "a cut header"],
)
def test_a_forgery_is_a_dead_letter_and_a_doubt_and_the_device_itself_goes_on(
    site: Site, sign: Callable[[Fleet], Sign | None], reason: str
) -> None:
    site.send(site.batch("p0"), site.fleet.signer("p0"))
    site.send(replace(site.batch("p0"), first_seq=3), sign(site.fleet))
    site.numbers["p0"] = 3
    site.send(site.batch("p0"), site.fleet.signer("p0"))
    assert (site.accepted("p0"), site.reasons) == (6, [reason])
    doubts: list[DeviceDoubted] = site.events(topics.DEVICES_DOUBTED)
    assert [(doubt.device_id, doubt.reason) for doubt in doubts] == [("p0", reason)]


def test_single_rows_and_labels_need_signatures_too(site: Site) -> None:
    rows = [ObservationRow(tenant="acme", stream="pumps", device_id="p0", boot_epoch=1, seq=n, features=(1.0,)) for n in range(4)]
    for row, signer in zip(rows, (site.fleet.signer("p0"), None, site.fleet.signer("p0"), site.fleet.signer("p1")), strict=True):
        site.out.publish(topics.OBSERVATION_ROWS_RAW, "acme/pumps/p0", row, sign=signer)
    site.loop.run()
    label = Label(tenant="acme", stream="pumps", device_id="p0", boot_epoch=1, seq=0, label="ok")
    site.send(label, site.fleet.signer("p0"), topics.LABELS_RAW)
    site.send(label, None, topics.LABELS_RAW)
    assert site.accepted("p0") == 2
    assert len(site.events(topics.LABELS)) == 1
    assert sorted(site.reasons) == ["UNKNOWN_KEY", "UNSIGNED", "UNSIGNED"]


def test_a_revoked_device_is_refused_from_then_on_and_what_it_sent_before_is_not(site: Site) -> None:
    site.send(site.batch("p0"), site.fleet.signer("p0"))
    site.fleet.enrol("p0", enrolment=Enrolment.REVOKED, until=1)
    site.send(site.batch("p0"), site.fleet.signer("p0"))
    site.fleet.enrol("p0", enrolment=Enrolment.REVOKED, keys=())
    site.send(site.batch("p0"), site.fleet.signer("p0"))
    site.fleet.enrol("p0", enrolment=Enrolment.ENROLLED, until=1 << 60)  # the end of the key is still to come
    site.send(site.batch("p0"), site.fleet.signer("p0"))
    assert (site.accepted("p0"), site.reasons) == (6, ["REVOKED", "REVOKED"])


def test_a_device_that_was_enrolled_a_moment_ago_is_admitted(site: Site) -> None:
    site.speakers = site.made(max_age=3600.0)
    site.loop.restart()
    site.send(site.batch("p0"), site.fleet.signer("p0"))
    site.send(site.batch("p2"), site.fleet.enrol("p2"))
    assert (site.accepted("p2"), site.reasons) == (3, [])


def test_a_fleet_that_cannot_be_read_holds_records_back_and_refuses_none(site: Site) -> None:
    site.away = True
    site.speakers = site.made()
    site.loop.restart()
    with pytest.raises(FleetUnknownError):
        site.speakers.closed("acme")
    site.out.publish(topics.OBSERVATIONS_RAW, "acme/pumps/p0", site.batch("p0"), sign=site.fleet.signer("p0"))
    assert not site.loop.step()
    assert (site.accepted("p0"), site.reasons) == (0, [])
    site.away = False
    site.loop.run()
    assert (site.accepted("p0"), site.reasons) == (3, [])


def test_a_replayed_batch_is_a_duplicate(site: Site) -> None:
    batch = site.batch("p0")
    site.send(batch, site.fleet.signer("p0"))
    site.send(batch, site.fleet.signer("p0"))
    assert (site.accepted("p0"), site.reasons) == (3, [])


@pytest.mark.parametrize(("label", "admitted"), [("*", True), ("p1, p0", True), ("p1", False), ("", False)])
def test_a_producer_speaks_for_the_devices_that_its_label_names(site: Site, label: str, admitted: bool) -> None:
    signer = site.fleet.enrol("erp", labels={"speaks-for": label})
    site.send(Label(tenant="acme", stream="pumps", device_id="p0", boot_epoch=1, seq=0, label="ok"), signer, topics.LABELS_RAW)
    assert len(site.events(topics.LABELS)) == int(admitted)
    assert site.reasons == ([] if admitted else ["UNKNOWN_KEY"])


def test_an_open_tenant_needs_no_signature_and_a_tenant_can_be_opened_again(site: Site) -> None:
    site.send(site.batch("q", tenant="open"), None)
    assert site.accepted("q") == 3
    site.fleet.close(Admission.OPEN)
    site.send(site.batch("p0"), None)
    assert (site.accepted("p0"), site.reasons) == (3, [])


def test_a_redriven_record_keeps_its_signature(site: Site) -> None:
    signer = site.fleet.signer("late")
    site.send(site.batch("late"), signer)
    assert site.reasons == ["UNKNOWN_KEY"]
    site.fleet.enrol("late")
    [received] = site.records(topics.dead_letters("ingestion"))
    letter: DeadLetter = received.event
    redrive = Redrive(
        letter=received.at,
        service="ingestion",
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        timestamp=letter.timestamp,
        key=letter.key,
        value=letter.value or b"",
        headers=letter.headers,
    )
    site.out.publish(topics.redrive("ingestion"), LetterKey(received.at), redrive, partition=letter.partition)
    site.loop.run()
    assert (site.accepted("late"), site.reasons) == (3, ["UNKNOWN_KEY"])
