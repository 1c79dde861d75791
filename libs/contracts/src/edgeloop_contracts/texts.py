"""External texts in events: errors of libraries, names from outside."""

from __future__ import annotations

MOST = 4_000
"""Largest number of characters of an external text in an event."""


def cut(text: str, most: int = MOST) -> str:
    r"""The text, or its beginning and the number of missing characters. Characters that Avro cannot write are replaced.

    Parameters
    ----------
    most
        Largest length of the result, including the note; at least 40.

    Examples
    --------
    >>> cut("short")
    'short'
    >>> cut("x" * 5_000_000, 40)
    'xxxxxxxxxxx… (4,999,989 more characters)'
    >>> cut(cut("x" * 5_000_000, 40), 40)
    'xxxxxxxxxxx… (4,999,989 more characters)'
    >>> cut("name\udcff")
    'name?'
    """
    # A lone surrogate, as in a file name that is not UTF-8, cannot be encoded.
    if len(text) > most:
        kept = max(0, most - len(f"… ({len(text):,} more characters)"))
        text = f"{text[:kept]}… ({len(text) - kept:,} more characters)"
    return text.encode("utf-8", "replace").decode()
