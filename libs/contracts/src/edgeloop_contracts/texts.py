"""Texts of others in our events: an error of a library, a name that a stranger chose."""

from __future__ import annotations

MOST = 4_000
"""Characters that an event takes of a text that is not ours."""


def cut(text: str, most: int = MOST) -> str:
    r"""The text, or its beginning with a note how much is missing; what Avro cannot write is replaced.

    Parameters
    ----------
    most
        Characters that come back at most, the note included; at least 40.

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
    # Half a pair of surrogates, as in the name of a file that is not UTF-8, would end whoever writes it.
    if len(text) > most:
        kept = max(0, most - len(f"… ({len(text):,} more characters)"))
        text = f"{text[:kept]}… ({len(text) - kept:,} more characters)"
    return text.encode("utf-8", "replace").decode()
