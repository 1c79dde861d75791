"""Refusals of commands and requests, each with a typed reason."""

from __future__ import annotations

from enum import StrEnum

from edgeloop_contracts.texts import cut
from edgeloop_errors import InvalidError


class Reason(StrEnum):
    """Reason of a refusal, as ``EnrolmentRefused`` carries it."""

    EXPIRED_TOKEN = "EXPIRED_TOKEN"  # noqa: S105 - names a reason
    USED_TOKEN = "USED_TOKEN"  # noqa: S105
    UNKNOWN_TOKEN = "UNKNOWN_TOKEN"  # noqa: S105
    BAD_PROOF = "BAD_PROOF"
    BAD_KEY = "BAD_KEY"
    KEY_IN_USE = "KEY_IN_USE"
    ENROLLED_ALREADY = "ENROLLED_ALREADY"
    NOT_ENROLLED = "NOT_ENROLLED"
    REVOKED = "REVOKED"
    RETIRED = "RETIRED"
    UNKNOWN_DEVICE = "UNKNOWN_DEVICE"
    IMPOSSIBLE = "IMPOSSIBLE"
    UNKNOWN_SCHEMA_VERSION = "UNKNOWN_SCHEMA_VERSION"


class NotCarriedOutError(InvalidError):
    """A command or a request that is not carried out; the old state stays in force.

    Parameters
    ----------
    reason
        Typed reason.
    message
        Cause, expected and given values, for people.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = cut(message, 1_000)
