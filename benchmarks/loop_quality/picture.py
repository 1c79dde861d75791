"""Picture of the accuracy over rows, with a panel per stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from edgeloop_replay.accuracy import rolling

from benchmarks.loop_quality.ours import DEFAULT, STATIC
from benchmarks.loop_quality.played import Played
from benchmarks.loop_quality.streams import Stream

WINDOW = 1_000
POINTS = 250  # of a line
LATE = "default, labels 1,000 rows late"
STYLES = {
    STATIC: {"color": "0.6"},
    DEFAULT: {"color": "C0", "lw": 1.6},
    LATE: {"color": "C0", "ls": ":"},
    "ARF (10)": {"color": "C1"},
    "SRP (10 HAT)": {"color": "C2"},
    "leveraging bagging (10 HAT)": {"color": "C3"},
}


def draw(path: Path, streams: Sequence[Stream], played: Mapping[tuple[str, str], Played]) -> None:
    """Write an SVG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with mpl.rc_context({"svg.hashsalt": "edgeloop", "font.size": 8, "svg.fonttype": "none"}):
        height = -(-len(streams) // 2)
        figure, axes = plt.subplots(height, 2, figsize=(11, 2.4 * height), layout="constrained", squeeze=False)
        for panel, stream in zip(axes.flat, streams, strict=False):
            for name, style in STYLES.items():
                one = played.get((stream.name, name))
                if one is None or len(one.right) < WINDOW // 2:
                    continue
                accuracy = rolling(one.right, WINDOW)
                at = np.unique(np.linspace(WINDOW // 4, len(accuracy) - 1, POINTS).astype(int))
                panel.plot(stream.warmup + at, accuracy[at], label=name, **{"lw": 1.1, **style})
            for change in stream.changes:
                panel.axvline(change, color="0.3", alpha=0.25, lw=3)
            panel.set_title(stream.name, loc="left")
            panel.grid(visible=True, alpha=0.2)
        for spare in list(axes.flat)[len(streams) :]:
            spare.axis("off")
        handles = {label: handle for panel in axes.flat for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)}
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
        figure.supylabel(f"accuracy over {WINDOW} rows")
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
