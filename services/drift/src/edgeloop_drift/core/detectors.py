"""River's detectors, by name and parameters."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from river import drift
from river.__version__ import __version__
from river.drift import binary

# Names as in the literature. EDDM is missing, because it raised 10 to 20 false alarms in 10,000 rows of a constant error rate.
# FHDDM is missing, because it expects 1 for right answers.
DETECTORS: Mapping[str, Callable[..., Any]] = {
    "ADWIN": drift.ADWIN,
    "PageHinkley": drift.PageHinkley,
    "KSWIN": drift.KSWIN,
    "DDM": binary.DDM,
    "HDDM_A": binary.HDDMA,
    "HDDM_W": binary.HDDMW,
}

TRIAL, LONGEST_TRIAL = 600, 100_000  # values; enough for periodic work and for a full window


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """A detector's name and parameters.

    Attributes
    ----------
    name
        One of ``DETECTORS``.
    parameters
        Of River's constructor; absent ones have River's defaults.

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
            There is no such detector, or its constructor refuses these parameters.
        """
        if self.name not in DETECTORS:
            raise ValueError(f"no detector is called {self.name!r}; there are: {', '.join(DETECTORS)}")
        if wrong := [name for name, value in self.parameters.items() if isinstance(value, float) and not math.isfinite(value)]:
            raise ValueError(f"{self.name}: {wrong[0]}: expected a finite number, given {self.parameters[wrong[0]]}")
        # KSWIN draws random numbers: without a seed, two runs differ.
        seed = {"seed": 0} if self.name == "KSWIN" else {}
        try:
            return DETECTORS[self.name](**seed, **self.parameters)
        except TypeError as error:
            raise ValueError(f"{self.name}: {error}") from error

    def check(self) -> None:
        """Feed a new detector hundreds of errors, or as many as its window holds: some parameters fail only then.

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
        """The same detector for one of ``count`` values watched together, with about as many false alarms in total as one raises.

        ADWIN's delta is divided (a union bound). A Page-Hinkley test alarms falsely about ``exp(-2 delta threshold)`` times
        a value (Siegmund 1985, for values of variance one), so its threshold rises by ``ln(count) / (2 delta)``. Other detectors stay.
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
        """Checksum of name, parameters and River's version, by which a snapshot is matched."""
        text = f"{self.name} {sorted(self.parameters.items())} {__version__}"
        return zlib.crc32(text.encode())
