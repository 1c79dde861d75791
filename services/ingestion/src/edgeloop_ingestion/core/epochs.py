"""The boot epochs of one device that ingestion still remembers."""

from __future__ import annotations

from edgeloop_admission import Inadmissible

from edgeloop_ingestion.core.intervals import SeenRuns

MAX_EPOCHS = 4


class Epochs:
    """Seen rows of a device by boot epoch; only the newest four epochs are kept.

    Whether a row of a forgotten epoch has been seen cannot be known, and a row must not go in twice, so it is refused.

    Attributes
    ----------
    runs
        Seen rows by epoch.
    """

    def __init__(self) -> None:
        self.runs: dict[int, SeenRuns] = {}

    def of(self, epoch: int) -> SeenRuns:
        """Seen rows of ``epoch``; empty, and not yet kept, for a new one.

        Raises
        ------
        Inadmissible
            ``FORGOTTEN_EPOCH``: four newer epochs are known.
        """
        if epoch in self.runs:
            return self.runs[epoch]
        if len(self.runs) == MAX_EPOCHS and epoch < min(self.runs):
            raise Inadmissible(
                "FORGOTTEN_EPOCH", f"boot_epoch: expected one of the newest {MAX_EPOCHS}, from {min(self.runs)}, given {epoch}"
            )
        return SeenRuns()

    def keep(self, epoch: int, runs: SeenRuns) -> list[int]:
        """Remember ``runs`` for ``epoch``; give back the epochs that are forgotten for it."""
        self.runs[epoch] = runs
        forgotten = sorted(self.runs)[:-MAX_EPOCHS]
        for old in forgotten:
            del self.runs[old]
        return forgotten
