"""Training data: rows of a manifest, in a fixed order, with their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from edgeloop_contracts import ExampleBatch, Manifest, Range
from edgeloop_contracts.outcomes import number
from edgeloop_errors import InvalidError
from numpy.typing import NDArray

HELD_OUT = 0.2

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Truth = NDArray[np.int64 | np.float64]
Flags = NDArray[np.bool_]


class DatasetError(InvalidError):
    """The rows of a request cannot be used; the message gives the reason."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Rows ordered by device, boot epoch and sequence number, so partitions and batches leave no trace.

    Attributes
    ----------
    features
        float32 [N, F].
    labels
        int64 [N], index into ``classes``; or float64 [N], numbers.
    classes
        Class names, sorted; none if labels are numbers.
    devices
        int64 [N]: index of each row's device among the sorted device names.
    digest
        SHA-256, hex. It covers no names of streams or devices and no places, so equal rows have equal digests.
    """

    features: Floats
    labels: Truth
    classes: tuple[str, ...]
    devices: Ints
    digest: str

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def newest(self, without: Flags | None = None, share: float = HELD_OUT) -> Flags:
        """The newest fifth of each device's rows, or another share, bool [N]; rows of ``without`` are left out first.

        Only rows of one device have an order that does not depend on partitions.
        """
        held = np.zeros(self.rows, bool)
        there = np.ones(self.rows, bool) if without is None else ~without
        for device in range(int(self.devices.max(initial=-1)) + 1):
            rows = np.flatnonzero(there & (self.devices == device))
            held[rows[len(rows) - int(len(rows) * share) :]] = True
        if not held.any():  # every device has fewer than five rows
            rows = np.flatnonzero(there)
            held[rows[len(rows) - max(1, int(len(rows) * share)) :]] = True
        return held


def matrix(batch: ExampleBatch) -> Floats:
    """Features of a batch, float32 [count, F], not copied.

    Raises
    ------
    DatasetError
        The length of the bytes does not match the number of rows.
    """
    count = len(batch.labels)
    if count == 0 or len(batch.features) % (4 * count):
        raise DatasetError(f"features of {count} rows: expected a multiple of {4 * count} bytes, given {len(batch.features)}")
    return np.frombuffer(batch.features, "<f4").reshape(count, -1)


def assemble(manifest: Manifest, batches: Iterable[tuple[Range, ExampleBatch]], width: int, *, numbers: bool = False) -> Dataset:
    """Build the dataset of a manifest.

    Parameters
    ----------
    manifest
        The rows of a request.
    batches
        The stream's batches of each range, in the order of their offsets. A batch of corrections replaces earlier rows. Its rows have
        indexes, too, but add no row.
    width
        Features of a row.
    numbers
        Whether labels are numbers.

    Raises
    ------
    DatasetError
        Rows are missing, have another number of features, or have a label that is not a number.
    """
    found: dict[tuple[str, int, int], tuple[Floats, str]] = {}
    for part, batch in batches:
        features = matrix(batch)
        if features.shape[1] != width:
            raise DatasetError(f"rows: expected the {width} features of the stream definition, given {features.shape[1]}")
        first = max(part.first_index - batch.first_index, 0)
        end = min(part.end_index - batch.first_index, len(batch.labels))
        for i in range(first, end):
            row = (batch.device_id, batch.boot_epoch, batch.seqs[i])
            if row in found or not batch.corrects:
                found[row] = (features[i], batch.labels[i])
    if not found or len(found) < manifest.rows:
        raise DatasetError(f"rows: expected {manifest.rows or 'at least one'}, found {len(found)}")
    order = sorted(found)
    names = sorted({device for device, _, _ in order})
    places = {name: place for place, name in enumerate(names)}
    matrix_ = np.ascontiguousarray([found[row][0] for row in order], np.float32)
    texts = [found[row][1] for row in order]
    classes = () if numbers else tuple(sorted(set(texts)))
    index = {name: place for place, name in enumerate(classes)}
    labels = _numbers(texts) if numbers else np.array([index[text] for text in texts], np.int64)
    devices = np.array([places[device] for device, _, _ in order], np.int64)
    ids = np.array([(places[device], epoch, seq) for device, epoch, seq in order], np.int64)
    return Dataset(matrix_, labels, classes, devices, _digest(matrix_, labels, classes, ids))


def _numbers(texts: Sequence[str]) -> Truth:
    values = [number(text) for text in texts]
    if None in values:
        raise DatasetError(f"label: expected a number, given {texts[values.index(None)]!r}")
    return np.array(values, np.float64)


def _digest(features: Floats, labels: Truth, classes: tuple[str, ...], ids: NDArray[Any]) -> str:
    """SHA-256 over shape, class names (each after its length), ids, labels and features; numbers are little-endian, every NaN is the same."""
    known = np.where(np.isnan(features), np.float32(np.nan), features)
    sha = hashlib.sha256(np.array([*features.shape, len(classes)], "<i8").tobytes())
    for name in classes:
        text = name.encode()
        sha.update(len(text).to_bytes(4, "little") + text)
    for part, kind in ((ids, "<i8"), (labels, "<i8" if classes else "<f8"), (known, "<f4")):
        sha.update(np.ascontiguousarray(part, kind).tobytes())
    return sha.hexdigest()
