"""Many single rows decoded at once: records of one shape are a matrix of bytes, and their fields are columns of it.

Rows of a device differ in their values and hardly in their shape: which byte belongs to which field. The first record of a shape is taken
apart byte by byte, and all others that have it are read in the same way. Whatever is not plain (several blocks of an array, ever new shapes,
damaged bytes) is left to the decoder of single records, which also says what is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from edgeloop_errors import InvalidError
from numpy.typing import NDArray

MAX_SHAPES = 16
_INT = 2**31
_MAX_VARINT = 9  # bytes; a tenth could overflow

Bytes = NDArray[np.uint8]
Longs = NDArray[np.int64]
Span = tuple[int, int]


class NotPlainError(InvalidError):
    """Bytes to be decoded record by record."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows of one device and epoch, in the order in which they came; fields as in ``ObservationRow``.

    Attributes
    ----------
    places
        int64 [n]: where each row stands in what was read.
    seqs, event_times, model_versions
        int64 [n].
    features
        float64 [n, F].
    request_ids, answers
        n texts.
    """

    tenant: str
    stream: str
    device_id: str
    boot_epoch: int
    places: Longs
    seqs: Longs
    features: NDArray[np.float64]
    event_times: Longs
    request_ids: list[str]
    model_versions: Longs
    answers: list[str]


@dataclass(frozen=True, slots=True)
class _Shape:
    """Spans of the values in a record. All else (lengths, counts) is the same in every record of the shape.

    Attributes
    ----------
    head
        What names the device and its epoch.
    texts, longs
        Spans in which any text stands, and those of varints.
    """

    head: Span
    texts: tuple[Span, ...]
    longs: tuple[Span, ...]
    seq: Span
    features: Span
    event_time: Span
    request_id: Span
    model_version: Span
    answer: Span


def read_rows(bodies: Sequence[bytes]) -> list[Columns]:
    """Columns of each device and epoch, in the order of their first rows.

    Parameters
    ----------
    bodies
        Avro bodies of ``ObservationRow``, written with the schema of this code.

    Raises
    ------
    NotPlainError
        Some are damaged or of no plain shape; nothing is said of the others.
    """
    lengths = np.fromiter(map(len, bodies), np.int64, len(bodies))
    devices: dict[bytes, list[Columns]] = {}
    try:
        for length in dict.fromkeys(lengths.tolist()):
            places = np.flatnonzero(lengths == length)
            own = bodies if len(places) == len(bodies) else [bodies[place] for place in places.tolist()]
            for head, part in _read_length(b"".join(own), places, length):
                devices.setdefault(head, []).append(part)
    except (IndexError, UnicodeDecodeError) as error:
        raise NotPlainError(str(error)) from error
    return sorted(map(_joined, devices.values()), key=lambda columns: int(columns.places[0]))


def numbered(columns: Columns) -> bool:
    """Whether the rows have sequence numbers.

    Raises
    ------
    NotPlainError
        Only some have, or some twice.
    """
    seqs = columns.seqs
    if (seqs == -1).all():
        return False
    if int(seqs.min()) < 0 or ((np.diff(seqs) <= 0).any() and len(np.unique(seqs)) < len(seqs)):
        raise NotPlainError("without a number, or with one twice")
    return True


def _read_length(data: bytes, places: Longs, length: int) -> Iterator[tuple[bytes, Columns]]:
    """Records that are equally long, by shape and device."""
    matrix = np.frombuffer(data, np.uint8).reshape(len(places), length)
    for _ in range(MAX_SHAPES):
        first = matrix[0]
        shape = _shape_of(first.tobytes())
        same = ((matrix ^ first) & _fixed_bits(shape, length) == 0).all(axis=1)
        if same.all():
            yield from _read_shape(matrix, places, shape)
            return
        yield from _read_shape(matrix[same], places[same], shape)
        matrix, places = matrix[~same], places[~same]
    raise NotPlainError("too many shapes")


def _read_shape(matrix: Bytes, places: Longs, shape: _Shape) -> Iterator[tuple[bytes, Columns]]:
    rows_of: defaultdict[bytes, list[int]] = defaultdict(list)
    for row, head in enumerate(_cut(matrix, shape.head)):
        rows_of[head].append(row)
    if len(rows_of) > 1:  # the rows of each device next to one another
        order = np.fromiter(chain.from_iterable(rows_of.values()), np.int64, len(places))
        matrix, places = matrix[order], places[order]
    seqs = _longs(matrix, shape.seq)
    features = np.ascontiguousarray(matrix[:, slice(*shape.features)]).view("<f8")
    times = _longs(matrix, shape.event_time)
    requests = _texts(matrix, shape.request_id)
    versions = _longs(matrix, shape.model_version)
    if not (versions.min() >= -_INT and versions.max() < _INT):
        raise NotPlainError("a version beyond an Avro int")
    answers = _texts(matrix, shape.answer)
    end = 0
    for head, rows in rows_of.items():
        own = slice(end, end + len(rows))
        end = own.stop
        tenant, stream, device_id = (head[slice(*span)].decode() for span in shape.texts[:3])
        epoch = _long(head, shape.longs[0][0])
        columns = Columns(
            *(tenant, stream, device_id, epoch),
            places=places[own],
            seqs=seqs[own],
            features=features[own],
            event_times=times[own],
            request_ids=requests[own],
            model_versions=versions[own],
            answers=answers[own],
        )
        yield head, columns


def _joined(parts: list[Columns]) -> Columns:
    """Rows of one device that had several shapes, in their order."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if len({part.features.shape[1] for part in parts}) > 1:
        raise NotPlainError("rows of different width")
    places = np.concatenate([part.places for part in parts])
    order = np.argsort(places)
    return Columns(
        *(first.tenant, first.stream, first.device_id, first.boot_epoch),
        places=places[order],
        seqs=np.concatenate([part.seqs for part in parts])[order],
        features=np.concatenate([part.features for part in parts])[order],
        event_times=np.concatenate([part.event_times for part in parts])[order],
        request_ids=_ordered([part.request_ids for part in parts], order),
        model_versions=np.concatenate([part.model_versions for part in parts])[order],
        answers=_ordered([part.answers for part in parts], order),
    )


