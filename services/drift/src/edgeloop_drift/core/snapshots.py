"""Snapshots of detectors: a codec in place of pickle.

A snapshot holds only the learned fields of a detector. They are read into a detector made from its parameters, field by field and
by type, so bytes from a topic can never name a class, a function or an attribute.
"""

from __future__ import annotations

import random
import struct
from collections import deque
from typing import Any, cast

from edgeloop_errors import InvalidError
from river import drift, stats
from river.drift import binary
from river.drift.binary.hddm_w import SampleInfo

from edgeloop_drift.core.detectors import DetectorSpec

# Learned fields of each type, in the order in which they are written.
LEARNED: dict[type[Any], tuple[str, ...]] = {
    drift.ADWIN: ("_drift_detected", "_helper"),
    drift.PageHinkley: ("_drift_detected", "_x_mean", "_sum_increase", "_sum_decrease", "_min_increase", "_max_decrease"),
    drift.KSWIN: ("_drift_detected", "p_value", "n", "window", "_rng"),
    binary.DDM: ("_drift_detected", "_warning_detected", "_p", "_p_min", "_s_min", "_ps_min"),
    binary.HDDMA: ("_drift_detected", "_warning_detected", "_x_min", "_x_max", "_z"),
    binary.HDDMW: (
        "_drift_detected",
        "_warning_detected",
        "_total",
        "_s1_decr",
        "_s1_incr",
        "_s2_decr",
        "_s2_incr",
        "_incr_cutpoint",
        "_decr_cutpoint",
    ),
    stats.Mean: ("n", "_mean"),
    stats.EWMean: ("_ewmean",),
    SampleInfo: ("_ewma", "_is_init", "_ibc"),
}
# Compiled types, which have bytes of their own.
COMPILED = {"AdaptiveWindowing", "RsEWMean"}
MAX_BYTES = 64 * 1024
_RANDOM_WORDS = 625


class SnapshotError(InvalidError):
    """The bytes are no snapshot of this detector."""


def dump(detector: Any, spec: DetectorSpec) -> bytes:
    """The snapshot of a detector that was made from ``spec``."""
    out = bytearray(struct.pack("<I", spec.fingerprint))
    _write(out, detector)
    return bytes(out)


def load(data: bytes, spec: DetectorSpec) -> Any | None:
    """The detector of a snapshot; ``None`` where detector, parameters or River's version differ.

    Raises
    ------
    SnapshotError
        The bytes are damaged.
    """
    if not 4 <= len(data) <= MAX_BYTES:
        raise SnapshotError(f"expected 4 to {MAX_BYTES} bytes, given {len(data)}")
    if struct.unpack_from("<I", data)[0] != spec.fingerprint:
        return None
    detector = spec.make()
    reader = _Reader(data, 4)
    reader.into(detector)
    if reader.at != len(data):
        raise SnapshotError(f"{len(data) - reader.at} bytes follow its end")
    return detector


def _write(out: bytearray, value: Any) -> None:
    match value:
        case None:
            out += b"N"
        case bool():
            out += b"T" if value else b"F"
        case int():
            out += struct.pack("<cq", b"i", value)
        case float():
            out += struct.pack("<cd", b"f", value)
        case deque():
            items = cast("deque[Any]", value)
            out += struct.pack("<cI", b"d", len(items))
            for item in items:
                _write(out, item)
        case random.Random():
            out += struct.pack(f"<c{_RANDOM_WORDS}I", b"r", *value.getstate()[1])
        case _ if type(value).__name__ in COMPILED:
            inner = bytes(value.__getstate__())
            out += struct.pack("<cI", b"c", len(inner)) + inner
        case _ if type(value) in LEARNED:
            for name in LEARNED[type(value)]:
                _write(out, getattr(value, name))
        case _:
            raise TypeError(f"a snapshot cannot hold {type(value).__name__}")


