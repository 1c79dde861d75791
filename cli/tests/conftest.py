"""A ledger with a short history: two versions, one signal, a gate, two devices."""

from __future__ import annotations

import pytest
from edgeloop_contracts import (
    Assignment,
    Cause,
    DeviceReport,
    DeviceStatus,
    DriftPartial,
    DriftSignal,
    ExampleBatch,
    GateKind,
    ModelCandidate,
    ModelFile,
    ModelVersion,
    ObservationBatch,
    Occasion,
    RunStatus,
    SignalKind,
    TrainingRequest,
    TrainingRun,
)
from edgeloop_replay.ledger import Ledger

KEY = "default/s"
CAUSE = Cause(id="event-of-signal")
DEVICES = ("default/s/s-d0", "default/s/s-d1")


def feed(ledger: Ledger, event: object, key: str = KEY, time: int = 0, event_id: str = "", at: str = "") -> None:
    ledger.fold(event, key, time, event_id, at)


def label(ledger: Ledger, row: int, device: str, seq: int, partition: int, index: int, now: int) -> None:
    """A row's label is sent, joined and pooled."""
    ledger.label_sent(row, now)
    feed(
        ledger,
        ExampleBatch(tenant="default", stream="", device_id=device, boot_epoch=1, first_index=index, seqs=(seq,)),
        at=f"examples/{partition}/{index}",
    )
    feed(
        ledger,
        DriftPartial(tenant="default", stream="", device_id="", partition=partition, first_index=index, count=1, errors=b"\0"),
        at="drift.partials/0/0",
    )


def installed(ledger: Ledger, version: int, times: tuple[int, int]) -> None:
    for key, time in zip(DEVICES, times, strict=True):
        feed(ledger, Assignment(tenant="default", stream="", device_id="", version=version), key)
        feed(
            ledger, DeviceReport(tenant="default", stream="", device_id=key[-4:], status=DeviceStatus.INSTALLED, version=version), key, time
        )


def first_version(ledger: Ledger) -> None:
    """The trial of the first version, up to its installation on two devices."""
    feed(
        ledger, TrainingRequest(tenant="default", stream="", request_id="first/0", gate=GateKind.MAJORITY, row=4), time=1_100, event_id="r0"
    )
    feed(
        ledger,
        TrainingRun(
            tenant="default", stream="", request_id="first/0", status=RunStatus.FITTED, file=ModelFile(digest="aa"), rows=4, fit_seconds=0.5
        ),
    )
    feed(
        ledger,
        TrainingRun(
            tenant="default",
            stream="",
            request_id="first/0",
            status=RunStatus.PROMOTED,
            file=ModelFile(digest="aa"),
            rows=4,
            row=4,
            fit_seconds=0.5,
        ),
    )
    feed(ledger, ModelCandidate(tenant="default", stream="", request_id="first/0", file=ModelFile(digest="aa")))
    feed(
        ledger, ModelVersion(tenant="default", stream="", version=1, request_id="first/0", file=ModelFile(digest="aa"), rows=4), time=1_200
    )
    installed(ledger, 1, (1_300, 1_310))


STREAM = {"tenant": "default", "stream": ""}
BATCH = {**STREAM, "device_id": "", "boot_epoch": 0, "first_seq": -1}


@pytest.fixture
def ledger() -> Ledger:
    """Four warm-up rows, six rows played by two devices in groups of two, all labelled at once."""
    ledger = Ledger(warmup=4, total=10)
    for row in range(4):
        ledger.record(row, ("s-warmup", 1, row))
        label(ledger, row, "s-warmup", row, partition=3, index=row, now=1_000)
    feed(ledger, ObservationBatch(**BATCH, count=4), at="observations/3/0")
    first_version(ledger)
    answers = ["a", "b", "b", "b", "a", "a"]
    truth = ["a", "b", "a", "b", "a", "b"]
    for number, (answer, true) in enumerate(zip(answers, truth, strict=True)):
        row, device, seq = 4 + number, f"s-d{number // 2 % 2}", number % 2 + 2 * (number // 4)
        version = 1 if row < 8 else 2
        ledger.record(row, (device, 1, seq), answer, version, true, static="b")
        label(ledger, row, device, seq, partition=number // 2 % 2, index=seq, now=2_000 + row)
        feed(ledger, ObservationBatch(**BATCH, count=1), at="observations/0/0")
        if row == 5:
            signal = DriftSignal(
                **STREAM, signal_id="sig", kind=SignalKind.ERROR_RATE, detector="ADWIN", row=6, rising=True, before=0.1, after=0.6, since=3
            )
            feed(ledger, signal, time=2_100, event_id="event-of-signal")
            request = TrainingRequest(**STREAM, request_id="sig/0", campaign="sig", row=7, opened=6, occasion=Occasion.DRIFT, cause=CAUSE)
            feed(ledger, request, time=2_110, event_id="r1")
        if row == 7:
            feed(
                ledger,
                TrainingRun(**STREAM, request_id="sig/0", status=RunStatus.FITTED, file=ModelFile(digest="bb"), rows=3, fit_seconds=1.5),
            )
            feed(
                ledger,
                TrainingRun(
                    **STREAM, request_id="sig/0", status=RunStatus.PROMOTED, file=ModelFile(digest="bb"), rows=3, row=8, fit_seconds=1.5
                ),
            )
            feed(ledger, ModelCandidate(**STREAM, request_id="sig/0", file=ModelFile(digest="bb")))
            feed(ledger, ModelVersion(**STREAM, version=2, request_id="sig/0", file=ModelFile(digest="bb"), rows=3), time=2_400)
            installed(ledger, 2, (2_500, 2_607))
    return ledger
