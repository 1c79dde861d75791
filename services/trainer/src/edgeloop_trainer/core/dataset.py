"""The rows of a dataset: which they are, in which order, and their digest."""

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
    """The rows that a request names cannot be fitted on; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Rows ordered by device, boot epoch and sequence number, so that neither partitions nor batches show.

    Attributes
    ----------
    features
        float32 [N, F].
    labels
        int64 [N], index into ``classes``; or float64 [N], the numbers themselves.
    classes
        Class names in sorted order; none where labels are numbers.
    devices
        int64 [N]: number of each row's device in the order of their names.
    digest
        SHA-256, hex. It holds no name of a stream or device and no place, so equal rows have equal digests.
    """

    features: Floats
    labels: Truth
    classes: tuple[str, ...]
    devices: Ints
    digest: str

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.labels)

    def newest(self, without: Flags | None = None, share: float = HELD_OUT) -> Flags:
        """The last fifth of each device's rows, or another share, bool [N]; of those that are not among ``without``, if it is given.

        Rows of several devices have no common order that does not depend on partitions; of one device they have.
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
    """Features of a batch, float32 [count, F], without a copy.

    Raises
    ------
    DatasetError
        The bytes are no whole rows.
    """
    count = len(batch.labels)
    if count == 0 or len(batch.features) % (4 * count):
        raise DatasetError(f"{len(batch.features)} bytes of features are no {count} rows")
    return np.frombuffer(batch.features, "<f4").reshape(count, -1)


def assemble(manifest: Manifest, batches: Iterable[tuple[Range, ExampleBatch]], width: int, *, numbers: bool = False) -> Dataset:
    """Put a dataset together.

    Parameters
    ----------
    manifest
        What was asked for.
    batches
        The stream's batches of each range, in the order of their offsets. A batch that corrects earlier rows replaces
        them; its own rows have indexes too, but are no further rows.
    width
        Features of a row.
    numbers
        Whether labels are numbers.

    Raises
    ------
    DatasetError
        Rows are missing, have another number of features, or a label that is no number where it should be.
    """
    found: dict[tuple[str, int, int], tuple[Floats, str]] = {}
    for part, batch in batches:
        features = matrix(batch)
        if features.shape[1] != width:
            raise DatasetError(f"rows of {features.shape[1]} features; the stream's definition has {width}")
        first = max(part.first_index - batch.first_index, 0)
        end = min(part.end_index - batch.first_index, len(batch.labels))
        for i in range(first, end):
            row = (batch.device_id, batch.boot_epoch, batch.seqs[i])
            if row in found or not batch.corrects:
                found[row] = (features[i], batch.labels[i])
    if not found or len(found) < manifest.rows:
        raise DatasetError(f"{len(found)} rows found of {manifest.rows or 'at least one'}")
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
        raise DatasetError(f"the label {texts[values.index(None)]!r} is no number")
    return np.array(values, np.float64)


def _digest(features: Floats, labels: Truth, classes: tuple[str, ...], ids: NDArray[Any]) -> str:
    """SHA-256 over shape, class names (each with its length), ids, labels and features, numbers little-endian.

    Every NaN counts as the same one.
    """
    known = np.where(np.isnan(features), np.float32(np.nan), features)
    sha = hashlib.sha256(np.array([*features.shape, len(classes)], "<i8").tobytes())
    for name in classes:
        text = name.encode()
        sha.update(len(text).to_bytes(4, "little") + text)
    for part, kind in ((ids, "<i8"), (labels, "<i8" if classes else "<f8"), (known, "<f4")):
        sha.update(np.ascontiguousarray(part, kind).tobytes())
    return sha.hexdigest()
