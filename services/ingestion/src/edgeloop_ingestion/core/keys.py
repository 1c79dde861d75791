"""Message keys that contradict the device in the record."""

from __future__ import annotations

from edgeloop_contracts.plausibility import is_name

_ENCODED = frozenset("\"'{}[]<>=&\ufffd")


def names_another(key: bytes, own: str) -> bool:
    r"""Whether a message key is plain text of the form ``tenant/stream/device`` other than ``own``.

    Keys decide nothing, and many producers encode them in their own way. Only a plain text contradicts the record.

    >>> [names_another(key, "acme/pumps/p1") for key in (b"acme/pumps/p1", b"acme/pumps/p10", b"other/pumps/p1")]
    [False, True, True]
    >>> [names_another(key, "acme/pumps/p1") for key in (b"", b"p1", b'"acme/pumps/p1"', b"\0\0\0\0\7\x1aacme/pumps/p1", b"a/b/c/d")]
    [False, False, False, False, False]
    """
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return False
    parts = text.split("/")
    if len(parts) != 3 or not all(map(is_name, parts)):
        return False
    # Avro puts the length before a text; for 16 to 63 bytes it is a printable character.
    return own not in (text, text[1:]) and _ENCODED.isdisjoint(text)
