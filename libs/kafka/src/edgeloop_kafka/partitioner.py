"""The partition of a key, as Java's default partitioner computes it."""

from __future__ import annotations

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2 with its fixed seed (``org.apache.kafka.common.utils.Utils.murmur2``), unsigned.

    >>> hex(murmur2(b"kafka"))
    '0xd067cf64'
    """
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    tail = data[whole:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


def partition_of(key: str, count: int) -> int:
    """Partition of a text key among ``count``, the same for our producers and for Java's."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % count
