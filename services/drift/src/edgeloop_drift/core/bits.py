"""Level one of error detection: which labelled rows were answered wrongly."""

from __future__ import annotations

from itertools import groupby

from edgeloop_contracts import DriftPartial, ExampleBatch, PartialKind
from edgeloop_contracts.outcomes import right

RIGHT, WRONG, UNANSWERED = 0, 1, 2


def problem(batch: ExampleBatch) -> str:
    """Why a batch cannot be compared, or ``""``."""
    sizes = {len(batch.seqs), len(batch.labels), len(batch.answers), len(batch.model_versions)}
    if len(sizes) > 1 or not batch.seqs:
        return (
            f"{len(batch.seqs)} rows have {len(batch.labels)} labels, {len(batch.answers)} answers and {len(batch.model_versions)} versions"
        )
    return ""


def partials(batch: ExampleBatch, partition: int, offset: int, tolerance: float = 0.0) -> list[DriftPartial]:
    """The error bytes of a batch, one partial for each run of rows that one version answered.

    Parameters
    ----------
    batch
        A batch in which :func:`problem` finds nothing.
    partition, offset
        Where it lies in ``examples``.
    tolerance
        Of the stream's definition, where labels are numbers; 0 for classes.
    """
    if batch.corrects:
        return []
    done: list[DriftPartial] = []
    at = 0
    for version, run in groupby(batch.model_versions):
        end = at + len(list(run))
        pairs = zip(batch.labels[at:end], batch.answers[at:end], strict=True)
        errors = bytes(UNANSWERED if version == 0 else int(not right(answer, label, tolerance)) for label, answer in pairs)
        done.append(
            DriftPartial(
                tenant=batch.tenant,
                stream=batch.stream,
                device_id=batch.device_id,
                model_version=version,
                kind=PartialKind.ERRORS,
                partition=partition,
                offset=offset,
                first_index=batch.first_index + at,
                count=end - at,
                errors=errors,
                left=len(batch.seqs) - end,
            )
        )
        at = end
    return done
