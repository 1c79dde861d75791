from edgeloop_contracts import (
    AlertKind,
    CandidateRefused,
    Device,
    DeviceDoubted,
    DeviceHealth,
    DeviceReport,
    DeviceStatus,
    DriftPartial,
    DriftSignal,
    Enrolment,
    Health,
    ModelVersion,
    ObservationBatch,
    PartialKind,
    RefusalReason,
    RunStatus,
    SignalKind,
    TrainingRun,
)
from edgeloop_monitoring.core.ages import Ages
from edgeloop_monitoring.core.clock import Clock
from edgeloop_monitoring.core.measures import measures
from edgeloop_monitoring.core.subjects import Groups, Subject
from edgeloop_monitoring.core.views import Spans, Views
from edgeloop_monitoring.core.windows import Windows
from hypothesis import given
from hypothesis import strategies as st

SPANS = Spans(bucket=1_000, window=10_000, silence=5_000, forgetting=60_000, look_back=30_000)
T = 1_000_000


class Feed:
    """Hands events to views, with an offset each."""

    def __init__(self, groups=()) -> None:
        self.views = Views(Groups(groups), SPANS)
        self.offset = 0

    def __call__(self, event, at=T) -> bool:
        self.offset += 1
        return self.views.fold("t", 0, self.offset, at, event)

    def measured(self, now=T + 1_000) -> dict:
        return {(m.kind, m.subject): m for m in measures(self.views.summary(now))}


def rows(device="d1", count=10, version=1, **more) -> ObservationBatch:
    return ObservationBatch(
        tenant="default", stream="s", boot_epoch=1, first_seq=0, device_id=device, count=count, model_version=version, **more
    )


def judged(errors: bytes, version: int = 1, device: str = "d1", **more) -> DriftPartial:
    return DriftPartial(tenant="default", stream="s", device_id=device, count=len(errors), errors=errors, model_version=version, **more)


def test_a_strangers_candidate_is_a_measure_of_its_own_and_a_stale_one_is_none() -> None:
    feed = Feed()
    feed(CandidateRefused(tenant="default", stream="s", reason=RefusalReason.STALE))
    feed(CandidateRefused(tenant="default", stream="s", reason=RefusalReason.REPLAYED))
    feed(CandidateRefused(tenant="", stream="", reason=RefusalReason.SIGNATURE))
    found = feed.measured()
    assert found[AlertKind.FORGED_CANDIDATE, Subject("default", "s")].value == 1
    assert found[AlertKind.FORGED_CANDIDATE, Subject("", "")].value == 1


def test_devices_in_whose_names_others_write_are_told_with_the_worst_first() -> None:
    feed = Feed()
    for device, records in (("d1", 1), ("d2", 3), ("d1", 1)):
        feed(DeviceDoubted(tenant="default", stream="s", device_id=device, reason="NUMBER_TAKEN", records=records))
    told = feed.measured()[AlertKind.DOUBTED_DEVICES, Subject("default", "s", "default")]
    assert (told.value, told.samples, told.devices) == (2, 5, ("d2", "d1"))


def test_a_report_of_what_cannot_be_is_told_until_the_device_is_heard_and_changes_nothing_else() -> None:
    feed = Feed()
    here = Subject("default", "s", "default")
    feed(ModelVersion(tenant="default", stream="s", version=2))
    for device in ("d1", "d2", "d3"):
        feed(DeviceReport(tenant="default", stream="s", device_id=device, boot_epoch=1, version=2, status=DeviceStatus.INSTALLED))
    feed(DeviceReport(tenant="default", stream="s", device_id="d1", boot_epoch=2**63 - 1, version=1))
    feed(DeviceReport(tenant="default", stream="s", device_id="d2", boot_epoch=1, version=3))
    feed(DeviceReport(tenant="default", stream="x" * 100_000, device_id="y" * 100_000))
    found = feed.measured()
    told = found[AlertKind.IMPOSSIBLE_REPORT, here]
    assert (told.value, told.samples, told.devices) == (2, 3, ("d2", "d1"))
    (name,) = found[AlertKind.IMPOSSIBLE_REPORT, Subject("", "", "default")].devices
    assert len(name) <= 60
    assert [version for _, device, version in feed.views.summary(T + 1_000).versions if device == "d1"] == [2]
    feed(DeviceReport(tenant="default", stream="s", device_id="d1", boot_epoch=1, version=2))
    feed(ModelVersion(tenant="default", stream="s", version=3))
    assert feed.measured()[AlertKind.IMPOSSIBLE_REPORT, here].value == 0


