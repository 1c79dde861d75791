"""Training requests: due fits as events."""

from __future__ import annotations

from collections.abc import Iterable

from edgeloop_contracts import Manifest, Reference, TrainingRequest
from edgeloop_contracts.topics import EXAMPLES

from edgeloop_retraining.core.campaign import Fit
from edgeloop_retraining.core.windows import ranges


def request(tenant: str, stream: str, fit: Fit, references: Iterable[Reference], cluster: str) -> TrainingRequest:
    """The training request of ``fit``; equal fits give equal requests.

    Raises
    ------
    MissingRowsError
        The references do not hold all of its rows.
    """
    rows = ranges(references, fit.start, fit.end)
    return request_on(tenant, stream, fit, Manifest(cluster_id=cluster, topic=EXAMPLES.name, ranges=rows, rows=fit.end - fit.start))


def request_on(tenant: str, stream: str, fit: Fit, manifest: Manifest) -> TrainingRequest:
    """The training request of ``fit`` on the rows of a manifest."""
    reason = fit.reason
    return TrainingRequest(
        tenant=tenant,
        stream=stream,
        request_id=f"{reason.campaign}/{reason.stage}",
        campaign=reason.campaign,
        stage=reason.stage,
        occasion=reason.occasion,
        opened=reason.opened,
        seed=fit.seed,
        manifest=manifest,
        row=fit.end,
        gate=fit.gate,
        gate_until=fit.gate_until,
        cause=reason.cause,
    )
