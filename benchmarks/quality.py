"""Accuracy of the closed loop, offline, against River's learners and published figures.

All begin with the same first tenth of a stream, and answer each row before they learn from its label (prequential). The loop is ``edgeloop
backtest`` with one policy for all streams: with labels at once, 200 and 1,000 rows late, and without each of its parts. Streams are each
``*.csv.gz`` with a label ``y`` in ``--data DIR`` (or ``EDGELOOP_BENCH_DATA``; by default ``examples/data``), and four synthetic ones.

River's ensembles are slow. Each gets ``EDGELOOP_BENCH_PEER_SECONDS`` of processor time (600) and ``EDGELOOP_BENCH_PEER_ROWS`` rows (0 for all) of a
stream. The table shows the rows that it reached; one that does not finish the warm-up is left out.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, Kind, figure
from benchmarks.loop_quality import ours, peers
from benchmarks.loop_quality.picture import draw
from benchmarks.loop_quality.played import Played
from benchmarks.loop_quality.published import AIMS, MOST_FITS, PUBLISHED
from benchmarks.loop_quality.streams import Stream, made, real
from benchmarks.rounds import Sample

EXAMPLES = Path(__file__).parents[1] / "examples" / "data"
PICTURE = Path(__file__).parent / "pictures" / "quality.svg"
MADE_ROWS, QUICK_ROWS, QUICK_PEER_ROWS = 20_000, 500, 100
ACCURACY, PROCESSOR = "accuracy", "processor seconds for 1,000 rows"
NICE = 10


def run(*, quick: bool) -> list[Figure]:
    """Accuracy, fits, bytes and processor time of each learner on each stream; updates the picture unless it is ``quick``."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # processes share the cores
    directory = Path(os.environ.get("EDGELOOP_BENCH_DATA") or EXAMPLES)
    streams = [*real(directory, QUICK_ROWS if quick else 0), *made(QUICK_ROWS if quick else MADE_ROWS)]
    if quick:
        streams = [streams[0], streams[-1]]
    most = int(os.environ.get("EDGELOOP_BENCH_PEER_ROWS", "0")) or sys.maxsize
    seconds = float(os.environ.get("EDGELOOP_BENCH_PEER_SECONDS", "600"))
    # A few rows take less time than the start of processes.
    found = [one for job in _jobs(streams, QUICK_PEER_ROWS, seconds) for one in job()] if quick else list(_all(streams, most, seconds))
    played = {(one.stream, one.learner): one for one in found}
    if not quick:
        draw(PICTURE, streams, played)
    learners = (ours.STATIC, *ours.VARIANTS, *peers.LEARNERS)
    ordered = [played[stream.name, learner] for learner in learners for stream in streams]
    return list(_figures([one for one in ordered if len(one.right)], played))


def _all(streams: list[Stream], most: int, seconds: float) -> Iterable[Played]:
    """All plays, in one process per core."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), context, os.nice, (NICE,)) as pool:
        futures = [pool.submit(job) for job in _jobs(streams, most, seconds)]
        for done, future in enumerate(as_completed(futures), 1):
            for one in future.result():
                print(f"  {done}/{len(futures)} {one.stream}, {one.learner}: {one.accuracy:.3f}", file=sys.stderr, flush=True)
                yield one


def _jobs(streams: list[Stream], most: int, seconds: float) -> list[Callable[[], list[Played]]]:
    own = [partial(ours.play, stream, name) for stream in streams for name in ours.VARIANTS]
    return own + [partial(peers.play, stream, name, most, seconds) for stream in streams for name in peers.LEARNERS]


def _figures(ordered: list[Played], played: dict[tuple[str, str], Played]) -> Iterable[Figure]:
    for one in ordered:
        aim = AIMS.get(one.stream, {}).get(one.learner)
        yield _figure(ACCURACY, one.stream, one.learner, one.accuracy, aim=aim, note=_reached(one, played))
    for stream in dict.fromkeys(one.stream for one in ordered):
        for learner, accuracy in PUBLISHED.get(stream, {}).items():
            yield _figure(ACCURACY, stream, learner, accuracy)
    for one in ordered:
        for what, value in one.counted.items():
            aim = MOST_FITS if what == ours.FITS and one.learner.startswith(ours.DEFAULT) else None
            yield _figure(what, one.stream, one.learner, value, lower_is_better=True, aim=aim)
        if one.seconds:
            rows = len(one.right) or 1
            yield _figure(PROCESSOR, one.stream, one.learner, one.seconds / rows * 1_000, lower_is_better=True)


def _reached(one: Played, played: dict[tuple[str, str], Played]) -> str:
    """Note of a learner that was too slow for all rows: its rows, and the default's accuracy on these."""
    rows = len(one.right)
    if rows == one.rows:
        return ""
    default = played[one.stream, ours.DEFAULT].right[:rows].mean() if rows else 0.0
    return f"first {rows:,} rows; the default has {default:.3f} there"


def _figure(what: str, stream: str, learner: str, value: float, **more: object) -> Figure:
    return figure(f"quality/{what}/{learner}/{stream}", Sample((value,)), "", Kind.RESOURCE, **more)
