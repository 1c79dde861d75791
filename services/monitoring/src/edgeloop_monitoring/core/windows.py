"""Sliding windows of record time, cut into buckets.

They are ours and not Faust's: a Faust table wants a changelog topic (a second truth beside the inputs), and its windows
need not expire (faust#385). These are thrown away and folded again from the inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from edgeloop_monitoring.core.ages import Ages
from edgeloop_monitoring.core.subjects import Subject


@dataclass(slots=True)
class Cell:
    """Measurements of one subject in a span of record time.

    Attributes
    ----------
    rows
        Observed rows.
    labelled, errors
        Rows that were answered and whose truth is known, and those answered wrongly.
    ages
        How old the observed rows were.
    signals, input_signals, failed, forged
        Signals of a rising error and of a changed input, fits that failed, and candidates that were not the trainer's answer to a request.
    doubted
        Records by device that cannot all be the device's own.
    """

    rows: int = 0
    labelled: int = 0
    errors: int = 0
    signals: int = 0
    input_signals: int = 0
    failed: int = 0
    forged: int = 0
    doubted: Counter[str] = field(default_factory=Counter[str])
    ages: Ages = field(default_factory=Ages)

    def merge(self, other: Cell) -> None:
        """Add what another cell saw."""
        self.rows += other.rows
        self.labelled += other.labelled
        self.errors += other.errors
        self.signals += other.signals
        self.input_signals += other.input_signals
        self.failed += other.failed
        self.forged += other.forged
        self.doubted.update(other.doubted)
        if other.ages.total:
            self.ages.merge(other.ages)

    @property
    def error_share(self) -> float:
        """Share of wrong answers; 0 where none was judged."""
        return self.errors / self.labelled if self.labelled else 0.0


class Windows:
    """Cells by bucket and subject.

    Parameters
    ----------
    bucket_ms
        Length of a bucket.
    keep_ms
        How long buckets are kept.
    """

    def __init__(self, bucket_ms: int, keep_ms: int) -> None:
        self.bucket_ms = bucket_ms
        self._keep = keep_ms // bucket_ms + 1
        self._buckets: dict[int, dict[Subject, Cell]] = {}
        self._newest = 0

    def cell(self, subject: Subject, at: int) -> Cell:
        """The cell to write to at a record time; one that is too old is thrown away at once."""
        bucket = at // self.bucket_ms
        if bucket <= self._newest - self._keep:
            return Cell()
        self._newest = max(self._newest, bucket)
        return self._buckets.setdefault(bucket, {}).setdefault(subject, Cell())

    def expire(self, now: int) -> None:
        """Forget what is older than is to be kept."""
        oldest = now // self.bucket_ms - self._keep
        for bucket in [b for b in self._buckets if b <= oldest]:
            del self._buckets[bucket]

    def totals(self, end: int, length_ms: int) -> dict[Subject, Cell]:
        """Everything in the whole buckets of ``[end - length_ms, end)``; ``end`` is cut down to a bucket's beginning."""
        totals: dict[Subject, Cell] = {}
        for bucket in self._span(end, length_ms):
            for subject, cell in self._buckets.get(bucket, {}).items():
                totals.setdefault(subject, Cell()).merge(cell)
        return totals

    def _span(self, end: int, length_ms: int) -> Iterator[int]:
        last = end // self.bucket_ms
        return iter(range(last - max(1, length_ms // self.bucket_ms), last))
