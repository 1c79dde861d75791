"""Plausibility of reports and assignments; readers ignore those that cannot be true."""

from __future__ import annotations

import string
from collections.abc import Mapping

from edgeloop_contracts.events import Assignment, DeviceReport, DriftPartial, Heartbeat, ObservationBatch
from edgeloop_contracts.rows import PerRow
from edgeloop_contracts.texts import MOST, cut

MOST_EPOCHS = 1_000_000
"""Outboxes of one device: a new one every hour for a century."""
LONGEST_NAME = 200
LONGEST_ID = 300
LONGEST_COMMAND_ID = 250
"""The ids of requests are made of it."""
MOST_INSTANCE = 64
LONGEST_HOST = 253
"""Of a name in the DNS."""
MOST_SERVED = 1_000
"""Streams of one device."""
LARGEST_NUMBER = 2**53
"""Of whatever counts rows: an adapter, an index, an offset."""
MOST_ROWS = 1 << 20
"""Of one partial: its record holds a byte for each."""
_HEX = frozenset(string.digits + "abcdef")
_SHA256 = 64


def is_name(text: str) -> bool:
    """Whether a text can name a tenant, a stream or a device. A slash separates the names in a key.

    >>> is_name("pump-7"), is_name(""), is_name("a/b"), is_name("x" * 201)
    (True, False, False, False)
    """
    return 0 < len(text) <= LONGEST_NAME and "/" not in text and text.isprintable()


def is_id(text: str, most: int = LONGEST_ID) -> bool:
    """Whether a text can be the id of a command or of a request.

    >>> is_id("cli-1/0"), is_id(""), is_id("x" * 301)
    (True, False, False)
    """
    return 0 < len(text) <= most and text.isprintable()


def impossible_report(report: DeviceReport) -> str:
    """Fault of a report that no device can have sent; empty if there is none.

    Examples
    --------
    >>> impossible_report(DeviceReport(tenant="default", stream="pumps", device_id="p1", boot_epoch=2**63 - 1))
    'boot_epoch: expected 0 to 1000000, given 9223372036854775807'
    >>> impossible_report(DeviceReport(tenant="default", stream="pumps", device_id="p1", boot_epoch=3, version=2))
    ''
    """
    for field in ("tenant", "stream", "device_id"):
        if not is_name(name := getattr(report, field)):
            return f"{field}: expected 1 to {LONGEST_NAME} printable characters without '/', given {cut(name, LONGEST_NAME)!r}"
    bounds = {
        "boot_epoch": (0, MOST_EPOCHS),
        "version": (1, 2**31 - 1),
        "refused_version": (1, 2**31 - 1),
        "adapter": (1, LARGEST_NUMBER),
        "refused_adapter": (1, LARGEST_NUMBER),
    }
    if why := _beyond(report, bounds):
        return why
    for field, most in (("reason", LONGEST_NAME), ("message", MOST), ("digest", LONGEST_NAME)):
        if (length := len(getattr(report, field) or "")) > most:
            return f"{field}: expected at most {most} characters, given {length}"
    return ""


def impossible_heartbeat(beat: Heartbeat) -> str:
    """Fault of a heartbeat that no device can have sent; empty if there is none.

    The time of the device's clock may be anything: nothing is decided by it.

    Examples
    --------
    >>> from edgeloop_contracts.events import Vitals
    >>> impossible_heartbeat(Heartbeat(tenant="default", device_id="p1", vitals=Vitals(instance="a1", seq=-1)))
    'vitals.seq: expected 0 to 9007199254740992, given -1'
    >>> impossible_heartbeat(Heartbeat(tenant="default", device_id="p1", vitals=Vitals(instance="a1", sent_at=2**62)))
    ''
    """
    for field in ("tenant", "device_id"):
        if not is_name(name := getattr(beat, field)):
            return f"{field}: expected 1 to {LONGEST_NAME} printable characters without '/', given {cut(name, LONGEST_NAME)!r}"
    vitals = beat.vitals
    if not is_id(vitals.instance, MOST_INSTANCE):
        return f"vitals.instance: expected 1 to {MOST_INSTANCE} printable characters, given {cut(vitals.instance, LONGEST_NAME)!r}"
    for field, most in (("host", LONGEST_HOST), ("config_refused", MOST)):
        if (length := len(getattr(vitals, field))) > most:
            return f"vitals.{field}: expected at most {most} characters, given {length}"
    if len(vitals.streams) > MOST_SERVED:
        return f"vitals.streams: expected at most {MOST_SERVED}, given {len(vitals.streams)}"
    for served in vitals.streams:
        if not is_name(served.stream):
            return f"vitals.streams: expected names of streams, given {cut(served.stream, LONGEST_NAME)!r}"
    why = _beyond(vitals, {"seq": (0, LARGEST_NUMBER), "boot_epoch": (0, MOST_EPOCHS), "config_version": (0, LARGEST_NUMBER)})
    return f"vitals.{why}" if why else ""


