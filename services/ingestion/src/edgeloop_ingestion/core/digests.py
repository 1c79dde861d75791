"""Short digests of rows, to compare the contents of two rows with the same number.

A digest is the upper half of a multilinear hash modulo 2^64 of a row's values (Carter and Wegman 1979; Lemire and Kaser, "Strongly
universal string hashing is fast", 2014). Many rows take a few array operations. A row's digest does not depend on its batch. Two
different rows collide with a probability of about 2^-31.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, chain
from operator import attrgetter

import numpy as np
from edgeloop_contracts import ObservationBatch
from numpy.typing import NDArray

Digests = NDArray[np.uint32]
Ids = NDArray[np.uint64]
NO_IDS = np.zeros(0, np.uint64)
_MASK = 2**64 - 1
_HALF, _ONE = np.uint64(32), np.uint32(1)


@lru_cache(maxsize=64)
def _factors(name: str, count: int) -> NDArray[np.uint64]:
    """Odd pseudo-random numbers that never change."""
    made = [int.from_bytes(hashlib.sha256(f"edgeloop/{name}/{i}".encode()).digest()[:8], "little") | 1 for i in range(count)]
    return np.array(made, np.uint64)


_START, _VERSION, _ADAPTER = map(int, _factors("batch", 3))
_TIME, _REQUEST, _ANSWER, _VALUES = 0, 1, 2, 3  # columns
_requests, _answers = attrgetter("request_ids"), attrgetter("answers")


def _text(text: str) -> int:
    return zlib.crc32(text.encode())


_HASHES = {_REQUEST: _text, _ANSWER: lru_cache(maxsize=4096)(_text)}  # answers are few


def row_digests(batch: ObservationBatch) -> Digests:
    """Digest of each row's values, time, request id, answer, version and adapter, uint32 [count]; odd, so never 0."""
    return batch_digests([batch])[0]


def batch_digests(batches: Sequence[ObservationBatch]) -> list[Digests]:
    """:func:`row_digests` of many batches at once, which is much faster."""
    widths = [len(batch.features) // batch.count for batch in batches]
    if len(set(widths)) > 1:
        found: dict[int, Digests] = {}
        for width in dict.fromkeys(widths):
            places = [place for place, own in enumerate(widths) if own == width]
            found |= zip(places, batch_digests([batches[place] for place in places]), strict=True)
        return [found[place] for place in range(len(batches))]
    counts = [batch.count for batch in batches]
    values = np.frombuffer(b"".join([batch.features for batch in batches]), "<u4").reshape(sum(counts), -1)
    row = np.zeros((len(values), _VALUES + values.shape[1]), np.uint64)
    row[:, _VALUES:] = values
    if any(batch.event_times for batch in batches):
        times = chain.from_iterable(batch.event_times or (0,) * batch.count for batch in batches)
        row[:, _TIME] = np.fromiter(times, np.int64, len(row)).view(np.uint64)
    for column, texts_of in ((_REQUEST, _requests), (_ANSWER, _answers)):
        if any(texts_of(batch) for batch in batches):
            hashes = chain.from_iterable(map(_HASHES[column], texts_of(batch) or ("",) * batch.count) for batch in batches)
            row[:, column] = np.fromiter(hashes, np.uint64, len(row))
    summed = row @ _factors("row", row.shape[1])
    heads = [(_START + batch.model_version * _VERSION + batch.adapter * _ADAPTER) & _MASK for batch in batches]
    summed += np.repeat(np.array(heads, np.uint64), counts)
    summed >>= _HALF
    digests = summed.astype(np.uint32) | _ONE
    ends = [*accumulate(counts)]
    return [digests[end - count : end] for end, count in zip(ends, counts, strict=True)]


def id_digests(names: Sequence[str]) -> Ids:
    """Digest of each row's id, uint64 [n]; never 0. A collision, with a probability of about 2^-64, would lose a row."""
    if not names:
        return NO_IDS
    joined = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    digests = np.frombuffer(joined, "<u8").astype(np.uint64)
    digests[digests == 0] = 1
    return digests
