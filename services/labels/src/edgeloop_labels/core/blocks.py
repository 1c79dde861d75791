"""Labels of joined rows, in small blocks, so that a transaction rewrites only few of them."""

from __future__ import annotations

from edgeloop_contracts import LabelledRows

ROWS = 128  # so that one byte per row suffices even if all labels differ


def block_of(seq: int) -> int:
    """Number of the block with the row ``seq``."""
    return seq // ROWS


def blocks_of(first: int, end: int) -> range:
    """Numbers of the blocks with the rows ``[first, end)``."""
    return range(first // ROWS, (end - 1) // ROWS + 1)


def label_of(block: LabelledRows | None, seq: int) -> str:
    """Label of the row ``seq`` of its block; empty if it has none.

    >>> label_of(with_label(None, 130, "up"), 130)
    'up'
    """
    row = seq % ROWS
    if block is None or row >= len(block.codes) or not block.codes[row]:
        return ""
    return block.labels[block.codes[row] - 1]


def with_label(block: LabelledRows | None, seq: int, label: str) -> LabelledRows:
    """The block with ``label`` for the row ``seq``.

    A label without rows is replaced, so there are never more labels than rows.
    """
    block = block or LabelledRows()
    row = seq % ROWS
    codes = bytearray(block.codes.ljust(row + 1, b"\0"))
    codes[row] = 0
    labels = list(block.labels)
    if label in labels:
        codes[row] = labels.index(label) + 1
    else:
        used = set(codes)
        free = next((i for i in range(len(labels)) if i + 1 not in used), len(labels))
        labels[free : free + 1] = [label]
        codes[row] = free + 1
    return LabelledRows(labels=tuple(labels), codes=bytes(codes))


def count_of(block: LabelledRows | None, first: int, end: int) -> int:
    """Number of labelled rows of the block within ``[first, end)``.

    Parameters
    ----------
    first, end
        Rows within the block, ``0 <= first <= end <= ROWS``.
    """
    return sum(map(bool, block.codes[first:end])) if block else 0