def test_rows_count_for_their_group_and_version() -> None:
    feed = Feed(["line-a"])
    feed(rows("line-a-1", 10, 1))
    feed(rows("line-a-2", 5, 1))
    feed(rows("oven", 7, 2))
    cells = feed.views.summary(T + 1_000).cells
    assert {subject: cell.rows for subject, cell in cells.items()} == {
        Subject("default", "s", "line-a", 1): 15,
        Subject("default", "s", "default", 2): 7,
    }


def test_a_record_that_comes_again_changes_nothing() -> None:
    feed = Feed()
    assert feed(rows())
    feed.offset -= 1
    assert not feed(rows())
    assert feed.views.summary(T + 1_000).cells[Subject("default", "s", "default", 1)].rows == 10


def test_what_leaves_the_window_no_longer_counts() -> None:
    feed = Feed()
    feed(rows(), T)
    assert feed.views.summary(T + 10_000).cells != {}
    assert feed.views.summary(T + 11_000).cells == {}


def test_errors_count_for_the_version_that_answered() -> None:
    feed = Feed()
    feed(judged(b"\0\0"))
    feed(judged(b"\1\1", version=2))
    found = feed.measured()
    assert found[AlertKind.ERROR_SHARE, Subject("default", "s", "default", 1)].value == 0
    assert found[AlertKind.ERROR_SHARE, Subject("default", "s", "default", 2)].value == 1


def test_rows_without_an_answer_are_no_errors() -> None:
    feed = Feed()
    feed(judged(b"\2\2", version=0))
    feed(judged(b"", kind=PartialKind.FEATURES))
    assert feed.measured() == {}


def test_a_device_whose_labels_and_answers_differ_much_oftener_than_those_of_others_stands_out() -> None:
    feed = Feed()
    for number in range(4):
        feed(judged(b"\0" * 150 if number else b"\0\1" * 75, device=f"d{number}"))
        feed(judged(b"\2" * 150, version=0, device=f"d{number}"))  # no model answered these
    found = feed.measured()[AlertKind.OUTLYING_DEVICES, Subject("default", "s", "default")]
    assert (found.value, found.samples, found.devices) == (1, 4, ("d0",))


def test_age_is_record_time_less_event_time() -> None:
    feed = Feed()
    feed(rows(event_times=(T - 2_000,) * 9 + (0,)))
    age = feed.measured()[AlertKind.EVENT_AGE, Subject("default", "s", "default")]
    assert age.samples == 9
    assert 1 < age.value < 3


def test_a_device_is_silent_while_others_are_heard() -> None:
    feed = Feed()
    feed(DeviceReport(tenant="default", stream="s", device_id="d1"))
    feed(rows("d1"), T)
    feed(rows("d2"), T + 4_999)
    key = (AlertKind.SILENT_DEVICES, Subject("default", "s", "default"))
    feed(judged(b"\0"), T + 50_000)  # others work on, but nobody observes
    assert feed.measured(T + 60_000)[key].value == 0  # nobody was heard since: that is no device's silence
    feed(rows("d2"), T + 5_000)
    found = feed.measured()[key]
    assert (found.value, found.samples, found.devices) == (1, 2, ("d1",))
    feed(rows("d1"), T + 6_000)
    assert feed.measured()[key].value == 0


def test_who_never_reported_is_not_waited_for() -> None:
    feed = Feed()
    feed(rows("a-program"), T)
    feed(rows("d2"), T + 9_000)
    assert feed.measured()[AlertKind.SILENT_DEVICES, Subject("default", "s", "default")].value == 0


