"""Figures, their machine, and the comparison of a run with the one before."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.rounds import Sample

RESULTS = Path(__file__).parent / "results.json"
KEPT_RUNS = 12
REGRESSION = 0.20
_PACKAGES = ("confluent-kafka", "fastavro", "numpy", "river")


class Kind(StrEnum):
    """Reliability of a figure.

    A ratio is taken within one run. A resource (seconds of processor time, bytes) hardly depends on other load. If one of these gets
    worse, it is marked. An absolute rate is for orientation only.
    """

    RATIO = "ratio"
    RESOURCE = "resource"
    RATE = "rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a table.

    Attributes
    ----------
    name
        What was measured, after the benchmark and ``/``.
    value, unit
        The median of the rounds, and its unit.
    low, high
        Quartiles.
    lower_is_better
        True for seconds and bytes.
    aim
        Lower bound, or upper bound if lower is better; ``None`` without one.
    note
        Remark for the reader.
    """

    name: str
    value: float
    unit: str
    kind: Kind
    low: float
    high: float
    lower_is_better: bool = False
    aim: float | None = None
    note: str = ""

    @property
    def benchmark(self) -> str:
        """Its benchmark."""
        return self.name.partition("/")[0]

    def met(self) -> bool | None:
        """True if the aim is reached; ``None`` without one."""
        if self.aim is None:
            return None
        return self.value <= self.aim if self.lower_is_better else self.value >= self.aim

    def worse_than(self, before: Figure) -> bool:
        """True for a regression: a reliable figure that is worse by more than a fifth."""
        if self.kind is Kind.RATE or not before.value or not self.value:
            return False
        ratio = self.value / before.value
        return ratio > 1 + REGRESSION if self.lower_is_better else ratio < 1 - REGRESSION


def figure(name: str, sample: Sample, unit: str, kind: Kind, **more: Any) -> Figure:
    """Figure of a sample's median and quartiles."""
    low, high = sample.spread
    return Figure(name=name, value=sample.median, unit=unit, kind=kind, low=low, high=high, **more)


@dataclass(frozen=True, slots=True)
class Run:
    """Figures of one run, and its machine."""

    at: str
    machine: dict[str, Any]
    figures: tuple[Figure, ...]

    @property
    def busy(self) -> bool:
        """True if the machine was busy at the start: later runs are not compared with such figures."""
        return self.machine.get("load", 0) > self.machine.get("cores", 1)


def describe_machine() -> dict[str, Any]:
    """Cores, versions, and the load at the start of the run."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def now() -> str:
    """This minute, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M")


@dataclass(slots=True)
class History:
    """Recorded runs, oldest first."""

    runs: list[Run] = field(default_factory=list[Run])

    @classmethod
    def load(cls, path: Path = RESULTS) -> History:
        """Runs of a file; none without one."""
        if not path.exists():
            return cls()
        runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
        return cls([Run(run["at"], run["machine"], tuple(_figure(f) for f in run["figures"])) for run in runs])

    def save(self, path: Path = RESULTS) -> None:
        """Write the newest runs."""
        text = json.dumps({"runs": [as_object(run) for run in self.runs[-KEPT_RUNS:]]}, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")

    def newest(self, name: str, before: int | None = None) -> tuple[Run, Figure] | None:
        """The newest figure of a name, with its run; among the first ``before`` runs if that is given."""
        for run in reversed(self.runs[:before]):
            for one in run.figures:
                if one.name == name and (before is None or not run.busy):
                    return run, one
        return None

    def compared(self) -> list[tuple[Run, Figure, Figure | None]]:
        """The figures of each benchmark's newest run, with that run, and their values in the last run on an idle machine."""
        newest = {one.benchmark: index for index, run in enumerate(self.runs) for one in run.figures}
        found: list[tuple[Run, Figure, Figure | None]] = []
        for benchmark, index in sorted(newest.items()):
            run = self.runs[index]
            for one in run.figures:
                if one.benchmark == benchmark:
                    before = self.newest(one.name, index)
                    found.append((run, one, before[1] if before else None))
        return found


def as_object(run: Run) -> dict[str, Any]:
    """A run as JSON, with six significant digits: tables made from the file again have the same three digits."""
    return {"at": run.at, "machine": run.machine, "figures": [_short(one) for one in run.figures]}


def _short(one: Figure) -> dict[str, Any]:
    fields = asdict(one) | {name: float(f"{getattr(one, name):.6g}") for name in ("value", "low", "high")}
    return {name: value for name, value in fields.items() if value not in (None, "", False)} | {"value": fields["value"]}


def _figure(fields: dict[str, Any]) -> Figure:
    return Figure(**{"low": 0.0, "high": 0.0, "unit": "", **fields, "kind": Kind(fields["kind"])})
