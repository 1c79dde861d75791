"""Errors of a replay. Each message names place, expected and given value."""

from __future__ import annotations

from edgeloop_errors import InvalidError


class ReplayError(InvalidError):
    """The rows or the policy cannot be replayed."""


class BadTableError(ReplayError):
    """The table cannot be played; the message names row and column. Rows count from 1, without the header."""


class BadPolicyError(ReplayError):
    """The policy cannot be used; the message names the field, the expected and the given value."""


class NoFirstModelError(ReplayError):
    """Training on the warm-up rows failed; the message has the reason."""
