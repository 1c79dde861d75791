"""A fit that is due, as an event."""

from __future__ import annotations

from collections.abc import Iterable

from edgeloop_contracts import Manifest, Reference, TrainingRequest
from edgeloop_contracts.topics import EXAMPLES

from edgeloop_retraining.core.campaign import Fit
from edgeloop_retraining.core.windows import ranges


def request(tenant: str, stream: str, fit: Fit, references: Iterable[Reference], cluster: str) -> TrainingRequest:
    """The request for ``fit``; the same fit gives the same request.

    Raises
    ------
    MissingRowsError
        The references do not hold all of its rows.
    """
    return TrainingRequest(
        tenant=tenant,
        stream=stream,
        request_id=f"{fit.campaign}/{fit.stage}",
        campaign=fit.campaign,
        stage=fit.stage,
        seed=fit.seed,
        manifest=Manifest(cluster_id=cluster, topic=EXAMPLES.name, ranges=ranges(references, fit.start, fit.end), rows=fit.end - fit.start),
        row=fit.end,
        gate=fit.gate,
        gate_until=fit.gate_until,
        cause=fit.cause,
    )
