"""Conversion of frames, adapters and memories to events and back."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, replace

import numpy as np
from edgeloop_contracts import AdapterFrame, MemoryBlock, ModelAdapter
from edgeloop_errors import InvalidError

from edgeloop_mixture.columns import EACH
from edgeloop_mixture.memory import MemoryRows, Window
from edgeloop_mixture.mixture import Adapter, Frame
from edgeloop_mixture.scaling import Bytes, Scaling
from edgeloop_mixture.target import MemoryLabels, Numbers

BLOCK = 50  # rows
CLASSES = 256  # a label is one byte of a block


class PackedError(InvalidError, ValueError):
    """An event is malformed; the message names the field, the expected and the given value."""


def frame_event(tenant: str, stream: str, frame: Frame) -> AdapterFrame:
    """A frame as an event."""
    scaling = frame.scaling
    return AdapterFrame(
        tenant=tenant,
        stream=stream,
        number=frame.number,
        members=frame.members,
        classes=frame.classes,
        width=scaling.width,
        features=tuple(scaling.features.tolist()),
        means=scaling.means.astype("<f4").tobytes(),
        gains=scaling.gains.astype("<f4").tobytes(),
        scales=scaling.scales.astype("<f4").tobytes(),
        **(asdict(frame.numbers) if frame.numbers else {}),
    )


def frame_of(event: AdapterFrame) -> Frame:
    """The frame of an event.

    Raises
    ------
    PackedError
        It is malformed.
    """
    count = len(event.features)
    if not event.members or not count or bool(event.classes) == (event.tolerance > 0):
        labels = f"{len(event.classes)} classes, the tolerance {event.tolerance:g}"
        raise PackedError(f"a frame of {len(event.members)} members, {labels} and {count} features")
    most = event.width * (1 + EACH)
    if any(not 0 <= column < most for column in event.features):
        raise PackedError(f"features: expected numbers of columns, below {most}, given {event.features}")
    known = set(event.classes)
    for member in event.members:
        if not known.issuperset(member.classes):
            raise PackedError(f"classes of version {member.version}: expected some of {event.classes}, given {member.classes}")
    parts = [_numbers(name, getattr(event, name), "<f4", count) for name in ("means", "gains", "scales")]
    scaling = Scaling(event.width, np.array(event.features, np.int64), *(part.astype(np.float32) for part in parts))
    return Frame(event.number, event.members, event.classes, scaling, _numbers_of(event) if event.tolerance else None)


def adapter_event(tenant: str, stream: str, frame: Frame, adapter: Adapter, window: Window) -> ModelAdapter:
    """An adapter as an event, with its digest; its rows travel in blocks."""
    event = ModelAdapter(
        tenant=tenant,
        stream=stream,
        number=adapter.number,
        frame=frame.number,
        weights=adapter.weights.astype("<f8").tobytes(),
        bias=adapter.bias.astype("<f8").tobytes(),
        coefficients=adapter.coefficients.astype("<f4").tobytes(),
        memory_end=adapter.memory_end,
        alone=adapter.alone,
        doubted=adapter.doubted,
    )
    return replace(event, digest=digest(event, frame, window))


def adapter_of(event: ModelAdapter, frame: Frame) -> Adapter:
    """The adapter of an event.

    Raises
    ------
    PackedError
        It does not fit its frame.
    """
    classes, inputs = frame.target.width, len(frame.scaling.features) + 1
    if event.frame != frame.number:
        raise PackedError(f"frame: expected {frame.number}, given {event.frame}")
    weights = _numbers("weights", event.weights, "<f8", None)
    if len(weights) < len(frame.members) + 2:
        raise PackedError(f"weights: expected {len(frame.members) + 2} or more, given {len(weights)}")
    if event.alone and event.alone not in [member.version for member in frame.members]:
        raise PackedError(f"alone: version {event.alone} is no member")
    return Adapter(
        event.number,
        weights.astype(np.float64),
        _numbers("bias", event.bias, "<f8", classes).astype(np.float64),
        _numbers("coefficients", event.coefficients, "<f4", classes * inputs).astype(np.float32).reshape(classes, inputs),
        event.memory_end,
        event.alone,
        event.doubted,
    )


def digest(event: ModelAdapter, frame: Frame, window: Window) -> str:
    """SHA-256, hex, of everything an answer depends on: the frame, the adapter's numbers and the rows of its longest memory.

    It leaves out tenant and stream, which the signed statement names, and the places of members' files, which their digests identify.
    """
    sha = hashlib.sha256(_canonical(_content(frame)))
    head = np.array([event.number, event.frame, event.memory_end, event.alone, len(event.weights), len(event.bias)], "<i8")
    sha.update(head.tobytes() + event.weights + event.bias + event.coefficients)
    sha.update(np.ascontiguousarray(window.rows).tobytes())
    sha.update(window.labels.astype("<f4" if frame.numbers else np.uint8).tobytes())
    return sha.hexdigest()


def blocks(tenant: str, stream: str, scaling: int, memory: MemoryRows, since: int, horizon: int) -> Iterator[MemoryBlock]:
    """Blocks with the rows from number ``since`` on that a memory of ``horizon`` rows needs; all but the last are full.

    Parameters
    ----------
    scaling
        Number of the first frame with this scaling.
    """
    first = max(since, memory.end - horizon, memory.start) // BLOCK * BLOCK
    for start in range(first, memory.end, BLOCK):
        begin, end = max(start, memory.start), min(start + BLOCK, memory.end)
        rows, labels = memory.block(begin, end)
        block = MemoryBlock(tenant=tenant, stream=stream, frame=scaling, first=begin, rows=rows.tobytes())
        if memory.numbers:
            yield replace(block, numbers=labels.astype("<f4").tobytes())
        else:
            yield replace(block, labels=labels.astype(np.uint8).tobytes())


def slot(block: MemoryBlock, horizon: int) -> int:
    """Slot of a block among those of its stream; a later block reuses a slot whose rows no memory needs."""
    return block.first // BLOCK % (horizon // BLOCK + 2)


def count(block: MemoryBlock) -> int:
    """Number of rows of a block, by its labels."""
    return len(block.numbers) // 4 if block.numbers else len(block.labels)


def rows_of(block: MemoryBlock, width: int) -> tuple[Bytes, MemoryLabels]:
    """Rows of a block, int8 [N, width], and their labels.

    Raises
    ------
    PackedError
        Their numbers differ, or a label is no finite number.
    """
    if block.numbers:
        labels: MemoryLabels = _numbers("numbers", block.numbers, "<f4", None).astype(np.float32)
    else:
        labels = np.frombuffer(block.labels, np.uint8).astype(np.int64)
    if len(block.rows) != len(labels) * width:
        raise PackedError(f"rows: expected {len(labels)} rows of {width} bytes, given {len(block.rows)} bytes")
    return np.frombuffer(block.rows, np.int8).reshape(-1, width), labels


def _content(frame: Frame) -> dict[str, object]:
    scaling = frame.scaling
    numbers: dict[str, object] = {"numbers": asdict(frame.numbers)} if frame.numbers else {}
    return numbers | {
        "classes": frame.classes,
        "features": scaling.features.tolist(),
        "members": [(member.version, member.file.digest, member.classes) for member in frame.members],
        "number": frame.number,
        "scaling": [part.astype("<f4").tobytes().hex() for part in (scaling.means, scaling.gains, scaling.scales)],
        "width": scaling.width,
    }


def _numbers_of(event: AdapterFrame) -> Numbers:
    if not (math.isfinite(event.centre) and 0 < event.deviation < math.inf and event.tolerance < math.inf):
        raise PackedError(f"centre {event.centre:g}, deviation {event.deviation:g}, tolerance {event.tolerance:g}: expected finite ones")
    return Numbers(event.centre, event.deviation, event.tolerance)


def _canonical(content: dict[str, object]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _numbers(name: str, data: bytes, kind: str, count: int | None) -> np.ndarray:
    if len(data) % int(kind[-1]) or (count is not None and len(data) != count * int(kind[-1])):
        raise PackedError(f"{name}: expected {count if count is not None else 'whole'} numbers, given {len(data)} bytes")
    values = np.frombuffer(data, kind)
    if not np.isfinite(values).all():
        raise PackedError(f"{name}: a number that is not finite")
    return values
