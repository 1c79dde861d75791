"""Short digests of rows: whether two rows of one number have the same contents.

The values of a row are hashed as a vector, a multilinear hash modulo 2^64 of which the upper half is kept (Carter and Wegman 1979; Lemire and
Kaser, "Strongly universal string hashing is fast", 2014). So many rows take a few array operations, and a row's digest does not depend on the
batch it comes in. Two different rows agree once in some 2^32.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from edgeloop_contracts import ObservationBatch
from numpy.typing import NDArray

Digests = NDArray[np.uint32]
Ids = NDArray[np.uint64]
_MASK = 2**64 - 1


@lru_cache(maxsize=64)
def _factors(name: str, count: int) -> NDArray[np.uint64]:
    """Odd numbers that look random and never change."""
    made = [int.from_bytes(hashlib.sha256(f"edgeloop/{name}/{i}".encode()).digest()[:8], "little") | 1 for i in range(count)]
    return np.array(made, np.uint64)


_TIME, _REQUEST, _ANSWER, _VERSION, _ADAPTER, _START = _factors("row", 6)


@lru_cache(maxsize=4096)  # answers are few
def _text(text: str) -> int:
    return zlib.crc32(text.encode())


def row_digests(batch: ObservationBatch) -> Digests:
    """Digest of each row's values, time, request id, answer, version and adapter, uint32 [count]; never 0."""
    values = np.frombuffer(batch.features, "<f4").reshape(batch.count, -1)
    missing = np.isnan(values)
    if missing.any():  # one NaN is as good as another
        values = np.where(missing, np.float32(np.nan), values)
    summed = values.view(np.uint32).astype(np.uint64) @ _factors("value", values.shape[1])
    summed += _START
    if batch.event_times:
        summed += np.array(batch.event_times, np.int64).view(np.uint64) * _TIME
    if batch.request_ids:
        summed += _hashed(zlib.crc32(text.encode()) for text in batch.request_ids) * _REQUEST
    if batch.answers:
        summed += _hashed(map(_text, batch.answers)) * _ANSWER
    if batch.model_version or batch.adapter:
        summed += np.uint64((batch.model_version * int(_VERSION) + batch.adapter * int(_ADAPTER)) & _MASK)
    digests = (summed >> np.uint64(32)).astype(np.uint32)
    digests[digests == 0] = 1
    return digests


def id_digests(names: Sequence[str]) -> Ids:
    """Digest of each text that tells a row apart, uint64 [n]; never 0. Two of them agree once in some 2^64: a row would be lost."""
    joined = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    digests = np.frombuffer(joined, "<u8").astype(np.uint64)
    digests[digests == 0] = 1
    return digests


def _hashed(numbers: Iterable[int]) -> NDArray[np.uint64]:
    hashed = np.fromiter(numbers, np.uint64)
    hashed[hashed == _EMPTY] = 0  # no text at all is the same as an empty one
    return hashed


_EMPTY = np.uint64(zlib.crc32(b""))
