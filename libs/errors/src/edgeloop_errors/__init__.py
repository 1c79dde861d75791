"""The error tree: a type says whether work may be repeated, is refused, or ends.

Each exception of edgeloop derives from exactly one of three types, and whoever catches it decides by that type alone:

====================== ===================================== ==========================================
type                   meaning                               a service's loop
====================== ===================================== ==========================================
:class:`RetryableError` the same attempt may succeed later    pauses the partition and tries again
:class:`InvalidError`  the input can never be accepted       writes a dead letter and goes on
:class:`FatalError`    the process cannot go on              ends; nothing uncommitted takes effect
====================== ===================================== ==========================================

Errors of libraries (a socket, a disk, a Kafka client) are not part of the tree. They end a process like :class:`FatalError`, unless
the code that calls the library turns them into one of the three.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_UNUSABLE = 2
"""Exit code of a process whose settings or data prevent a start: another attempt is useless."""
EXIT_HUNG = 75
"""Exit code of a process that its own watchdog ended."""


class EdgeloopError(Exception):
    """Root of the tree. Raise one of the three types below it."""


class RetryableError(EdgeloopError):
    """The same attempt may succeed later. Nothing has changed."""


class InvalidError(EdgeloopError):
    """The input can never be accepted: a record, a file, a request or a setting."""


class InvalidEventError(InvalidError):
    """A record that can never be handled. It becomes a dead letter, and the stream goes on.

    A handler raises it before it changes any state.

    Parameters
    ----------
    reason
        Typed reason in capitals, such as ``"UNKNOWN_STREAM"``.
    message
        What, where, expected and given.

    Examples
    --------
    >>> str(InvalidEventError("UNKNOWN_STREAM", "expected pumps, given motors"))
    'UNKNOWN_STREAM: expected pumps, given motors'
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class FatalError(EdgeloopError):
    """The process cannot go on; whoever started it may start it again.

    Attributes
    ----------
    exit_code
        Exit code of the process: 1 by default.
    """

    exit_code: ClassVar[int] = 1


__all__ = ["EXIT_HUNG", "EXIT_UNUSABLE", "EdgeloopError", "FatalError", "InvalidError", "InvalidEventError", "RetryableError"]
