"""The dead letter of a label without an observation."""

from __future__ import annotations

from edgeloop_contracts import DeadLetter, DeviceKey, WaitingLabel, topics

from edgeloop_labels.spec import SPEC


def no_observation(label: WaitingLabel, partition: int, patience_ms: int, *, expired: bool) -> DeadLetter:
    """The label's original record as a dead letter.

    Parameters
    ----------
    label, partition
        The label, and its partition of ``labels``.
    patience_ms
        Longest time that a label waits, milliseconds.
    expired
        True if later rows of its device exist, so that its own row is not just late.
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
        value_size=len(label.value),
        headers=label.headers,
        reason="NO_OBSERVATION",
        message=(
            f"{named} of {device}, epoch {label.boot_epoch}: expected its observation within {patience_ms // 1000} s, given none{later}"
        ),
    )
