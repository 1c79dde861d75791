"""Size of an entry in an SQLite file, for services that bound their files."""

from __future__ import annotations

PAGE = 4096
"""Bytes of a page, SQLite's default."""
_LARGEST = PAGE - 35  # bytes of an entry that lies within its page
_LEAST = (PAGE - 12) * 32 // 255 - 23  # bytes of a larger entry that stay within its page
_OVERFLOW = PAGE - 4  # bytes of an entry that an overflow page holds


def in_pages(size: int) -> int:
    """Bytes of the file that an entry takes: its overflow pages, and its share of the page that holds the rest.

    Source: "Database File Format", section 1.6, of sqlite.org.

    Parameters
    ----------
    size
        Bytes of the entry.

    Examples
    --------
    >>> in_pages(100), in_pages(3_000), in_pages(10_000)
    (110, 4096, 10240)
    """
    local = size
    if size > _LARGEST:
        local = _LEAST + (size - _LEAST) % _OVERFLOW
        local = local if local <= _LARGEST else _LEAST
    return (size - local + _OVERFLOW - 1) // _OVERFLOW * PAGE + PAGE // max(1, PAGE // (local + 8))
