"""Bounds in bytes against measured use, within a factor of 1.3, in memory and in the file."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from edgeloop_contracts import ObservationBatch
from edgeloop_kafka import body, from_body
from edgeloop_labels.core.pending_batch import Pending
from edgeloop_labels.core.recent_batches import RecentBatches
from edgeloop_labels.io.cache import PendingCache
from edgeloop_labels.io.database import PendingFile

WITHIN = 1.3
# Batches, rows of each, features of each row, devices, and whether rows have request ids and answers.
MIXES = {
    "single rows": (4_000, 1, 4, 7, False),
    "single rows with texts": (4_000, 1, 4, 7, True),
    "single rows of as many devices": (4_000, 1, 4, 4_000, True),
    "small batches": (1_000, 10, 8, 7, True),
    "large batches with texts": (200, 256, 8, 7, True),
    "large batches": (400, 256, 8, 7, False),
    "half a page": (1_000, 1, 520, 5, False),
    "wide rows": (40, 1, 100_000, 5, False),
}


def pending(mix: tuple[int, int, int, int, bool]) -> Iterator[Pending]:
    """Batches as they come from a topic."""
    count, rows, width, devices, texts = mix
    for n in range(count):
        batch = ObservationBatch(
            tenant="default",
            stream="pumps",
            device_id=f"pump-{n % devices}",
            boot_epoch=1,
            first_seq=n // devices * rows,
            count=rows,
            features=bytes(4 * width * rows),
            event_times=(1_700_000_000_000,) * rows if texts else (),
            request_ids=tuple(f"request-{n}-{row}" for row in range(rows)) if texts else (),
            answers=("normal",) * rows if texts else (),
        )
        yield Pending(n, 1_700_000_000_000 + n, f"{n:032x}", from_body(ObservationBatch, body(batch)))


@contextmanager
def measured() -> Iterator[Callable[[], int]]:
    """Bytes of memory since the beginning."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    def taken() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    try:
        yield taken
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES.keys())
def test_recent_batches_take_the_memory_that_they_count(mix) -> None:
    with measured() as taken:
        recent = RecentBatches()
        for one in pending(mix):
            recent.add(one)
        assert 1 / WITHIN <= taken() / recent.size <= WITHIN


@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES.keys())
def test_the_file_takes_the_bytes_that_count_against_the_horizon(mix, tmp_path: Path) -> None:
    file = PendingFile(tmp_path / "pending.sqlite")
    batches = list(pending(mix))
    for first in range(0, len(batches), 200):
        file.write(batches[first : first + 200], 0)
    pages = file._value("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    assert 1 / WITHIN <= pages / file.size() <= WITHIN
    file.close()


@pytest.mark.parametrize("mix", [MIXES["single rows with texts"], MIXES["wide rows"]], ids=["single rows", "wide rows"])
def test_a_cache_keeps_to_its_memory_whatever_is_looked_for(mix, tmp_path: Path) -> None:
    bound = 2 << 20
    file = PendingFile(tmp_path / "pending.sqlite")
    with measured() as taken:
        cache = PendingCache(file, bound)
        for n, one in enumerate(pending(mix)):
            cache.add(one)
            if n % 5 == 4:
                cache.write()
        cache.write()
        devices, rows = mix[3], mix[1]
        for n in range(0, mix[0], 3):
            assert cache.find(f"default/pumps/pump-{n % devices}", 1, n // devices * rows) is not None
        assert taken() <= WITHIN * bound
    file.close()
