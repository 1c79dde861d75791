"""Checks of names, labels and keys that commands and requests bring."""

from __future__ import annotations

from collections.abc import Mapping

from edgeloop_contracts.plausibility import LONGEST_NAME, is_name
from edgeloop_contracts.texts import cut
from edgeloop_signing.enrolment import KEY_BYTES, usable_key

from edgeloop_fleet.core.refusals import NotCarriedOutError, Reason

MOST_LABELS = 64
LONGEST_VALUE = 1_000


def check_name(field: str, name: str, *, empty: bool = False) -> None:
    """Refuse what cannot name a tenant, a device or a group.

    Raises
    ------
    NotCarriedOutError
        ``IMPOSSIBLE``.
    """
    if not (empty and not name) and not is_name(name):
        raise NotCarriedOutError(
            Reason.IMPOSSIBLE, f"{field}: expected 1 to {LONGEST_NAME} printable characters without '/', given {cut(name, LONGEST_NAME)!r}"
        )


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuse labels that are too many, or whose names or values are none.

    Raises
    ------
    NotCarriedOutError
        ``IMPOSSIBLE``.
    """
    if len(labels) > MOST_LABELS:
        raise NotCarriedOutError(Reason.IMPOSSIBLE, f"labels: expected at most {MOST_LABELS}, given {len(labels)}")
    for name, value in labels.items():
        check_name("name of a label", name)
        if "=" in name:
            raise NotCarriedOutError(Reason.IMPOSSIBLE, f"name of a label: expected no '=', given {name!r}")
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise NotCarriedOutError(
                Reason.IMPOSSIBLE,
                f"label {name}: expected at most {LONGEST_VALUE} printable characters, given {cut(value, LONGEST_NAME)!r}",
            )


def check_key(public_key: bytes) -> None:
    """Refuse what is no Ed25519 public key, or one under which anybody can sign.

    Raises
    ------
    NotCarriedOutError
        ``BAD_KEY``.
    """
    if len(public_key) != KEY_BYTES:
        raise NotCarriedOutError(Reason.BAD_KEY, f"public_key: expected {KEY_BYTES} bytes, given {len(public_key)}")
    if not usable_key(public_key):
        raise NotCarriedOutError(Reason.BAD_KEY, "public_key: expected a point of large order, given one under which anybody can sign")


def merged(labels: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    """Labels after a change; an empty value removes one.

    >>> merged({"site": "a", "hw": "pi"}, {"site": "b", "hw": ""})
    {'site': 'b'}
    """
    return {name: value for name, value in sorted({**labels, **changes}.items()) if value}