class _Reader:
    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def unpack(self, shape: str) -> tuple[Any, ...]:
        size = struct.calcsize(shape)
        if self.at + size > len(self.data):
            raise SnapshotError("the bytes end too early")
        values = struct.unpack_from(shape, self.data, self.at)
        self.at += size
        return values

    def into(self, target: Any) -> None:
        """Read the learned fields of ``target``, which is newly made."""
        for name in LEARNED[type(target)]:
            fresh = getattr(target, name)
            if type(fresh) in LEARNED:
                self.into(fresh)
            elif type(fresh).__name__ in COMPILED:
                self.compiled(fresh)
            else:
                setattr(target, name, self.value(fresh))

    def value(self, fresh: Any) -> Any:
        """One plain value; a new detector has ``fresh`` in its place."""
        match self.unpack("<c")[0]:
            case b"N":
                return None
            case b"T" | b"F" as flag:
                return flag == b"T"
            case b"i":
                return self.unpack("<q")[0]
            case b"f":
                return self.unpack("<d")[0]
            case b"d" if isinstance(fresh, deque):
                (count,) = self.unpack("<I")
                if fresh.maxlen is None or count > fresh.maxlen:
                    raise SnapshotError(f"a window of {count} values, at most {fresh.maxlen} are allowed")
                return deque((self.value(None) for _ in range(count)), maxlen=fresh.maxlen)
            case b"r" if isinstance(fresh, random.Random):
                fresh.setstate((3, self.unpack(f"<{_RANDOM_WORDS}I"), None))
                return fresh
            case tag:
                raise SnapshotError(f"unexpected {tag!r} for {type(fresh).__name__}")

    def compiled(self, target: Any) -> None:
        tag, count = self.unpack("<cI")
        if tag != b"c":
            raise SnapshotError(f"unexpected {tag!r} for {type(target).__name__}")
        (inner,) = self.unpack(f"<{count}s")
        # Compiled code panics on unexpected bytes, so they are checked first.
        fresh = bytes(target.__getstate__())
        if type(target).__name__ == "AdaptiveWindowing":
            _check_adwin(inner, fresh)
        elif len(inner) != len(fresh):
            raise SnapshotError(f"expected {len(fresh)} bytes, given {count}")
        try:
            target.__setstate__(inner)
        except BaseException as error:  # a panic of compiled code is no Exception, and flags have two values
            if type(error).__name__ != "PanicException" and not isinstance(error, Exception):
                raise
            raise SnapshotError(f"{type(target).__name__} does not take these bytes: {error}") from None


# Layout of ADWIN's compiled window in River 0.26: parameters, sums and counters, the number of bucket rows, the rows (each
# with two vectors of max_buckets + 1 doubles that state their length), the parameters once more.
_HEAD, _TAIL, _PARAMETERS, _ROWS_AT, _MAX_ROWS = 92, 28, 36, 84, 64


def _check_adwin(inner: bytes, fresh: bytes) -> None:
    if len(inner) < _HEAD + _TAIL or inner[:_PARAMETERS] != fresh[:_PARAMETERS] or inner[-_TAIL:] != fresh[-_TAIL:]:
        raise SnapshotError("an ADWIN window of other parameters")
    (length,) = struct.unpack_from("<Q", fresh, _HEAD + 16)
    (rows,) = struct.unpack_from("<Q", inner, _ROWS_AT)
    size = 32 + 16 * length
    if not 1 <= rows <= _MAX_ROWS or len(inner) != _HEAD + rows * size + _TAIL:
        raise SnapshotError(f"an ADWIN window of {rows} rows in {len(inner)} bytes")
    for row in range(rows):
        at = _HEAD + row * size
        first, second = struct.unpack_from("<Q", inner, at + 16)[0], struct.unpack_from("<Q", inner, at + 24 + 8 * length)[0]
        if first != length or second != length:
            raise SnapshotError(f"row {row} of an ADWIN window has {first} and {second} buckets instead of {length}")