def impossible_place(assignment: Assignment) -> str:
    """Fault of an assignment whose file cannot exist; empty if there is none.

    Examples
    --------
    >>> from edgeloop_contracts.events import ModelFile
    >>> impossible_place(Assignment(tenant="default", stream="", device_id="", version=1, file=ModelFile(digest="ab" * 32, size=9, chunks=1, offset=-2)))
    'file.offset: expected 0 or more, given -2'
    """
    if assignment.version < 1:
        return f"version: expected 1 or more, given {assignment.version}"
    if not 0 <= assignment.serial <= LARGEST_NUMBER:
        return f"serial: expected 0 to {LARGEST_NUMBER}, given {assignment.serial}"
    file = assignment.file
    if len(file.digest) != _SHA256 or not _HEX.issuperset(file.digest):
        return f"file.digest: expected {_SHA256} small hexadecimal digits, given {cut(file.digest, LONGEST_NAME)!r}"
    if file.size < 1:
        return f"file.size: expected 1 byte or more, given {file.size}"
    if not 1 <= file.chunks <= file.size:
        return f"file.chunks: expected 1 to {file.size}, as many as bytes at most, given {file.chunks}"
    for field in ("partition", "offset"):
        if (value := getattr(file, field)) < 0:
            return f"file.{field}: expected 0 or more, given {value}"
    return ""


def impossible_partial(partial: DriftPartial) -> str:
    """Fault of a partial that no batch can give; empty if there is none.

    All services that count rows call this, so that they count the same rows.

    Examples
    --------
    >>> impossible_partial(DriftPartial(tenant="default", stream="", device_id="", offset=3, first_index=100, count=2))
    ''
    >>> impossible_partial(DriftPartial(tenant="default", stream="", device_id="", first_index=2**63 - 1, count=2))
    'first_index: expected 0 to 9007199254740992, given 9223372036854775807'
    """
    bounds = {
        "count": (1, MOST_ROWS),
        "left": (0, MOST_ROWS),
        "partition": (0, 2**31 - 1),
        "offset": (0, LARGEST_NUMBER),
        "first_index": (0, LARGEST_NUMBER),
        "model_version": (0, 2**31 - 1),
    }
    return _beyond(partial, bounds)


def ragged(batch: ObservationBatch) -> str:
    """Fault of a batch with a field of neither no item nor one item per row; empty if there is none.

    Examples
    --------
    >>> ragged(ObservationBatch(tenant="default", stream="", device_id="", boot_epoch=0, first_seq=-1, count=2, answers=("low", "high"), request_ids=("a",)))
    'request_ids: expected none or 2, given 1'
    """
    for field, kind in batch.ROW_FIELDS.items():
        if kind is PerRow.OPTIONAL and (given := len(getattr(batch, field))) not in (0, batch.count):
            return f"{field}: expected none or {batch.count}, given {given}"
    return ""


def _beyond(event: object, bounds: Mapping[str, tuple[int, int]]) -> str:
    """Fault of the first field outside its bounds, or ``""``; null is within them."""
    for field, (least, most) in bounds.items():
        if (value := getattr(event, field)) is not None and not least <= value <= most:
            return f"{field}: expected {least} to {most}, given {value}"
    return ""


def is_repeat(report: DeviceReport, newest: tuple[int, int]) -> bool:
    """Whether a device's report is a repeat of one that was handled: a copy, or a second delivery.

    Reports of an older release have no number, and are never repeats.

    Parameters
    ----------
    newest
        Boot epoch and number of the device's newest report so far; zeros for none.

    Examples
    --------
    >>> report = DeviceReport(tenant="t", stream="s", device_id="d", boot_epoch=2, number=7)
    >>> [is_repeat(report, newest) for newest in ((0, 0), (1, 9), (2, 6), (2, 7), (3, 1))]
    [False, False, False, True, True]
    """
    return report.number > 0 and (report.boot_epoch, report.number) <= newest
