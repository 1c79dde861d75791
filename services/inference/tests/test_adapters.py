"""A version answers together with what has been learned from labels."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from edgeloop_contracts import AdapterFrame, DeviceStatus, MemoryBlock, ModelAdapter, topics

STREAM = "pumps"
ROWS = np.array([[1, 2], [np.nan, -1], [300, np.nan], [np.nan, np.nan], [0, 0.5]], np.float32)


def ask(device: Any, rows: Any = ROWS) -> Any:
    tensor = triton.InferInput("input", [len(rows), 2], "FP32")
    tensor.set_data_from_numpy(np.asarray(rows, np.float32))
    return triton.InferenceServerClient(f"127.0.0.1:{device.port}").infer(STREAM, [tensor])


def adapter_of(result: Any) -> int:
    return result.get_response().parameters["edgeloop_adapter"].int64_param


def refusals(bench: Any) -> list[Any]:
    return [r for r in bench.kafka.reports if r.status is DeviceStatus.REFUSED]


def refused(bench: Any, count: int = 1) -> Any:
    return bench.eventually(lambda: refusals(bench)[count - 1 :])[0]


def settled(bench: Any) -> None:
    """Wait until the device has taken what is in the topics: an assignment of what it runs is reported again."""
    version = int(bench.metric("edgeloop_inference_model_version", stream=STREAM))
    bench.eventually(lambda: bench.kafka.reports[-1].version == version)
    reports = len(bench.kafka.reports)
    bench.assign(version)
    bench.eventually(lambda: len(bench.kafka.reports) > reports)


def test_an_adapter_answers_with_the_version_and_is_named_in_answers_observations_and_reports(bench: Any) -> None:
    device, teacher = bench.adapting()
    assert adapter_of(ask(device)) == 0
    sent = teacher.publish()
    bench.applied(120)
    result = ask(device)
    np.testing.assert_array_equal(result.as_numpy("probabilities"), teacher.says([bench.model(0)], ROWS))
    assert result.get_response().model_version == "1" and adapter_of(result) == 120
    batches = bench.eventually(lambda: bench.kafka.batches if len(bench.kafka.batches) == 2 else None)
    assert [(b.model_version, b.adapter) for b in batches] == [(1, 0), (1, 120)]
    assert batches[0].answers_alone == ()
    told = batches[1].answers_alone or ("",) * len(ROWS)
    assert tuple(one or answer for one, answer in zip(told, batches[1].answers, strict=True)) == batches[0].answers
    report = bench.kafka.reports[-1]
    assert (report.status, report.version, report.adapter, report.message) == (DeviceStatus.INSTALLED, 1, 120, "")
    assert bench.kafka.causes[-1][1] == sent.cause


def test_rows_answer_alike_alone_and_together(bench: Any) -> None:
    device, teacher = bench.adapting()
    teacher.publish()
    bench.applied(120)
    together = ask(device).as_numpy("probabilities")
    alone = np.concatenate([ask(device, ROWS[i : i + 1]).as_numpy("probabilities") for i in range(len(ROWS))])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_newer_adapter_takes_over_and_the_same_or_an_older_one_changes_nothing(bench: Any) -> None:
    device, teacher = bench.adapting()
    first = teacher.publish().event
    bench.applied(120)
    teacher.learn(10)
    second = teacher.publish().event
    bench.applied(130)
    for event in (second, first):
        bench.kafka.append(topics.MODEL_ADAPTERS, "acme/pumps/adapter", event)
    settled(bench)
    np.testing.assert_array_equal(ask(device).as_numpy("probabilities"), teacher.says([bench.model(0)], ROWS))
    assert adapter_of(ask(device)) == 130 and not refusals(bench)
    assert bench.metric("edgeloop_inference_adapters_total", stream=STREAM) == 2


def test_what_is_of_another_stream_or_tenant_is_left_alone(bench: Any) -> None:
    _, teacher = bench.adapting()
    for _, event in teacher.events():
        bench.kafka.append(topics.MODEL_ADAPTERS, "x", replace(event, stream="fans"))
        bench.kafka.append(topics.MODEL_ADAPTERS, "x", replace(event, tenant="other"))
    settled(bench)
    assert bench.kafka.reports[-1].adapter is None and not refusals(bench)


@pytest.mark.parametrize("late", [AdapterFrame, MemoryBlock])
def test_an_adapter_that_comes_before_its_frame_or_rows_waits_for_them(bench: Any, late: Any) -> None:
    _, teacher = bench.adapting()
    events = teacher.events()
    for key, event in sorted(events, key=lambda item: isinstance(item[1], late)):
        if isinstance(event, late):
            assert refused(bench).reason == "MISSING"
        bench.kafka.append(topics.MODEL_ADAPTERS, key, event)
    bench.applied(120)


def test_an_adapter_whose_version_is_not_installed_yet_waits_for_it(bench: Any) -> None:
    bench.kafka.define()
    model = bench.model(0)
    device = bench.device()
    assigned = bench.kafka.assign(bench.registry.assignment(model, 1, device="p2"), model).event
    teacher = bench.teacher(assigned)
    teacher.publish()
    bench.assign(1)
    bench.applied(120)
    assert ask(device).get_response().model_version == "1"


def test_lost_rows_leave_the_mixture_before_in_service_and_the_next_whole_adapter_is_taken(bench: Any) -> None:
    device, teacher = bench.adapting()
    teacher.publish()
    bench.applied(120)
    before = ask(device).as_numpy("probabilities")
    teacher.learn(120)
    for key, event in teacher.events():
        if not (isinstance(event, MemoryBlock) and event.first == 150):
            bench.kafka.append(topics.MODEL_ADAPTERS, key, event)
    report = refused(bench)
    assert (report.version, report.adapter, report.refused_adapter, report.reason) == (1, 120, 240, "MISSING")
    assert report.message == "rows: expected 0 to 240, given 200 to 240"
    np.testing.assert_array_equal(ask(device).as_numpy("probabilities"), before)
    bench.kafka.online = False  # a new connection reads from the beginning
    bench.eventually(lambda: bench.metric("edgeloop_inference_background_failures_total", job="installer") >= 1)
    bench.kafka.logs["model.adapters"].clear()
    teacher.learn(10)
    teacher.begin_anew()
    teacher.publish()
    bench.kafka.online = True
    bench.applied(250)


def changed(kind: type, **fields: Any) -> Any:
    def change(events: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        return [(key, replace(event, **fields) if isinstance(event, kind) else event) for key, event in events]

    return change


def other_rows(events: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(k, replace(e, rows=bytes(len(e.rows))) if isinstance(e, MemoryBlock) else e) for k, e in events]


def other_classes(events: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(k, replace(e, labels=b"\7" * len(e.labels)) if isinstance(e, MemoryBlock) else e) for k, e in events]


@pytest.mark.parametrize(
    ("change", "reason", "message"),
    [
        (other_rows, "DIGEST", "expected SHA-256"),
        (other_classes, "LOAD", "rows: expected classes below 2, given 7"),
        (changed(ModelAdapter, bias=b""), "LOAD", "bias: expected 2 numbers"),
        (changed(ModelAdapter, weights=np.zeros(2).tobytes()), "LOAD", "SHA"),
        (changed(ModelAdapter, alone=9), "LOAD", "alone: version 9 is no member"),
        (changed(ModelAdapter, frame=7), "MISSING", "its frame 7 has not come"),
        (changed(ModelAdapter, memory_end=0), "LOAD", "without rows"),
        (changed(AdapterFrame, members=()), "LOAD", "a frame of 0 members"),
        (changed(AdapterFrame, features=(500, 1)), "LOAD", "features: expected numbers of columns, below 130"),
        (changed(AdapterFrame, features=(5, 1)), "DIGEST", "expected SHA-256"),
        (changed(MemoryBlock, rows=b"\1"), "LOAD", "rows: expected"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused_with_a_typed_reason_and_the_version_serves_on(
    bench: Any, change: Any, reason: str, message: str
) -> None:
    device, teacher = bench.adapting()
    for key, event in change(teacher.events()):
        bench.kafka.append(topics.MODEL_ADAPTERS, key, event)
    report = refused(bench)
    assert (report.version, report.adapter, report.refused_adapter, report.refused_version) == (1, None, 120, None)
    if message != "SHA":
        assert report.reason == reason and message in report.message
    assert adapter_of(ask(device)) == 0
    assert bench.metric("edgeloop_inference_adapter_refusals_total", stream=STREAM, reason=report.reason) == 1


def test_a_member_that_is_not_here_is_fetched_and_verified(bench: Any) -> None:
    device, teacher = bench.adapting()
    teacher.join(bench.elsewhere(2, favourite=1))
    teacher.publish()
    bench.applied(121)
    np.testing.assert_array_equal(ask(device).as_numpy("probabilities"), teacher.says([bench.model(0), bench.model(1)], ROWS))
    assert ask(device).get_response().model_version == "1"


def unsigned(bench: Any, assignment: Any) -> Any:
    return replace(assignment, signed=replace(assignment.signed, signature=bytes(64)))


def without_chunks(bench: Any, assignment: Any) -> Any:
    return replace(assignment, file=replace(assignment.file, offset=1000))


def of_another_stream(bench: Any, assignment: Any) -> Any:
    model = bench.model(1)
    return bench.kafka.assign(bench.registry.assignment(model, 2, device="p2", stream="fans"), model).event


def of_other_features(bench: Any, assignment: Any) -> Any:
    model = bench.model(1)
    return bench.kafka.assign(bench.registry.assignment(model, 2, device="p2", features=["pressure", "flow"]), model).event


def no_model(bench: Any, assignment: Any) -> Any:
    return bench.kafka.assign(bench.registry.assignment(b"\xff" * 500, 2, device="p2"), b"\xff" * 500).event


def of_other_classes(bench: Any, assignment: Any) -> Any:
    model = bench.model(1)
    return bench.kafka.assign(bench.registry.assignment(model, 2, device="p2", classes=["good", "bad"]), model).event


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (unsigned, "SIGNATURE"),
        (without_chunks, "MISSING"),
        (of_another_stream, "DIGEST"),
        (of_other_features, "DEFINITION"),
        (of_other_classes, "DIGEST"),
        (no_model, "LOAD"),
    ],
)
def test_a_member_that_must_not_run_keeps_its_mixture_out_and_the_one_before_serves_on(bench: Any, spoil: Any, reason: str) -> None:
    device, teacher = bench.adapting()
    teacher.publish()
    bench.applied(120)
    before = ask(device).as_numpy("probabilities")
    teacher.join(spoil(bench, bench.elsewhere(2, favourite=1)))
    teacher.publish()
    report = refused(bench)
    assert (report.adapter, report.refused_adapter, report.reason) == (120, 121, reason)
    assert report.message.startswith("version 2: ")
    np.testing.assert_array_equal(ask(device).as_numpy("probabilities"), before)
    teacher.learn(10)
    teacher.publish()
    assert refused(bench, 2).refused_adapter == 131


def test_a_version_that_is_newer_than_all_members_counts_as_soon_as_it_is_installed(bench: Any) -> None:
    device, teacher = bench.adapting()
    teacher.publish()
    bench.applied(120)
    assigned = bench.assign(2, favourite=1).event
    bench.eventually(lambda: bench.metric("edgeloop_inference_model_version", stream=STREAM) == 2)
    result = ask(device)
    assert (result.get_response().model_version, adapter_of(result)) == ("2", 120)
    teacher.join(assigned, rows=0)
    number = teacher.publish().event.number
    both = teacher.says([bench.model(0), bench.model(1)], ROWS)
    np.testing.assert_array_equal(result.as_numpy("probabilities"), both)
    report = next(r for r in bench.kafka.reports if r.version == 2)
    assert (report.status, report.adapter, number) == (DeviceStatus.INSTALLED, 120, 120)


def test_an_adapter_of_the_frame_before_is_applied_together_with_the_newer_version(bench: Any) -> None:
    device, teacher = bench.adapting()
    teacher.publish()
    bench.applied(120)
    assigned = bench.assign(2, favourite=1).event
    bench.eventually(lambda: bench.metric("edgeloop_inference_model_version", stream=STREAM) == 2)
    teacher.learn(10)
    teacher.publish()
    bench.applied(130)
    before = ask(device)
    teacher.join(assigned, rows=0)
    np.testing.assert_array_equal(before.as_numpy("probabilities"), teacher_joined(bench, teacher))
    assert (before.get_response().model_version, adapter_of(before)) == ("2", 130)


def teacher_joined(bench: Any, teacher: Any) -> Any:
    teacher.learner.publish()
    return teacher.says([bench.model(0), bench.model(1)], ROWS)


def test_a_restart_without_network_serves_the_same_mixture(bench: Any) -> None:
    device, teacher = bench.adapting()
    teacher.join(bench.elsewhere(2, favourite=1))
    teacher.publish()
    teacher.learn(170)
    teacher.publish()
    bench.applied(291)
    bench.assign(3)
    bench.eventually(lambda: bench.metric("edgeloop_inference_model_version", stream=STREAM) == 3)
    before = ask(device)
    bench.stop()
    bench.kafka.online = False
    after = ask(bench.device())
    np.testing.assert_array_equal(after.as_numpy("probabilities"), before.as_numpy("probabilities"))
    assert (after.get_response().model_version, adapter_of(after)) == ("3", 291)
    bench.kafka.online = True
    online = bench.eventually(lambda: [r for r in bench.kafka.reports if r.status is DeviceStatus.ONLINE][1:])[0]
    assert (online.version, online.adapter) == (3, 291)
    teacher.learn(10)
    teacher.publish()
    bench.applied(301)


def spoil_members(folder: Any) -> None:
    for path in (folder / "members").rglob("*.model"):
        path.write_bytes(path.read_bytes()[:-1] + b"\0")


def spoil_rows(folder: Any) -> None:
    (folder / "adapters.db").write_bytes(b"no database at all" * 1000)


@pytest.mark.parametrize("spoil", [spoil_members, spoil_rows])
def test_what_was_touched_on_disk_does_not_serve_and_is_fetched_again(bench: Any, spoil: Any) -> None:
    _, teacher = bench.adapting()
    teacher.join(bench.elsewhere(2, favourite=1))
    teacher.publish()
    bench.applied(121)
    bench.stop()
    spoil(bench.folder / "data" / "adapters")
    bench.kafka.online = False
    device = bench.device()
    assert adapter_of(ask(device)) == 0
    bench.kafka.online = True
    bench.applied(121)


def test_what_adapters_and_versions_cost_the_network_is_measured(bench: Any) -> None:
    _, teacher = bench.adapting()
    versions = bench.metric("edgeloop_inference_received_bytes_total", what="versions")
    assert len(bench.model(0)) < versions
    assert bench.metric("edgeloop_inference_received_bytes_total", what="adapters") == 0
    teacher.publish()
    bench.applied(120)
    brought = sum(len(received.raw) for received in bench.kafka.logs["model.adapters"])
    assert bench.metric("edgeloop_inference_received_bytes_total", what="adapters") == brought > 0
    assert bench.metric("edgeloop_inference_received_bytes_total", what="versions") == versions
    bench.eventually(lambda: bench.metric("edgeloop_inference_adapter_age_seconds_count") == 1)
    assert bench.metric("edgeloop_inference_memories") == 1


def test_without_memories_a_device_serves_what_is_left_and_says_so(bench: Any) -> None:
    device, teacher = bench.adapting(memories=False)
    teacher.publish()
    bench.applied(120)
    assert bench.metric("edgeloop_inference_memories") == 0
    np.testing.assert_array_equal(ask(device).as_numpy("probabilities"), teacher.says([bench.model(0)], ROWS, memories=False))
    assert bench.kafka.reports[-1].message == "mixtures answer without their memories here"


@pytest.mark.parametrize("setting", [{"adapters": False}, {"adapter_trust_file": None}])
def test_a_device_that_takes_no_adapters_serves_versions_alone_and_says_so(bench: Any, setting: dict[str, Any]) -> None:
    device, teacher = bench.adapting(**setting)
    teacher.publish()
    settled(bench)
    assert adapter_of(ask(device)) == 0 and not bench.kafka.reports[-1].takes_adapters
    assert not (bench.folder / "data" / "adapters").exists()


def test_a_class_that_labels_brought_is_among_the_answers(bench: Any) -> None:
    device, teacher = bench.adapting()
    learner = teacher.learner
    learner.rows += 1
    learner.prepare([type("Row", (), {"label": "odd"})()])
    teacher.publish()
    bench.applied(121)
    assert ask(device).as_numpy("probabilities").shape == (len(ROWS), 3)
    metadata = triton.InferenceServerClient(f"127.0.0.1:{device.port}").get_model_metadata(STREAM)
    assert [list(t.shape) for t in metadata.outputs] == [[-1], [-1, 3]]


def test_requests_go_on_and_each_is_answered_by_one_adapter_while_they_are_swapped(bench: Any) -> None:
    device, teacher = bench.adapting()
    teacher.publish()
    bench.applied(120)
    answers: list[tuple[int, bytes]] = []
    failures: list[Exception] = []
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            try:
                result = ask(device)
                answers.append((adapter_of(result), result.as_numpy("probabilities").tobytes()))
            except Exception as error:
                failures.append(error)

    expected = {120: teacher.says([bench.model(0)], ROWS)}
    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    bench.eventually(lambda: answers)
    members = [bench.model(0)]
    for round_ in range(1, 6):
        if round_ == 3:
            teacher.join(bench.elsewhere(2, favourite=1))
            members.append(bench.model(1))
        teacher.learn(10, seed=round_)
        number = teacher.publish().event.number
        expected[number] = teacher.says(members, ROWS)
        bench.eventually(lambda number=number: answers[-1][0] == number)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert {number for number, _ in answers} == set(expected)
    assert all(said == expected[number].tobytes() for number, said in answers)
    kept = bench.eventually(lambda: bench.kafka.batches if sum(b.count for b in bench.kafka.batches) == len(answers) * len(ROWS) else None)
    assert {b.adapter for b in kept} == set(expected)
