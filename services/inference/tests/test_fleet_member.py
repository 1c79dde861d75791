"""A device as a member of a fleet: what it signs, tells, obeys and keeps back."""

from __future__ import annotations

import stat
import time
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from edgeloop_contracts import (
    Admission,
    ConfigScope,
    Device,
    DeviceConfig,
    DeviceError,
    Enrolment,
    EnrolmentRequest,
    FleetConfig,
    FleetPolicy,
    Heartbeat,
    KnownKey,
    MemberKey,
    topics,
)
from edgeloop_contracts.keys import config_key
from edgeloop_inference.io.startup import CannotStartError
from edgeloop_kafka.writer_schemas import fingerprint
from edgeloop_signing.device_signatures import HEADER, RecordSignature, signed_message
from edgeloop_signing.enrolment import Token, proof_holds
from edgeloop_signing.keys import key_id, load_trusted
from tritonclient.utils import InferenceServerException

TENANT, STREAM, DEVICE = "acme", "pumps", "p1"


def public_key(bench: Any) -> bytes:
    [key] = load_trusted(bench.folder / "data" / "keys" / "device-public.pem")
    return key.public_bytes_raw()


def ask(port: int, value: float = 1.0, request_id: str = "", model: str = STREAM) -> Any:
    given = triton.InferInput("input", [1, 2], "FP32")
    given.set_data_from_numpy(np.array([[value, 2.0]], np.float32))
    with triton.InferenceServerClient(f"127.0.0.1:{port}") as client:
        return client.infer(model, [given], request_id=request_id).get_response()


def configure(
    bench: Any, scope: ConfigScope = ConfigScope.TENANT, name: str = "", version: int = 1, schema: int = 1, **values: Any
) -> None:
    config = FleetConfig(tenant=TENANT, scope=scope, name=name, version=version, schema_version=schema, config=DeviceConfig(**values))
    bench.kafka.append(topics.FLEET_CONFIG, config_key(config), config)


def close(bench: Any) -> None:
    policy = FleetPolicy(tenant=TENANT, admission=Admission.ENROLLED)
    bench.kafka.append(topics.FLEET_CONFIG, config_key(policy), policy)


def enrol(bench: Any, group: str = "") -> None:
    public = public_key(bench)
    [key] = load_trusted(bench.folder / "data" / "keys" / "device-public.pem")
    known = KnownKey(key_id=key_id(key), public_key=public)
    device = Device(tenant=TENANT, device_id=DEVICE, enrolment=Enrolment.ENROLLED, keys=(known,), device_group=group)
    bench.kafka.append(topics.FLEET_DEVICES, MemberKey.of(device), device)


def beats(bench: Any) -> list[Heartbeat]:
    return bench.kafka.events(topics.FLEET_HEARTBEATS)


def test_every_record_of_a_device_carries_its_signature(bench: Any) -> None:
    device = bench.serving()
    ask(device.port)
    bench.eventually(lambda: bench.kafka.batches and bench.kafka.reports and beats(bench))
    for topic in (topics.OBSERVATIONS_RAW, topics.FLEET_REPORTED, topics.FLEET_HEARTBEATS):
        for received in bench.kafka.logs[topic.name]:
            found = RecordSignature.parse(received.headers[HEADER])
            assert found is not None
            message = signed_message(topic.name, received.key.encode(), fingerprint(type(received.event)), received.raw)
            assert found.holds(public_key(bench), message)


def test_the_key_is_made_once_for_the_devices_user_alone(bench: Any) -> None:
    bench.device()
    before = public_key(bench)
    private = bench.folder / "data" / "keys" / "device-private.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    bench.stop()
    bench.device()
    assert public_key(bench) == before
    bench.stop()
    private.write_bytes(b"broken")
    with pytest.raises(CannotStartError, match="key of the device"):
        bench.device()


def test_a_heartbeat_tells_versions_requests_latencies_and_the_outbox(bench: Any) -> None:
    bench.kafka.clock_ahead_s = 7.0
    device = bench.serving(heartbeat_s=1.0)
    for _ in range(20):
        ask(device.port)
    with pytest.raises(InferenceServerException):
        ask(device.port, value=float("inf"))
    bench.eventually(lambda: sum(served.rows for beat in beats(bench) for served in beat.vitals.streams) == 20)
    vitals = next(beat.vitals for beat in beats(bench) if any(served.rows for served in beat.vitals.streams))
    [served] = vitals.streams
    assert (served.stream, served.version, served.failed) == (STREAM, 1, 0)
    assert served.p50_ms is not None
    assert served.p99_ms is not None
    assert 0 < served.p50_ms <= served.p99_ms
    bench.eventually(lambda: beats(bench)[-1].vitals.clock_offset_ms is not None)
    assert beats(bench)[-1].vitals.clock_offset_ms == pytest.approx(7_000, abs=500)
    numbers = [beat.vitals.seq for beat in beats(bench)]
    assert numbers == list(range(len(numbers)))
    assert len({beat.vitals.instance for beat in beats(bench)}) == 1
    assert vitals.rss
    assert vitals.disk_free


def test_no_heartbeat_waits_for_a_broker_that_is_away(bench: Any) -> None:
    device = bench.serving(heartbeat_s=1.0)
    bench.eventually(lambda: beats(bench))
    bench.kafka.online = False
    ask(device.port)
    time.sleep(4.5)
    gone = time.time()
    count = len(beats(bench))
    bench.kafka.online = True
    bench.eventually(lambda: len(beats(bench)) >= count + 2)
    late = [beat for beat in beats(bench)[count:] if beat.vitals.sent_at < 1000 * gone]
    assert len(late) <= 1, "one was on its way when the link broke"
    assert beats(bench)[count + 1].vitals.outbox_age_s is None or beats(bench)[count + 1].vitals.outbox_age_s >= 0


