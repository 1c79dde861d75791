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
    rows = ranges(references, fit.start, fit.end)
    return named(tenant, stream, fit, Manifest(cluster_id=cluster, topic=EXAMPLES.name, ranges=rows, rows=fit.end - fit.start))


def named(tenant: str, stream: str, fit: Fit, manifest: Manifest) -> TrainingRequest:
    """The request for ``fit`` on the rows of a manifest."""
    asked = fit.asked
    return TrainingRequest(
        tenant=tenant,
        stream=stream,
        request_id=f"{asked.campaign}/{asked.stage}",
        campaign=asked.campaign,
        stage=asked.stage,
        occasion=asked.occasion,
        opened=asked.opened,
        seed=fit.seed,
        manifest=manifest,
        row=fit.end,
        gate=fit.gate,
        gate_until=fit.gate_until,
        cause=asked.cause,
    )
