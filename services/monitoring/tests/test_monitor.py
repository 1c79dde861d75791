import pytest
from edgeloop_contracts import AlertKind, AlertStatus, Cause, DeviceReport, DriftPartial, ObservationBatch, topics
from edgeloop_kafka import Codec
from edgeloop_kafka.schema_registry import UnknownSchemaError
from edgeloop_monitoring.core.conditions import Rule
from edgeloop_monitoring.core.disagreement import Suspicion
from edgeloop_monitoring.core.rules import Thresholds, rules
from edgeloop_monitoring.core.subjects import Groups
from edgeloop_monitoring.core.views import Spans, Views
from edgeloop_monitoring.handlers import Monitor
from edgeloop_monitoring.io.codecs import EventCodec, Undecodable
from edgeloop_monitoring.io.security import UnsupportedSettingError, credentials
from edgeloop_monitoring.io.stream import Record
from edgeloop_monitoring.metrics import Metrics
from edgeloop_monitoring.settings import Settings
from prometheus_client import CollectorRegistry, generate_latest

SPANS = Spans(bucket=1_000, window=10_000, silence=5_000, look_back=60_000)
T = 1_000_000
RULES = {AlertKind.SILENT_DEVICES: Rule(1, 0, 0, 0, 1, "{value:.0f} of {samples}")}


class Bench:
    """A monitor and its metrics, fed by hand."""

    def __init__(self, told=(), kinds=RULES) -> None:
        self.registry = CollectorRegistry()
        self.monitor = Monitor(Views(Groups(), SPANS), kinds, Metrics(self.registry), told, SPANS.bucket)
        self.offset = 0
        for number, device in enumerate(("d1", "d2")):
            report = DeviceReport(tenant="default", stream="s", device_id=device)
            self.monitor.fold(Record("fleet.reported", 0, number, T - 1, report, Cause()))

    def rows(self, device: str, at: int) -> None:
        event = ObservationBatch(tenant="default", boot_epoch=0, first_seq=-1, stream="s", device_id=device, count=10, model_version=3)
        self.take(event, at)

    def take(self, event, at=T, topic="observations") -> None:
        self.offset += 1
        place = f"{topic}/0/{self.offset}"
        self.monitor.fold(Record(topic, 0, self.offset, at, event, Cause(id=f"id{self.offset}", at=place)))

    def shown(self) -> str:
        return generate_latest(self.registry).decode()


def test_an_alert_names_the_newest_record_of_its_stream_as_its_cause() -> None:
    bench = Bench()
    bench.rows("d1", T)
    bench.rows("d2", T + 6_000)
    (telling,) = bench.monitor.moment(1.0)
    assert topics.ALERTS.key_of(telling.alert) == "default/s"
    assert telling.alert.status is AlertStatus.RAISED
    assert telling.alert.devices == ("d1",)
    assert telling.cause == Cause(id="id2", at="observations/0/2")
    assert (
        'edgeloop_monitoring_alert_active{group="default",kind="SILENT_DEVICES",stream="s",tenant="default",version="0"} 1.0'
        in bench.shown()
    )


def test_a_poisoned_device_is_named_in_an_alert_that_is_cleared_when_its_rows_are_past() -> None:
    bench = Bench(kinds=rules(Thresholds(raise_after_ms=2_000, clear_after_ms=2_000)))
    told = []
    for second in range(130):
        for number in range(5):
            wrong = 4 if number == 3 and second < 30 else 1
            event = DriftPartial(
                tenant="default", stream="s", device_id=f"d{number}", count=10, errors=b"\1" * wrong + b"\0" * (10 - wrong), model_version=1
            )
            bench.take(event, T + second * 1_000, "drift.partials")
        told += bench.monitor.moment(float(second))
    raised, cleared = (telling for telling in told if telling.alert.kind is AlertKind.OUTLYING_DEVICES)
    assert (raised.alert.status, raised.alert.devices, raised.alert.samples) == (AlertStatus.RAISED, ("d3",), 5)
    assert raised.alert.message == "labels and answers of 1 of 5 devices differ much oftener than those of the others"
    assert raised.cause is not None
    assert raised.cause.at.startswith("drift.partials/")
    assert (cleared.alert.status, cleared.alert.alert_id) == (AlertStatus.CLEARED, raised.alert.alert_id)
    assert 'edgeloop_monitoring_outlying_devices{group="default",stream="s",tenant="default"} 0.0' in bench.shown()