def test_errors_are_reported_by_fingerprint(bench: Any) -> None:
    bench.serving(heartbeat_s=1.0)
    bench.kafka.online = False
    time.sleep(1.0)
    bench.kafka.online = True
    errors: list[DeviceError] = bench.eventually(lambda: bench.kafka.events(topics.FLEET_ERRORS))
    assert {error.kind for error in errors} == {"ConnectionError"}
    assert errors[0].message == "installer: no broker"


def test_a_configuration_applies_without_a_restart_and_the_heartbeat_names_it(bench: Any) -> None:
    device = bench.serving(heartbeat_s=1.0)
    configure(bench, version=4, sampling=0.000001, log_level="WARNING", bandwidth=10_000, outbox_rows=300)
    bench.eventually(lambda: beats(bench)[-1].vitals.config_version == 4)
    assert "edgeloop_seq" not in ask(device.port).parameters
    assert "edgeloop_seq" in ask(device.port, request_id="a7").parameters
    assert bench.metric("edgeloop_inference_unreported_rows_total") == 1
    configure(bench, version=5, schema=9, sampling=1.0)
    bench.eventually(lambda: beats(bench)[-1].vitals.config_refused)
    vitals = beats(bench)[-1].vitals
    assert (vitals.config_version, vitals.config_refused) == (4, "version 5 of tenant: schema_version: expected 1, given 9")
    configure(bench, version=6, log_level="INFO")
    bench.eventually(lambda: beats(bench)[-1].vitals.config_version == 6)
    assert "edgeloop_seq" in ask(device.port).parameters


def test_a_configuration_outlasts_a_restart_without_a_network(bench: Any) -> None:
    device = bench.serving(heartbeat_s=1.0)
    configure(bench, ConfigScope.DEVICE, DEVICE, version=3, sampling=0.000001)
    bench.eventually(lambda: bench.metric("edgeloop_inference_config_version") == 3)
    bench.stop()
    bench.kafka.online = False
    device = bench.device()
    assert bench.metric("edgeloop_inference_config_version") == 3
    assert "edgeloop_seq" not in ask(device.port).parameters


def test_a_group_brings_its_configuration_once_the_device_belongs_to_it(bench: Any) -> None:
    bench.serving()
    configure(bench, ConfigScope.GROUP, "hall", version=2, heartbeat_s=60.0)
    enrol(bench, group="hall")
    bench.eventually(lambda: bench.metric("edgeloop_inference_config_version") == 2)


def test_streams_that_a_configuration_adds_are_served_and_others_go(bench: Any) -> None:
    device = bench.serving()
    bench.kafka.define("motors")
    model = bench.model(1)
    bench.kafka.assign(bench.registry.assignment(model, 1, stream="motors"), model)
    configure(bench, version=1, streams=("motors",))
    bench.eventually(lambda: bench.metric("edgeloop_inference_model_version", stream="motors") == 1)
    assert ask(device.port, model="motors").model_name == "motors"
    with pytest.raises(InferenceServerException, match="unknown"):
        ask(device.port)
    configure(bench, version=2, streams=("motors", STREAM))
    bench.eventually(lambda: bench.kafka.reports[-1].stream == STREAM and bench.kafka.reports[-1].version == 1)
    assert ask(device.port).model_version == "1"


def test_a_device_that_is_not_enrolled_keeps_its_rows_until_it_is(bench: Any) -> None:
    close(bench)
    device = bench.serving(heartbeat_s=1.0)
    bench.eventually(lambda: bench.metric("edgeloop_inference_held") == 1)
    held = len(bench.kafka.batches)
    ask(device.port)
    time.sleep(1.0)
    assert len(bench.kafka.batches) == held
    enrol(bench)
    bench.eventually(lambda: len(bench.kafka.batches) == held + 1)
    assert bench.metric("edgeloop_inference_held") == 0


def test_a_device_with_a_token_asks_until_it_is_enrolled(bench: Any) -> None:
    close(bench)
    token = Token.new()
    bench.device(token=token.text)
    [asked] = bench.eventually(lambda: bench.kafka.events(topics.FLEET_ENROLMENTS))
    assert isinstance(asked, EnrolmentRequest)
    assert (asked.tenant, asked.device_id, asked.public_key) == (TENANT, DEVICE, public_key(bench))
    assert proof_holds(token.public_key, TENANT, DEVICE, asked.public_key, asked.proof)


def test_a_broken_token_ends_the_start_with_one_line_that_does_not_repeat_it(bench: Any) -> None:
    with pytest.raises(CannotStartError, match="token") as told:
        bench.device(token="edgeloop-token:secret")
    assert "secret" not in str(told.value)


def test_numbers_of_reports_rise_over_restarts(bench: Any) -> None:
    bench.serving()
    bench.eventually(lambda: len(bench.kafka.reports) >= 2)
    bench.stop()
    before = len(bench.kafka.reports)
    bench.device()
    bench.eventually(lambda: len(bench.kafka.reports) > before)
    numbers = [report.number for report in bench.kafka.reports]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1


def test_a_limited_bandwidth_sends_all_rows_later(bench: Any) -> None:
    configure(bench, bandwidth=1_000)
    device = bench.serving()
    bench.eventually(lambda: bench.metric("edgeloop_inference_config_version") == 1)
    started = time.monotonic()
    for number in range(30):
        ask(device.port, request_id=f"{number}-{'x' * 200}")
    bench.eventually(lambda: sum(batch.count for batch in bench.kafka.batches) == 30)
    assert time.monotonic() - started > 3
    seen = [batch.first_seq + row for batch in bench.kafka.batches for row in range(batch.count)]
    assert seen == list(range(30))
