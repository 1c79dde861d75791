"""The remembered boot epochs of one device."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgeloop_admission import InadmissibleError

from edgeloop_ingestion.core.content_memory import Contents
from edgeloop_ingestion.core.intervals import SeenRuns
from edgeloop_ingestion.core.row_numbers import Numbering

MAX_EPOCHS = 32
MAX_BEGINNINGS = 24
WITHIN_MS = 3_600_000
MAX_FORGOTTEN = 64


@dataclass(slots=True)
class Epoch:
    """Accepted rows of one epoch: their numbers and their contents."""

    runs: SeenRuns = field(default_factory=SeenRuns)
    contents: Contents = field(default_factory=Contents)

    @property
    def rows(self) -> int:
        """Number of sequence numbers that count as accepted."""
        return sum(self.runs.ends) - sum(self.runs.starts)


class Epochs:
    """Accepted rows of a device by boot epoch; at most ``MAX_EPOCHS`` are kept.

    A row must not be accepted twice, and nothing is known about the rows of a forgotten epoch, so these are refused. Epochs can be
    forged, and must not evict a device's own epoch. Therefore the epoch with the fewest rows is evicted, and never the one in use last.
    At most ``MAX_BEGINNINGS`` epochs begin within an hour of record time, besides the first. To evict a device's epoch, an attacker has
    to send as many rows as the device, in several epochs, over hours.

    Attributes
    ----------
    known
        Epochs in the order in which they were last used.
    forgotten
        Ranges of epochs that may have accepted rows; at most ``MAX_FORGOTTEN``. Beyond that the last gap is closed, since forged epochs
        are large and a device counts from 1.
    began
        Record times at which the newest epochs began.
    unnumbered
        Rows without sequence numbers.
    """

    def __init__(self) -> None:
        self.known: dict[int, Epoch] = {}
        self.forgotten = SeenRuns()
        self.began: list[int] = []
        self.unnumbered = Numbering()

    def of(self, epoch: int, now: int) -> Epoch:
        """Accepted rows of ``epoch`` at the record time ``now``; empty for a new epoch, which is not kept yet.

        Raises
        ------
        InadmissibleError
            ``FORGOTTEN_EPOCH`` or ``TOO_MANY_EPOCHS``.
        """
        if epoch in self.known:
            return self.known[epoch]
        used = next(reversed(self.known), None)
        if not self.forgotten.unseen(epoch, epoch + 1):
            raise InadmissibleError(
                "FORGOTTEN_EPOCH",
                f"boot_epoch: expected {used}, which was in use last, or a new one, given {epoch}, whose rows are forgotten",
            )
        if self.known and sum(at > now - WITHIN_MS for at in self.began) >= MAX_BEGINNINGS:
            raise InadmissibleError(
                "TOO_MANY_EPOCHS",
                f"boot_epoch: expected {used}, which was in use last, as {MAX_BEGINNINGS} others began within an hour, given {epoch}",
            )
        return Epoch()

    def keep(self, epoch: int, rows: Epoch, now: int) -> list[int]:
        """Remember ``rows`` for ``epoch``, which is in use now; give back the epochs that it evicts."""
        new = self.known.pop(epoch, None) is None
        self.known[epoch] = rows
        if not new or len(self.known) == 1:
            return []
        self.began = [*self.began, now][-MAX_BEGINNINGS:]
        if len(self.known) <= MAX_EPOCHS:
            return []
        old = min(list(self.known)[:-2], key=lambda one: self.known[one].rows)  # among equals the one used longest ago
        del self.known[old]
        self.forget(old, old + 1)
        return [old]

    def forget(self, first: int, end: int) -> None:
        """Mark the epochs ``[first, end)`` as forgotten."""
        self.forgotten.add(first, end)
        while len(self.forgotten.starts) > MAX_FORGOTTEN:
            del self.forgotten.starts[-1], self.forgotten.ends[-2]
