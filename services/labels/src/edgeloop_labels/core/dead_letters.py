"""The dead letter of a label that waited in vain."""

from __future__ import annotations

from edgeloop_contracts import DeadLetter, DeviceKey, WaitingLabel, topics

from edgeloop_labels.spec import SPEC


def no_observation(label: WaitingLabel, partition: int, patience_ms: int, *, expired: bool) -> DeadLetter:
    """The label's original record as a dead letter.

    Parameters
    ----------
    label, partition
        What waited, and in which partition of ``labels`` it lies.
    patience_ms
        How long it was allowed to wait.
    expired
        Whether later rows of its device are there, so that its own is not just late.
    """
    named = f"row {label.seq}" if label.seq >= 0 else f"request {label.request_id!r}"
    device = DeviceKey.of(label)
    later = "; later rows of the device are there, so it was refused or has expired" if expired else ""
    return DeadLetter(
        service=SPEC.name,
        topic=topics.LABELS.name,
        partition=partition,
        offset=label.offset,
        timestamp=label.timestamp,
        key=label.key.encode(),
        value=label.value,
        headers=label.headers,
        reason="NO_OBSERVATION",
        message=(
            f"{named} of {device}, epoch {label.boot_epoch}: expected its observation within {patience_ms // 1000} s, given none{later}"
        ),
    )