def _shape_of(body: bytes) -> _Shape:
    at = 0
    names: list[Span] = []
    for _ in range(3):
        names.append(_text_at(body, at))
        at = names[-1][1]
    epoch = _varint_at(body, at)
    seq = _varint_at(body, epoch[1])
    count = _varint_at(body, seq[1])
    features = (count[1], count[1] + 8 * _long(body, count[0]))
    if features[1] <= features[0] or body[features[1]] != 0:
        raise NotPlainError("no single block of features")
    event_time = _varint_at(body, features[1] + 1)
    request_id = _text_at(body, event_time[1])
    model_version = _varint_at(body, request_id[1])
    answer = _text_at(body, model_version[1])
    if answer[1] != len(body):
        raise NotPlainError("bytes after the record")
    return _Shape(
        head=(0, epoch[1]),
        texts=(*names, request_id, answer),
        longs=(epoch, seq, event_time, model_version),
        seq=seq,
        features=features,
        event_time=event_time,
        request_id=request_id,
        model_version=model_version,
        answer=answer,
    )


def _fixed_bits(shape: _Shape, length: int) -> Bytes:
    """Bits that are the same in all records of a shape: all but values; of a varint the bits that say whether it goes on."""
    bits = np.full(length, 0xFF, np.uint8)
    for span in (*shape.texts, shape.features):
        bits[slice(*span)] = 0
    for span in shape.longs:
        bits[slice(*span)] = 0x80
    return bits


def _varint_at(body: bytes, at: int) -> Span:
    for end in range(at, at + _MAX_VARINT):
        if body[end] < 0x80:
            return at, end + 1
    raise NotPlainError("a long varint")


def _long(body: bytes, at: int) -> int:
    first, end = _varint_at(body, at)
    value = sum((byte & 0x7F) << 7 * i for i, byte in enumerate(body[first:end]))
    return (value >> 1) ^ -(value & 1)


def _text_at(body: bytes, at: int) -> Span:
    first = _varint_at(body, at)[1]
    length = _long(body, at)
    if length < 0 or first + length > len(body):
        raise NotPlainError("no text")
    return first, first + length


def _longs(matrix: Bytes, span: Span) -> Longs:
    bytes_ = (matrix[:, slice(*span)] & 0x7F).astype(np.int64)
    value = bytes_ @ (1 << 7 * np.arange(span[1] - span[0], dtype=np.int64))
    return (value >> 1) ^ -(value & 1)


def _texts(matrix: Bytes, span: Span) -> list[str]:
    if span[0] == span[1]:
        return [""] * len(matrix)
    texts = _cut(matrix, span)
    if texts.count(texts[0]) == len(texts):
        return [texts[0].decode()] * len(texts)
    return [text.decode() for text in texts]


def _cut(matrix: Bytes, span: Span) -> list[bytes]:
    width = span[1] - span[0]
    data = matrix[:, slice(*span)].tobytes()
    return [data[at : at + width] for at in range(0, len(data), width)]


def _ordered(parts: Sequence[list[str]], order: Longs) -> list[str]:
    texts = [text for part in parts for text in part]
    return [texts[place] for place in order.tolist()]
