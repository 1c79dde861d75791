"""Sampling of answered requests: the share that a device reports."""

from __future__ import annotations

from collections.abc import Sequence

_MASK = (1 << 64) - 1


def position(stream: str, number: int) -> float:
    """Position of a request in [0, 1), the same on every device and in every release.

    SplitMix64 of the request's number, begun at the stream's name (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014).

    >>> [round(position("pumps", number), 3) for number in range(3)]
    [0.573, 0.376, 0.171]
    """
    mixed = (int.from_bytes(stream.encode()[:8], "little") + (number + 1) * 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)


class Sampler:
    """Chooses the requests whose rows are reported.

    Rows with a request id are always reported, since a client gives an id to label them by. Of the others a share of requests is
    reported, chosen by a hash of the number of the request in its stream. The rows of one request stay together. A request of a
    smaller share is one of every larger share.

    Rows that are not reported take no sequence number. A gap in the numbers would mean a lost row, and ingestion remembers only
    1,024 gaps of a device.

    Attributes
    ----------
    share
        Share of requests, above 0 and at most 1; may be changed at any time.
    """

    def __init__(self, share: float = 1.0) -> None:
        self.share = share
        self._numbers: dict[str, int] = {}

    def keeps(self, stream: str, request_ids: Sequence[str]) -> bool:
        """Whether the rows of the next request of a stream are reported."""
        share = self.share
        if share >= 1 or request_ids:
            return True
        number = self._numbers[stream] = self._numbers.get(stream, -1) + 1
        return position(stream, number) < share