def test_a_window_is_judged_once() -> None:
    bench = Bench()
    bench.rows("d1", T)
    bench.rows("d2", T + 6_000)
    assert len(bench.monitor.moment(1.0)) == 1
    assert bench.monitor.moment(1.5) == []


def test_a_restarted_monitor_does_not_tell_again_and_clears_what_is_over() -> None:
    bench = Bench()
    bench.rows("d1", T)
    bench.rows("d2", T + 6_000)
    told = [telling.alert for telling in bench.monitor.moment(1.0)]
    again = Bench(told)
    again.rows("d1", T)
    again.rows("d2", T + 6_000)
    assert again.monitor.moment(1.0) == []
    again.rows("d1", T + 7_000)
    (telling,) = again.monitor.moment(2.0)
    assert (telling.alert.status, telling.alert.alert_id) == (AlertStatus.CLEARED, told[0].alert_id)


def test_nothing_is_judged_before_the_first_record() -> None:
    assert Bench().monitor.moment(100.0) == []


def test_broken_bytes_and_tombstones_are_passed_by() -> None:
    bench = Bench()
    bench.take(Undecodable("NOT_AVRO"))
    bench.take(None)
    bench.rows("d1", T)
    assert bench.monitor.position("observations", 0) == 4
    assert 'edgeloop_monitoring_undecodable_total{reason="NOT_AVRO",topic="observations"} 1.0' in bench.shown()


def test_rates_fall_to_zero_when_a_stream_ends() -> None:
    bench = Bench()
    bench.rows("d1", T)
    bench.monitor.moment(1.0)
    bench.monitor.moment(2.0)
    assert 'rows_per_second{group="default",stream="s",tenant="default",version="3"} 1.0' in bench.shown()
    bench.monitor.moment(20.0)
    assert "rows_per_second{" not in bench.shown()


class NoSchemas:
    """A registry that has nothing."""

    def lookup(self, subject: str, schema: str) -> int:
        return 1

    def schema(self, wanted: object) -> str:
        raise UnknownSchemaError("none")


@pytest.mark.parametrize(
    ("data", "reason"), [(b"no avro", "NOT_AVRO"), (b"", "NOT_AVRO"), (b"\0\0\0\0\7x", "UNKNOWN_SCHEMA"), (b"\x80\x04.", "NOT_AVRO")]
)
def test_the_codec_raises_nothing_on_broken_bytes(data: bytes, reason: str) -> None:
    codec = EventCodec(codec=Codec(NoSchemas()), topic=topics.OBSERVATIONS)
    assert codec.loads(data).reason == reason
    assert codec.clone().loads(data).reason == reason


def test_credentials_follow_the_settings_of_the_kafka_client() -> None:
    assert credentials({}) is None
    assert credentials({"security.protocol": "ssl"}).protocol.value == "SSL"
    made = credentials(
        {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": "u", "sasl.password": "p"}
    )
    assert (made.protocol.value, made.mechanism.value, made.username, made.password) == ("SASL_PLAINTEXT", "SCRAM-SHA-256", "u", "p")
    assert credentials({"security.protocol": "SASL_SSL"}).protocol.value == "SASL_SSL"
    with pytest.raises(UnsupportedSettingError, match="GSSAPI"):
        credentials({"security.protocol": "SASL_SSL", "sasl.mechanism": "GSSAPI"})


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELOOP_MONITORING_GROUPS", "line-a, line-b")
    monkeypatch.setenv("EDGELOOP_MONITORING_WINDOW_S", "2000")
    settings = Settings()
    assert settings.groups == ("line-a", "line-b")
    assert settings.spans.look_back == 2_000_000
    monkeypatch.setenv("EDGELOOP_MONITORING_OUTLYING_EXCESS", "0.3")
    assert Settings().suspicion == Suspicion(rows=100, excess=0.3)


def test_every_kind_of_alert_has_a_rule_that_can_clear() -> None:
    made = rules(Thresholds())
    assert set(made) == set(AlertKind)
    assert all(rule.clear_at < rule.raise_at for rule in made.values())