def test_a_device_that_is_silent_for_long_is_forgotten() -> None:
    feed = Feed()
    feed(rows("d1"), T)
    feed(rows("d2"), T + 60_001)
    assert feed.measured()[AlertKind.SILENT_DEVICES, Subject("default", "s", "default")].samples == 1


def test_signals_failed_fits_refusals_and_versions_are_seen() -> None:
    feed = Feed()
    feed(DriftSignal(tenant="default", stream="s", rising=True))
    feed(DriftSignal(tenant="default", stream="s", rising=False))
    feed(DriftSignal(tenant="default", stream="s", kind=SignalKind.INPUT))
    feed(TrainingRun(tenant="default", stream="s", status=RunStatus.FAILED))
    feed(TrainingRun(tenant="default", stream="s", status=RunStatus.PROMOTED))
    feed(DeviceReport(tenant="default", stream="s", device_id="d1", status=DeviceStatus.REFUSED, version=3))
    feed(DeviceReport(tenant="default", stream="s", device_id="d2", status=DeviceStatus.INSTALLED, version=4))
    feed(ModelVersion(tenant="default", stream="s", version=4))
    feed(ModelVersion(tenant="default", stream="s", version=3))
    stream, group = Subject("default", "s"), Subject("default", "s", "default")
    found = feed.measured()
    assert found[AlertKind.DRIFT, stream].value == 1
    assert feed.views.summary(T + 1_000).cells[stream].input_signals == 1
    assert found[AlertKind.FAILED_TRAINING, stream].value == 1
    assert found[AlertKind.REFUSED_MODEL, group].devices == ("d1",)
    summary = feed.views.summary(T)
    assert summary.versions == ((group, "d1", 3), (group, "d2", 4))
    assert summary.champions == {stream: 4}


def test_a_report_that_takes_a_refusal_back_ends_it() -> None:
    feed = Feed()
    feed(DeviceReport(tenant="default", stream="s", device_id="d1", status=DeviceStatus.REFUSED))
    feed(DeviceReport(tenant="default", stream="s", device_id="d1", status=DeviceStatus.INSTALLED))
    assert feed.measured()[AlertKind.REFUSED_MODEL, Subject("default", "s", "default")].value == 0


def test_what_a_device_says_of_adapters_takes_the_refusal_of_a_version_not_back() -> None:
    feed, key = Feed(), (AlertKind.REFUSED_MODEL, Subject("default", "s", "default"))
    feed(DeviceReport(tenant="default", stream="s", device_id="d1", status=DeviceStatus.REFUSED, version=2, adapter=100, refused_version=3))
    feed(DeviceReport(tenant="default", stream="s", device_id="d1", status=DeviceStatus.INSTALLED, version=2, adapter=120))
    feed(
        DeviceReport(tenant="default", stream="s", device_id="d1", status=DeviceStatus.REFUSED, version=2, adapter=120, refused_adapter=140)
    )
    assert feed.measured()[key].value == 1
    feed(DeviceReport(tenant="default", stream="s", device_id="d1", status=DeviceStatus.INSTALLED, version=3, adapter=120))
    assert feed.measured()[key].value == 0


def test_a_refused_adapter_is_no_refused_model() -> None:
    feed = Feed()
    feed(DeviceReport(tenant="default", stream="s", device_id="d1", status=DeviceStatus.REFUSED, version=2, refused_adapter=140))
    subject = Subject("default", "s", "default")
    assert feed.measured()[AlertKind.REFUSED_MODEL, subject].value == 0
    assert feed.views.summary(T).groups[subject].refusing_adapters == ["d1"]


def test_the_adapters_of_devices_that_are_heard_are_seen() -> None:
    feed, group = Feed(), Subject("default", "s", "default")
    for device, adapter in (("d1", 150), ("d2", None), ("takes-none", None), ("silent", 100), ("never-heard", 100)):
        named = {"tenant": "default", "stream": "s", "device_id": device, "takes_adapters": device != "takes-none"}
        feed(DeviceReport(**named, status=DeviceStatus.INSTALLED, version=1, adapter=adapter))
    feed(rows("silent"), T)
    for device in ("d1", "d2", "takes-none"):
        feed(rows(device), T + 6_000)
    assert feed.views.summary(T + 6_000).adapters == ((group, "d1", 150), (group, "d2", 0))


