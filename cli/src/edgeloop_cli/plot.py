"""Picture of a run: accuracy over rows, beside the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from edgeloop_replay.accuracy import rolling
from numpy.typing import NDArray

WINDOW = 500
SETTLED = 100


def draw(
    directory: Path,
    title: str,
    answered: Sequence[int],
    served: NDArray[np.bool_],
    static: NDArray[np.bool_],
    report: Mapping[str, Any],
    known: Sequence[int] = (),
    alarms: Sequence[tuple[int, str]] = (),
) -> list[Path]:
    """Write ``accuracy.png`` and ``accuracy.svg``; give back their paths.

    Parameters
    ----------
    answered
        Rows of the stream that the answers belong to.
    served, static
        Whether each answer of the devices, and of version 1, was right.
    report
        For the signals and versions.
    known
        Rows of known changes.
    alarms
        Rows at which errors were seen to rise, and by which detector.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    directory.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "edgeloop", "font.size": 9}):
        figure, axes = plt.subplots(figsize=(11, 4.5), layout="constrained")
        rows = np.array(answered)
        shown = slice(min(SETTLED, len(rows) - 1), None)  # over a few rows it only jumps
        axes.plot(
            rows[shown], rolling(static, WINDOW)[shown], color="0.6", lw=1.2, label=f"never retrained ({report['accuracy_static']:.3f})"
        )
        axes.plot(rows[shown], rolling(served, WINDOW)[shown], color="tab:blue", lw=1.6, label=f"edgeloop ({report['accuracy']:.3f})")
        _mark(axes, [row for row in known if row <= rows[-1]], color="0.3", linestyle="-", alpha=0.35, lw=5, label="known change")
        mark_signals(axes, report, alarms)
        mark_versions(axes, report)
        axes.set(xlabel="row of the stream", ylabel=counted(report.get("tolerance", 0.0)), ylim=(0, 1))
        axes.set_title(title, loc="left", pad=16)
        axes.grid(visible=True, alpha=0.2)
        axes.set_xlim(rows[0], rows[-1] + 1)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 0.05), ncols=3, framealpha=0.9)
        paths = [directory / "accuracy.png", directory / "accuracy.svg"]
        figure.savefig(paths[0], dpi=130, metadata={"Software": None})
        figure.savefig(paths[1], metadata={"Date": None})
        plt.close(figure)
    return paths


def counted(tolerance: float) -> str:
    """Data of a picture."""
    return f"share within {tolerance:g} over {WINDOW} rows" if tolerance else f"accuracy over {WINDOW} rows"


def mark_versions(axes: Any, report: Mapping[str, Any]) -> None:
    """Draw from which row on each version served."""
    for version in report["versions"]:
        at = version["installed_at_row"]
        axes.axvline(at, color="tab:green", lw=0.9, alpha=0.8, label="new version served" if version["version"] == 1 else None)
        axes.annotate(str(version["version"]), (at, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom", color="tab:green")


def mark_signals(axes: Any, report: Mapping[str, Any], alarms: Sequence[tuple[int, str]]) -> None:
    """Draw drift signals: those of inputs at the foot, and rising errors; what an adapter hides of these has a colour of its own."""
    of_inputs = [s["row"] for s in report["signals"] if " of " in s["detector"]]
    alone = [row for row, detector in alarms if detector.endswith("(alone)")]
    _mark(axes, of_inputs, ymax=0.03, color="tab:orange", lw=0.8, label="drift of an input")
    _mark(axes, [row for row, _ in alarms if row not in alone], color="tab:red", linestyle=":", lw=1.4, label="errors rose")
    _mark(axes, alone, color="tab:purple", linestyle="--", lw=1.2, label="errors rose without the adapter")


def _mark(axes: Any, rows: Sequence[int], **style: Any) -> None:
    for number, row in enumerate(rows):
        axes.axvline(row, **{**style, "label": style["label"] if number == 0 else None})
