"""River's detectors by name, and what they are made with."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from river import drift
from river.__version__ import __version__
from river.drift import binary

# Names as in the literature. EDDM and FHDDM are left out: the one made 10 to 20 false alarms in 10,000 rows of a constant
# error rate, the other wants 1 for right answers.
DETECTORS: Mapping[str, Callable[..., Any]] = {
    "ADWIN": drift.ADWIN,
    "PageHinkley": drift.PageHinkley,
    "KSWIN": drift.KSWIN,
    "DDM": binary.DDM,
    "HDDM_A": binary.HDDMA,
    "HDDM_W": binary.HDDMW,
}

TRIAL, LONGEST_TRIAL = 600, 100_000  # values; what happens once in a while, or in a full window, has to happen in it


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """Which detector, with which parameters.

    Attributes
    ----------
    name
        One of ``DETECTORS``.
    parameters
        As River's constructor takes them; what is absent has River's default.

    Examples
    --------
    >>> DetectorSpec("ADWIN", {"delta": 0.01}).make().delta
    0.01
    """

    name: str = "ADWIN"
    parameters: Mapping[str, float | str] = field(default_factory=dict[str, "float | str"])

    def make(self) -> Any:
        """A new detector.

        Raises
        ------
        ValueError
            There is no such detector, or it does not take these parameters.
        """
        if self.name not in DETECTORS:
            raise ValueError(f"no detector is called {self.name!r}; there are: {', '.join(DETECTORS)}")
        if wrong := [name for name, value in self.parameters.items() if isinstance(value, float) and not math.isfinite(value)]:
            raise ValueError(f"{self.name}: {wrong[0]}: expected a finite number, given {self.parameters[wrong[0]]}")
        # KSWIN draws at random: without a seed, no two runs would agree.
        seed = {"seed": 0} if self.name == "KSWIN" else {}
        try:
            return DETECTORS[self.name](**seed, **self.parameters)
        except TypeError as error:
            raise ValueError(f"{self.name}: {error}") from error

    def check(self) -> None:
        """Feed a new detector some hundred errors, or as many as its window holds: what its constructor takes may fail only then.

        Raises
        ------
        ValueError
            There is no such detector, or it does not work with these parameters.
        """
        detector = self.make()
        numbers = [value + 1 for value in self.parameters.values() if isinstance(value, int)]
        rows = min(max([TRIAL, *numbers]), LONGEST_TRIAL)
        try:
            for n in range(rows):
                detector.update(n * 2 // rows)
        except Exception as error:  # whatever River's code runs into
            raise ValueError(f"{self.name} does not work with {dict(self.parameters)}: {error}") from error

    def shared_by(self, count: int) -> DetectorSpec:
        """The same detector for one of ``count`` values watched together, so that all make about as many false alarms as one would.

        ADWIN's delta is divided (a union bound). A Page-Hinkley test alarms falsely about ``exp(-2 delta threshold)`` times
        a value (Siegmund 1985, for values of variance one), so its threshold rises by ``ln(count) / (2 delta)``. Others stay.
        """
        if count <= 1:
            return self
        made = self.make()
        match self.name:
            case "ADWIN":
                changed = {"delta": made.delta / count}
            case "PageHinkley" if made.delta > 0:
                changed = {"threshold": made.threshold + math.log(count) / (2 * made.delta)}
            case _:
                return self
        return DetectorSpec(self.name, {**self.parameters, **changed})

    @property
    def fingerprint(self) -> int:
        """Changes with name, parameters and River's version, and so tells whether a snapshot fits."""
        text = f"{self.name} {sorted(self.parameters.items())} {__version__}"
        return zlib.crc32(text.encode())
