"""Training requests whose names no run or candidate can carry."""

from __future__ import annotations

from edgeloop_contracts import TrainingRequest
from edgeloop_contracts.plausibility import LONGEST_ID, LONGEST_NAME, is_id, is_name
from edgeloop_contracts.texts import cut

SHOWN = 80
NAME = f"expected 1 to {LONGEST_NAME} printable characters without '/'"
ID = f"expected 1 to {LONGEST_ID} printable characters"


def invalid_name(request: TrainingRequest) -> str:
    """The first name of a request that is out of bounds, with its bounds; empty if there is none.

    >>> invalid_name(TrainingRequest(tenant="default", stream="pumps", request_id="c/0", campaign="c"))
    ''
    >>> invalid_name(TrainingRequest(tenant="default", stream="pumps", request_id="c/0"))
    "campaign: expected 1 to 300 printable characters, given ''"
    >>> invalid_name(TrainingRequest(tenant="default", stream="a/b"))
    "stream: expected 1 to 200 printable characters without '/', given 'a/b'"
    """
    names = (("tenant", is_name, NAME), ("stream", is_name, NAME), ("request_id", is_id, ID), ("campaign", is_id, ID))
    for field, valid, expected in names:
        text = getattr(request, field)
        if not valid(text):
            return f"{field}: {expected}, given {cut(text, SHOWN)!r}"
    return ""
