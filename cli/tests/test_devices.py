"""The table of devices."""

from __future__ import annotations

from edgeloop_cli.core.devices import devices
from edgeloop_cli.devices import as_object
from edgeloop_cli.models import _counted
from edgeloop_contracts import Assignment, DeviceReport, DeviceStatus, ModelVersion
from edgeloop_replay.timed_event import Timed

NOW = 1_000_000
MINUTE = 60_000


def reported(at: int, **fields: object) -> Timed:
    return Timed(DeviceReport(**{"tenant": "default", "stream": "", "device_id": ""} | fields), at, "id", "fleet.reported/0/0")  # type: ignore[arg-type]


def states(**given: tuple[int, Timed | None, int]) -> dict[str, tuple[str, ...]]:
    """By device: version assigned, report and newest row."""
    assigned = {
        f"t/s/{name}": Assignment(tenant="default", stream="", device_id="", version=version)
        for name, (version, _, _) in given.items()
        if version
    }
    reports = {f"t/s/{name}": report for name, (_, report, _) in given.items() if report}
    rows = {f"t/s/{name}": row for name, (_, _, row) in given.items() if row}
    return {device.key[4:]: device.states for device in devices(assigned, reports, rows, NOW, MINUTE)}


def test_a_device_that_runs_what_it_was_told_and_is_heard_is_well() -> None:
    assert states(a=(3, reported(NOW - 1, version=3), 0), b=(3, reported(1, version=3), NOW - MINUTE)) == {"a": (), "b": ()}


def test_who_was_told_something_and_never_reported_is_known() -> None:
    assert states(a=(3, None, 0)) == {"a": ("has never reported",)}


def test_who_was_not_heard_for_long_is_silent() -> None:
    assert states(a=(3, reported(NOW - MINUTE - 1, version=3), 0)) == {"a": ("silent",)}


def test_who_runs_something_else_than_it_was_told_is_told() -> None:
    refused = reported(NOW, version=2, status=DeviceStatus.REFUSED, refused_version=3, reason="LOAD")
    found = states(a=(3, reported(NOW, version=2), 0), b=(3, refused, 0), c=(0, reported(NOW, version=2), 0))
    assert found == {"a": ("was told to run version 3",), "b": ("refused version 3: LOAD",), "c": ()}


def test_programs_get_all_of_it() -> None:
    (device,) = devices({}, {"t/s/d": reported(NOW, version=2, adapter=70)}, {}, NOW + 2 * MINUTE, MINUTE)
    told = as_object(device)
    assert (told["tenant"], told["stream"], told["device"], told["version"], told["adapter"]) == ("t", "s", "d", 2, 70)
    assert told["silent"] is True


def test_versions_tell_how_many_of_their_devices_are_silent() -> None:
    version = ModelVersion(tenant="t", stream="s", version=2)
    assert _counted(version, ["a", "b"], {"t/s/a", "t/other/b"}) == "2 (1 silent)"
    assert _counted(version, ["a", "b"], set()) == "2"
