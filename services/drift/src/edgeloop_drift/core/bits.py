"""Level one of error detection: error bits of labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from edgeloop_contracts import DriftPartial, ExampleBatch, PartialKind
from edgeloop_contracts.outcomes import right

RIGHT, WRONG, UNANSWERED = 0, 1, 2


def problem(batch: ExampleBatch) -> str:
    """Reason why a batch cannot be compared, or ``""``."""
    sizes = {len(batch.seqs), len(batch.labels), len(batch.answers), len(batch.model_versions), len(batch.answers_alone or batch.seqs)}
    if len(sizes) > 1 or not batch.seqs:
        return (
            f"{len(batch.seqs)} rows have {len(batch.labels)} labels, {len(batch.answers)} answers, {len(batch.model_versions)} versions"
            f" and {len(batch.answers_alone)} answers of the version alone"
        )
    return ""


def partials(batch: ExampleBatch, partition: int, offset: int, tolerance: float = 0.0) -> list[DriftPartial]:
    """The error bytes of a batch, one partial for each run of rows that one version answered.

    Parameters
    ----------
    batch
        A batch in which :func:`problem` finds nothing.
    partition, offset
        Its place in ``examples``.
    tolerance
        Of the stream's definition, where labels are numbers; 0 for classes.
    """
    if batch.corrects:
        return []
    done: list[DriftPartial] = []
    alone = tuple(one or answer for one, answer in zip(batch.answers_alone, batch.answers, strict=True)) if batch.answers_alone else ()
    at = 0
    for version, run in groupby(batch.model_versions):
        end = at + len(list(run))
        labels, answered = batch.labels[at:end], version > 0
        errors = _errors(labels, batch.answers[at:end], tolerance) if answered else bytes([UNANSWERED] * len(labels))
        errors_alone = _errors(labels, alone[at:end], tolerance) if alone and answered else errors
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
                errors_alone=errors_alone if errors_alone != errors else b"",
                left=len(batch.seqs) - end,
            )
        )
        at = end
    return done


def _errors(labels: Sequence[str], answers: Sequence[str], tolerance: float) -> bytes:
    return bytes(int(not right(answer, label, tolerance)) for label, answer in zip(labels, answers, strict=True))
