"""Which requests can be answered at all."""

from __future__ import annotations

from edgeloop_contracts import TrainingRequest
from edgeloop_contracts.plausibility import LONGEST_ID, is_id, is_name
from edgeloop_contracts.texts import cut

SHOWN = 80


def misnamed(request: TrainingRequest) -> str:
    """Why the answers to a request cannot carry its names; empty if they can.

    >>> misnamed(TrainingRequest(stream="pumps", request_id="c/0", campaign="c"))
    ''
    >>> misnamed(TrainingRequest(stream="pumps", request_id="c/0"))
    "campaign: expected 1 to 300 printable characters, given ''"
    """
    for field, fits in (("tenant", is_name), ("stream", is_name), ("request_id", is_id), ("campaign", is_id)):
        text = getattr(request, field)
        if not fits(text):
            return f"{field}: expected 1 to {LONGEST_ID} printable characters, given {cut(text, SHOWN)!r}"
    return ""