def test_partitions_that_are_read_one_after_the_other_give_the_same_windows() -> None:
    one, other = Windows(1_000, 30_000), Windows(1_000, 30_000)
    s = Subject("t", "s")
    stamps = [(0, at) for at in range(0, 20_000, 700)] + [(1, at) for at in range(0, 20_000, 900)]
    for _, at in sorted(stamps, key=lambda x: x[1]):
        one.cell(s, at).rows += 1
    for _, at in stamps:
        other.cell(s, at).rows += 1
    for end in range(0, 21_000, 1_000):
        assert {k: c.rows for k, c in one.totals(end, 10_000).items()} == {k: c.rows for k, c in other.totals(end, 10_000).items()}


def test_what_is_too_old_leaves_no_trace_and_old_buckets_go() -> None:
    windows = Windows(1_000, 30_000)
    windows.cell(Subject("t", "s"), 100_000).rows += 1
    windows.cell(Subject("t", "s"), 1_000).rows += 1
    assert windows.totals(2_000, 10_000) == {}
    windows.expire(140_000)
    assert windows.totals(101_000, 10_000) == {}


@given(st.lists(st.integers(0, 3_600_000), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_at_most_half_its_value_off(ages, q) -> None:
    histogram = Ages()
    histogram.add(ages[: len(ages) // 2])
    rest = Ages()
    rest.add(ages[len(ages) // 2 :])
    histogram.merge(rest)
    exact = sorted(ages)[max(0, -(-int(q * len(ages) * 1000) // 1000) - 1)]
    assert exact / 1.5 - 1 <= histogram.quantile(q) <= max(sorted(ages)[min(len(ages) - 1, int(q * len(ages)))], exact) * 1.5 + 1


def test_time_goes_on_while_no_record_comes() -> None:
    clock = Clock()
    assert clock.now(5.0) == 0
    clock.advance(T, 10.0)
    clock.advance(T, 12.0)
    assert clock.now(12.5) == T + 2_500
    clock.advance(T + 100, 13.0)
    assert clock.now(13.0) == T + 100


def test_lost_devices_and_twins_are_told_by_tenant_and_group_of_the_fleet() -> None:
    feed = Feed()
    for device, group in (("d1", "north"), ("d2", "north"), ("d3", "")):
        feed(Device(tenant="default", device_id=device, device_group=group))
        feed(DeviceHealth(tenant="default", device_id=device, health=Health.ONLINE))
    feed(DeviceHealth(tenant="default", device_id="d2", health=Health.LOST))
    feed(DeviceHealth(tenant="default", device_id="d3", health=Health.ONLINE, twins=("a@x", "b@y")))
    found = feed.measured()
    north, others = Subject("default", "", "north"), Subject("default", "", "default")
    lost, twins = found[AlertKind.LOST_DEVICES, north], found[AlertKind.TWIN_DEVICES, others]
    assert (lost.value, lost.samples, lost.devices) == (1, 2, ("d2",))
    assert (twins.value, twins.samples, twins.devices) == (1, 1, ("d3",))
    assert found[AlertKind.LOST_DEVICES, others].value == found[AlertKind.TWIN_DEVICES, north].value == 0


def test_a_retired_device_is_not_missed_and_one_that_starts_afresh_is_in_no_group() -> None:
    feed = Feed()
    north = Subject("default", "", "default")
    for device in ("d1", "d2"):
        feed(DeviceHealth(tenant="default", device_id=device, health=Health.LOST))
    assert feed.measured()[AlertKind.LOST_DEVICES, north].value == 2
    feed(Device(tenant="default", device_id="d1", enrolment=Enrolment.RETIRED))
    assert feed.measured()[AlertKind.LOST_DEVICES, north].devices == ("d2",)
    feed(DeviceHealth(tenant="default", device_id="d2", health=Health.UNHEARD))
    assert (AlertKind.LOST_DEVICES, north) not in feed.measured()
