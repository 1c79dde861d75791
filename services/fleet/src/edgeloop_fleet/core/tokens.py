"""Tokens: who may enrol with one, how often, and until when."""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import EnrolmentRequest, FleetToken, IssueToken
from edgeloop_contracts.topic import DAY
from edgeloop_signing.enrolment import proof_holds
from edgeloop_signing.keys import public_key_id

from edgeloop_fleet.core.names import check_key, check_labels, check_name
from edgeloop_fleet.core.refusals import NotCarriedOutError, Reason

MOST_USES = 100_000
LONGEST_MS = 366 * DAY
KEPT_MS = 30 * DAY
"""Time for which an ended token is remembered, so that a refusal can say why."""


def issued(command: IssueToken, known: FleetToken | None, now: int) -> FleetToken:
    """The token of a command.

    Raises
    ------
    NotCarriedOutError
        Its key, uses or end are out of range, or it was issued already.
    """
    check_key(command.public_key)
    check_name("device_group", command.device_group, empty=True)
    check_labels(command.labels)
    if command.token_id != public_key_id(command.public_key):
        raise NotCarriedOutError(Reason.BAD_KEY, f"token_id: expected {public_key_id(command.public_key)}, given {command.token_id!r}")
    if known is not None:
        raise NotCarriedOutError(Reason.IMPOSSIBLE, f"token {command.token_id} was issued already: make a new one")
    if not 1 <= command.uses <= MOST_USES:
        raise NotCarriedOutError(Reason.IMPOSSIBLE, f"uses: expected 1 to {MOST_USES}, given {command.uses}")
    if not now < command.expires <= now + LONGEST_MS:
        raise NotCarriedOutError(
            Reason.IMPOSSIBLE, f"expires: expected a time within {LONGEST_MS // DAY} days of {now} (milliseconds), given {command.expires}"
        )
    return FleetToken(
        tenant=command.tenant,
        token_id=command.token_id,
        public_key=command.public_key,
        uses=command.uses,
        expires=command.expires,
        device_group=command.device_group,
        labels=command.labels,
    )


def proven(request: EnrolmentRequest, token: FleetToken | None) -> FleetToken:
    """The token of a request, once the request shows that its sender holds it.

    Raises
    ------
    NotCarriedOutError
        The token is not known, or the proof is not its signature.
    """
    if token is None:
        raise NotCarriedOutError(Reason.UNKNOWN_TOKEN, f"token {request.token_id[:64]!r} was not issued by {request.tenant}")
    if not proof_holds(token.public_key, request.tenant, request.device_id, request.public_key, request.proof):
        raise NotCarriedOutError(Reason.BAD_PROOF, f"proof: expected the signature of token {token.token_id} over this device and key")
    return token


def spent(token: FleetToken, now: int) -> FleetToken:
    """The token after one more device has enrolled with it.

    Raises
    ------
    NotCarriedOutError
        It has ended, or was used as often as it may be.
    """
    if now >= token.expires:
        raise NotCarriedOutError(Reason.EXPIRED_TOKEN, f"token {token.token_id} ended at {token.expires}, it is {now} (milliseconds)")
    if token.uses < 1:
        raise NotCarriedOutError(Reason.USED_TOKEN, f"token {token.token_id} was used as often as it may be")
    return replace(token, uses=token.uses - 1)


def forgettable(token: FleetToken, now: int) -> bool:
    """Whether an ended token need not be remembered any more."""
    return now > token.expires + KEPT_MS
