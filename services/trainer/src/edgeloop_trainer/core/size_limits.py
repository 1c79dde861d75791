"""Limits of training data, checked before any row is read."""

from __future__ import annotations

from collections.abc import Sequence

from edgeloop_contracts import Manifest

MOST_FEATURES = 100_000
FLOAT_BYTES = 4
COPIES = 10
"""Copies of a table that fit, conversion and parity check hold at once: 7 to 10 measured at 80 MB, for every family."""

MOST_OF_NAMES = 256 << 10
"""Bytes of class names, which training run, candidate and version carry, the version twice."""


def class_names_refusal(classes: Sequence[str]) -> str:
    """The reason why classes have too long names for a version; empty if they fit.

    >>> class_names_refusal(["yes", "no"]), class_names_refusal(["x" * 300] * 1_000)
    ('', 'too large: the names of 1,000 classes take 300,000 bytes; at most 262,144 fit into a version')
    """
    size = sum(len(name.encode("utf-8", "replace")) for name in classes)
    if size > MOST_OF_NAMES:
        return f"too large: the names of {len(classes):,} classes take {size:,} bytes; at most {MOST_OF_NAMES:,} fit into a version"
    return ""


def rows_named(manifest: Manifest) -> int:
    """Upper bound of the rows of a manifest: a correction has an index, too, but adds no row."""
    return max(manifest.rows, sum(part.end_index - part.first_index for part in manifest.ranges))


def refusal(rows: int, width: int, memory_bytes: int) -> str:
    """The reason why a table is too large for a fit; empty if it is not.

    Parameters
    ----------
    memory_bytes
        Limit of the address space of the fit process.

    Examples
    --------
    >>> refusal(1_000, 10_000, 4 << 30)
    ''
    >>> refusal(10, 1_000_000, 4 << 30)
    'too large: rows of 1,000,000 features; at most 100,000 are fitted on'
    >>> refusal(2_000_000, 100, 4 << 30)
    'too large: 2,000,000 rows of 100 features take 7,629 MiB in 10 copies; EDGELOOP_TRAINER_FIT_MEMORY_MB allows 4,096'
    """
    if width > MOST_FEATURES:
        return f"too large: rows of {width:,} features; at most {MOST_FEATURES:,} are fitted on"
    needed = rows * width * FLOAT_BYTES * COPIES
    if needed > memory_bytes:
        return (
            f"too large: {rows:,} rows of {width:,} features take {needed >> 20:,} MiB in {COPIES} copies; "
            f"EDGELOOP_TRAINER_FIT_MEMORY_MB allows {memory_bytes >> 20:,}"
        )
    return ""
