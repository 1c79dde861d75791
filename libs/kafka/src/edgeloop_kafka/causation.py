"""CloudEvents 1.0 in Kafka's binary mode, with what caused what, and W3C trace context."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from edgeloop_contracts import Cause, Event

Headers = Mapping[str, bytes]
ID_BYTES = 512  # the longest id that is taken from outside
_TRACEPARENT = re.compile(rb"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


def derived_id(*parts: str | bytes) -> str:
    """Id that depends on nothing but its inputs: SHA-256 over their lengths and bytes, 32 hex digits."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:32]


def trace_of(headers: Headers, correlation: str) -> str:
    """Trace id, 32 hex digits: the one that came with the record, else one derived from the correlation."""
    given = headers.get("traceparent", b"")
    return given[3:35].decode() if _TRACEPARENT.match(given) else derived_id("trace", correlation)


def event_headers(event: Event, *, source: str, key: str, body: bytes, cause: Cause | None, trace: str, time_ms: int) -> dict[str, bytes]:
    """Headers of an event that ``source`` sends.

    Parameters
    ----------
    event, key, body
        Parts of the sent event. Its id is derived from them, the source and the cause, so a repeat has the same id.
    cause
        What led to it; ``None`` for a first event, which is then its own correlation.
    trace
        Trace id, 32 hex digits; empty makes one from the correlation.
    time_ms
        Time of the event, milliseconds.
    """
    cause_id = cause.id if cause else ""
    event_id = derived_id(source, event.FULLNAME, key, body, cause_id)
    correlation = cause.correlation if cause and cause.correlation else event_id
    trace = trace or derived_id("trace", correlation)
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": f"/edgeloop/{source}",
        "ce_type": event.FULLNAME,
        "ce_time": datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "ce_correlationid": correlation,
        "content-type": "application/avro",
        "traceparent": f"00-{trace}-{event_id[:16]}-01",
    }
    if cause:
        headers |= {"ce_causationid": cause.id, "ce_causationat": cause.at}
    return {name: value.encode() for name, value in headers.items()}


def identify(headers: Headers, place: str) -> tuple[str, str]:
    """Id and correlation of a received record; derived from its place if its producer gave no usable ones."""
    event_id = _text(headers, "ce_id") or derived_id("received", place)
    return event_id, _text(headers, "ce_correlationid") or event_id


def _text(headers: Headers, name: str) -> str:
    given = headers.get(name, b"")
    if len(given) > ID_BYTES:
        return ""
    try:
        return given.decode()
    except UnicodeDecodeError:  # a binary id, such as the bytes of a UUID: two that differ must stay two
        return given.hex()
