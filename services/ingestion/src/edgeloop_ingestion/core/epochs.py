"""The boot epochs of one device that ingestion remembers."""

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
    """Rows of one epoch that were taken in: their numbers, and what they held."""

    runs: SeenRuns = field(default_factory=SeenRuns)
    contents: Contents = field(default_factory=Contents)

    @property
    def rows(self) -> int:
        """How many numbers count as seen."""
        return sum(self.runs.ends) - sum(self.runs.starts)


class Epochs:
    """Seen rows of a device by boot epoch; at most ``MAX_EPOCHS`` are kept.

    Whether a row of a forgotten epoch has been seen cannot be known, and a row must not go in twice, so it is refused. Epochs can be forged,
    and a device must not lose its own to them. So the epoch that makes room is the one with the fewest rows, and never the one that was in use
    last; and no more than ``MAX_BEGINNINGS`` begin within an hour of record time, besides the first. Whoever wants to drive a device's epoch
    out has to send as many rows as the device has sent, in several epochs, over hours.

    Attributes
    ----------
    known
        Epochs in the order in which they were last used.
    forgotten
        Runs of epochs of which a row may have been taken in; at most ``MAX_FORGOTTEN``, then the last gap is closed, since forged epochs
        are large and a device counts from 1.
    began
        Record times of the newest beginnings.
    unnumbered
        Rows that came without sequence numbers.
    """

    def __init__(self) -> None:
        self.known: dict[int, Epoch] = {}
        self.forgotten = SeenRuns()
        self.began: list[int] = []
        self.unnumbered = Numbering()

    def of(self, epoch: int, now: int) -> Epoch:
        """Seen rows of ``epoch`` at the record time ``now``; empty, and not yet kept, for a new one.

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
        """Remember ``rows`` for ``epoch``, which is in use now; give back the epochs that are forgotten for it."""
        new = self.known.pop(epoch, None) is None
        self.known[epoch] = rows
        if not new or len(self.known) == 1:
            return []
        self.began = [*self.began, now][-MAX_BEGINNINGS:]
        if len(self.known) <= MAX_EPOCHS:
            return []
        old = min(list(self.known)[:-2], key=lambda one: self.known[one].rows)  # of equals the one that was used longest ago
        del self.known[old]
        self.forget(old, old + 1)
        return [old]

    def forget(self, first: int, end: int) -> None:
        """Let the epochs ``[first, end)`` count as forgotten."""
        self.forgotten.add(first, end)
        while len(self.forgotten.starts) > MAX_FORGOTTEN:
            del self.forgotten.starts[-1], self.forgotten.ends[-2]
