"""The closed loop of a replay: answers, labels, detection, campaigns, fits, versions, adapters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from edgeloop_contracts import (
    BlockState,
    CampaignState,
    Cause,
    DriftSignal,
    ModelVersion,
    ObservationBatch,
    RunStatus,
    TrainingRun,
    outcomes,
)
from edgeloop_contracts.scopes import ALONE
from edgeloop_drift.core import bits, blocks
from edgeloop_drift.core.pooled_detectors import ErrorPool, InputPool
from edgeloop_drift.core.signals import error_signal, input_signal
from edgeloop_mixture.learner import Labelled
from edgeloop_mixture.mixture import Frame
from edgeloop_retraining.core.campaign import Alarm, Command, Counted, Detected, FirstFitFailed, Fit, Happening, decide
from edgeloop_retraining.core.requests import request_on
from edgeloop_trainer.core.plans import Plan

from edgeloop_replay.adapter import AdapterReplay
from edgeloop_replay.errors import NoFirstModelError
from edgeloop_replay.examples import STREAM, Examples
from edgeloop_replay.fleet import Serving, Sessions
from edgeloop_replay.ledger import Ledger
from edgeloop_replay.models import Version
from edgeloop_replay.policy import Policy
from edgeloop_replay.registry import Registry
from edgeloop_replay.schedule import Group, batch_rows, steps
from edgeloop_replay.tables.stream_table import StreamTable
from edgeloop_replay.trainer import Published, Trainer

WARMUP_DEVICE = f"{STREAM}-warmup"
NO_CAUSE = Cause()


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """An answered row that waits for its label: its number on the device, and who said what."""

    seq: int
    adapter: int
    frame: Frame | None
    said: np.ndarray | None
    alone: str


class ReplayLoop:
    """One stream under one policy.

    Rows, batches and names are those of ``edgeloop run`` in lockstep, so that fits see the same rows in the same order.

    Parameters
    ----------
    table, warmup, delay, devices, group, seed
        As in ``edgeloop run``; ``group`` consecutive rows go to one device before their labels follow.
    policy
        What to try.

    Attributes
    ----------
    ledger
        What has happened.
    trainer
        Fits and versions so far.
    adapting
        Adapters so far.
    """

    def __init__(self, table: StreamTable, warmup: int, delay: int, devices: int, group: int, seed: int, policy: Policy) -> None:
        self._table = table
        self._warmup = warmup
        self._delay = delay
        self._group = group
        self._seed = seed
        self._policy = policy
        self._names = [f"{STREAM}-d{i}" for i in range(devices)]
        self._seqs = [0] * devices
        self.ledger = Ledger(warmup=warmup, total=len(table), tolerance=table.tolerance)
        self.examples = Examples(table.features.shape[1], len(table), numbers=table.tolerance > 0)
        self.trainer = Trainer(Plan(policy.training, policy.gate), self.examples, Registry(table), table.counts)
        sessions = Sessions(policy.adapter, self.trainer.versions)
        self._serving = Serving(policy.adapter, sessions)
        self.adapter = AdapterReplay(
            policy,
            table.classes,
            table.tolerance,
            table.counts,
            table.labelled(0, warmup),
            self.examples,
            self.trainer.versions,
            sessions,
            self._serving,
        )
        self._errors = ErrorPool(policy.detection)
        self._inputs = InputPool(policy.detection)
        self._blocks: dict[str, BlockState] = {}
        self._waiting: dict[str, list[int]] = {}
        self._campaigns = CampaignState(stream=STREAM)
        self._kept: dict[int, Kept] = {}
        self._fresh: list[Version] = []
        self._taken = 0

    @property
    def version_bytes(self) -> int:
        """Bytes of models that each device has fetched."""
        return self._serving.fetched

    def run(self, tell: Callable[[int], None] = lambda _: None) -> None:
        """Play everything; ``tell`` is called with the rows done so far, now and then.

        Raises
        ------
        NoFirstModelError
            Training on the warm-up rows failed.
        """
        self._first_version()
        static = self.trainer.versions[1].model.answers(self._table.features[self._warmup :])
        for step in steps(self._warmup, len(self._table), len(self._names), self._delay, self._group):
            if step.rows is not None:
                self._answer(step.rows, static)
            for group in step.labels:
                self._labels(group)
            self._settle()
            if step.rows is not None and step.rows.end % 500 < self._group:
                tell(step.rows.end - self._warmup)

    def _first_version(self) -> None:
        count, step = self._warmup, batch_rows(len(self._table.names))
        labelled = self._table.labelled(0, count)
        for first in range(0, count, step):
            end = min(first + step, count)
            self._observed(WARMUP_DEVICE, first, self._table.features[first:end], 0)
            for row in range(first, end):
                self.ledger.record(row, (WARMUP_DEVICE, 1, row))
            seqs = tuple(row for row in range(first, end) if self._table.labels[row])
            size = len(seqs)
            for row in seqs:
                self.ledger.label_sent(row, 0)
            if seqs:
                labels = tuple(self._table.labels[row] for row in seqs)
                self._joined(WARMUP_DEVICE, seqs, self._table.features[list(seqs)], labels, ("",) * size, (0,) * size, (0,) * size)
        self._happened(Command(f"{STREAM}-first", labelled, NO_CAUSE, self._seed))
        self._settle()
        if not self.trainer.versions:
            run = next((timed.event for timed in self.ledger.runs.values()), None)
            raise NoFirstModelError(f"training on the {count} warm-up rows failed: {run.reason if run else 'no fit was due'}")

    def _answer(self, group: Group, static: Sequence[str]) -> None:
        device, first = self._names[group.device], self._seqs[group.device]
        for row in range(group.first, group.end):
            answer, experts, alone = self._serving.answer(self._table.features[row : row + 1])
            version, adapter = self._serving.version, self._serving.adapter
            kept = self._kept[row] = Kept(first + row - group.first, adapter, self._serving.frame, experts, alone)
            place = (device, 1, kept.seq)
            self.ledger.record(row, place, answer, version, self._table.labels[row], static[row - self._warmup])
        self._seqs[group.device] += len(group)
        waiting = self._waiting.setdefault(device, [])
        waiting += range(group.first, group.end)
        # Sums are due when a block is full; folding rows one by one gives the same sums.
        if first // blocks.ROWS != (first + len(group)) // blocks.ROWS:
            self._observed(device, self._seqs[group.device] - len(waiting), self._table.features[waiting], self._serving.version)
            waiting.clear()

    def _labels(self, group: Group) -> None:
        everyone = {row: self._kept.pop(row) for row in range(group.first, group.end)}
        rows = [row for row in everyone if self._table.labels[row]]
        if not rows:
            return
        kept = [everyone[row] for row in rows]
        labels = tuple(self._table.labels[row] for row in rows)
        for row in rows:
            self.ledger.label_sent(row, 0)
        answers, versions = tuple(self.ledger.answers[row] for row in rows), tuple(self.ledger.served[row] for row in rows)
        features = self._table.features[rows]
        seqs, adapters = tuple(k.seq for k in kept), tuple(k.adapter for k in kept)
        alone = outcomes.where_other([k.alone for k in kept], answers)
        self._joined(self._names[group.device], seqs, features, labels, answers, versions, adapters, alone)
        for n, each in enumerate(kept):
            self.adapter.learn(Labelled(features[n], labels[n], answers[n], versions[n], each.adapter), each.frame, each.said)

    def _joined(
        self,
        device: str,
        seqs: tuple[int, ...],
        features: np.ndarray,
        labels: tuple[str, ...],
        answers: tuple[str, ...],
        versions: tuple[int, ...],
        adapters: tuple[int, ...],
        alone: tuple[str, ...] = (),
    ) -> None:
        """Labelled rows are there: count them, look at their errors, decide."""
        batch = self.examples.add(device, seqs, features, labels, answers, versions, adapters, alone)
        offset = self.examples.newest
        self.ledger.fold(batch, "", 0, "", f"examples/0/{offset}")
        for partial in bits.partials(batch, 0, offset, self._table.tolerance):
            self.ledger.fold(partial, "", 0, "", "")
            self._published(self.trainer.counted(partial))
            alarms = self._errors.fold(partial)
            answered = partial.first_index + 1 if partial.model_version else None
            self._happened(Counted(self._errors.order.rows, answered))
            for alarm in alarms:
                signal = error_signal("default", STREAM, alarm)
                self._signalled(signal)
                if signal.rising:
                    self._happened(Alarm(signal.signal_id, signal.row, Cause(id=signal.signal_id), signal.scope == ALONE))
        self._happened(Detected(self._errors.order.rows))

    def _observed(self, device: str, first_seq: int, features: np.ndarray, version: int) -> None:
        batch = ObservationBatch(
            tenant="default",
            stream=STREAM,
            device_id=device,
            boot_epoch=1,
            first_seq=first_seq,
            count=len(features),
            features=features.astype("<f4").tobytes(),
            model_version=version,
        )
        self._blocks[device], done = blocks.fold(self._blocks.get(device), batch, blocks.Place(0, self._taken))
        self._taken += 1
        for partial in done:
            for alarm in self._inputs.fold(partial):
                name = self._table.names[alarm.feature]
                if not self._table.counts or not self._table.counts[alarm.feature]:  # the mean of codes says nothing
                    self._signalled(input_signal("default", STREAM, self._policy.detection.inputs.name, name, alarm))

    def _signalled(self, signal: DriftSignal) -> None:
        self.ledger.fold(signal, "", 0, signal.signal_id, "")

    def _happened(self, happening: Happening) -> None:
        self._campaigns, due = decide(self._policy.retraining, self._campaigns, happening)
        for each in due:
            self._due(each)

    def _due(self, due: Fit) -> None:
        request = request_on("default", STREAM, due, self.examples.manifest(due.start, due.end))
        self.ledger.fold(request, "", 0, "", "")
        self._published(self.trainer.requested(request))

    def _settle(self) -> None:
        """Decide at gates on the rows so far; versions are served from the next row on."""
        self._published(self.trainer.batch_ended())
        for version in self._fresh:
            self._serving.install(version)
        self._fresh.clear()

    def _published(self, events: Iterable[Published]) -> None:
        """Take what trainer and registry have published."""
        for event in events:
            self.ledger.fold(event, "", 0, "", "")
            match event:
                case ModelVersion():
                    self._fresh.append(self.trainer.versions[event.version])
                case TrainingRun(status=RunStatus.REJECTED | RunStatus.FAILED, stage=0):
                    self._happened(FirstFitFailed(event.campaign, NO_CAUSE))
                case _:
                    pass
