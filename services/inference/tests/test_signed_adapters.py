"""Signatures of adapters: only signed ones answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeloop_contracts import AdapterFrame, DeviceStatus, MemoryBlock, ModelAdapter, topics
from edgeloop_signing.statements import adapter_statement

STREAM = "pumps"
ROWS = np.array([[1, 2], [np.nan, -1], [300, np.nan], [0, 0.5]], np.float32)
Change = Callable[[Any, Any], Any]


def answers(device: Any) -> tuple[int, bytes]:
    """The adapter that answers, and what."""
    tensor = triton.InferInput("input", list(ROWS.shape), "FP32")
    tensor.set_data_from_numpy(ROWS)
    result = triton.InferenceServerClient(f"127.0.0.1:{device.port}").infer(STREAM, [tensor])
    return result.get_response().parameters["edgeloop_adapter"].int64_param, result.as_numpy("probabilities").tobytes()


def refused(bench: Any, count: int = 1) -> Any:
    return bench.eventually(lambda: [r for r in bench.kafka.reports if r.status is DeviceStatus.REFUSED][count - 1 :])[0]


def sign(event: ModelAdapter, key: Ed25519PrivateKey) -> ModelAdapter:
    return replace(event, signature=key.sign(adapter_statement(event)))


def adapter(change: Change) -> Change:
    return lambda bench, event: change(bench, event) if isinstance(event, ModelAdapter) else event


def frame(change: Callable[[AdapterFrame], AdapterFrame]) -> Change:
    return lambda _, event: change(event) if isinstance(event, AdapterFrame) else event


def row(_: Any, event: Any) -> Any:
    """One value of a row that is new; rows that have come do not change any more."""
    return replace(event, rows=event.rows[:-1] + bytes([event.rows[-1] ^ 1])) if isinstance(event, MemoryBlock) else event


def label(_: Any, event: Any) -> Any:
    """The label of a row that is new."""
    return replace(event, labels=event.labels[:-1] + bytes([1 - event.labels[-1]])) if isinstance(event, MemoryBlock) else event


def doubled(data: bytes) -> bytes:
    return (2 * np.frombuffer(data, "<f4")).astype("<f4").tobytes()


def number(data: bytes) -> bytes:
    return (np.frombuffer(data, "<f8") + 0.5).tobytes()


def swapped_members(event: AdapterFrame) -> AdapterFrame:
    return replace(event, members=tuple(reversed(event.members)))


FORGERIES: dict[str, tuple[Change, str]] = {
    "no signature": (adapter(lambda _, event: replace(event, signature=b"")), "SIGNATURE"),
    "a stranger's key": (adapter(lambda _, event: sign(event, Ed25519PrivateKey.generate())), "SIGNATURE"),
    "the registry's key": (adapter(lambda bench, event: sign(event, bench.registry.key)), "SIGNATURE"),
    "signed for another stream": (
        adapter(lambda bench, event: replace(sign(replace(event, stream="fans"), bench.adapter_keys[0]), stream=STREAM)),
        "SIGNATURE",
    ),
    "signed for another tenant": (
        adapter(lambda bench, event: replace(sign(replace(event, tenant="other"), bench.adapter_keys[0]), tenant=event.tenant)),
        "SIGNATURE",
    ),
    "an older one under a new number": (adapter(lambda _, event: replace(event, number=event.number + 1)), "SIGNATURE"),
    "a digest of the forger's": (adapter(lambda _, event: replace(event, digest="0" * 64)), "SIGNATURE"),
    "other weights": (adapter(lambda _, event: replace(event, weights=number(event.weights))), "DIGEST"),
    "another bias": (adapter(lambda _, event: replace(event, bias=number(event.bias))), "DIGEST"),
    "another linear part": (adapter(lambda _, event: replace(event, coefficients=doubled(event.coefficients))), "DIGEST"),
    "a version that answers alone": (adapter(lambda _, event: replace(event, alone=1)), "DIGEST"),
    "an altered row": (row, "DIGEST"),
    "an altered label": (label, "DIGEST"),
    "altered scaling": (frame(lambda event: replace(event, scales=doubled(event.scales))), "DIGEST"),
    "altered means": (frame(lambda event: replace(event, means=doubled(event.means))), "DIGEST"),
    "altered gains": (frame(lambda event: replace(event, gains=doubled(event.gains))), "DIGEST"),
    "classes in another order": (frame(lambda event: replace(event, classes=event.classes[::-1])), "DIGEST"),
    "features in another order": (frame(lambda event: replace(event, features=event.features[::-1])), "DIGEST"),
    "members in another order": (frame(swapped_members), "DIGEST"),
    "another width": (frame(lambda event: replace(event, width=3)), "DIGEST"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_adapter_is_refused_the_one_before_answers_on_and_the_next_signed_one_is_taken(bench: Any, name: str) -> None:
    change, reason = FORGERIES[name]
    device, teacher = bench.adapting()
    teacher.join(bench.elsewhere(2, favourite=1))
    teacher.publish()
    bench.applied(121)
    before = answers(device)
    teacher.learn(10)
    teacher.begin_anew()
    genuine = teacher.events()
    for key, event in genuine:
        bench.kafka.append(topics.MODEL_ADAPTERS, key, change(bench, event))
    report = refused(bench)
    assert (report.reason, report.version, report.adapter) == (reason, 1, 121)
    assert report.refused_adapter >= 131
    assert bench.metric("edgeloop_inference_adapter_refusals_total", stream=STREAM, reason=reason) == 1
    assert answers(device) == before
    teacher.learn(10)
    if change in (row, label):
        bench.kafka.online = False  # rows that are there are not taken again but by a new connection
        bench.eventually(lambda: bench.metric("edgeloop_inference_background_failures_total", job="installer") >= 1)
        bench.kafka.logs["model.adapters"].clear()
        bench.kafka.online = True
    teacher.begin_anew()
    teacher.publish()
    bench.applied(141)
    assert answers(device)[1] == teacher.says([bench.model(0), bench.model(1)], ROWS).tobytes()


def test_an_unsigned_adapter_of_a_higher_number_does_not_keep_out_the_signed_ones(bench: Any) -> None:
    device, teacher = bench.adapting()
    first = teacher.publish().event
    bench.applied(120)
    bench.kafka.append(topics.MODEL_ADAPTERS, "acme/pumps/adapter", replace(first, number=1 << 40))
    assert refused(bench).refused_adapter == 1 << 40
    teacher.learn(10)
    teacher.publish()
    bench.applied(130)
    assert answers(device)[0] == 130


def test_an_older_signed_adapter_that_is_played_again_changes_nothing_even_after_a_restart(bench: Any) -> None:
    device, teacher = bench.adapting()
    old = teacher.events()
    for key, event in old:
        bench.kafka.append(topics.MODEL_ADAPTERS, key, event)
    bench.applied(120)
    teacher.learn(10)
    teacher.publish()
    bench.applied(130)
    before = answers(device)
    bench.stop()
    bench.kafka.logs["model.adapters"].clear()
    for key, event in old:
        bench.kafka.append(topics.MODEL_ADAPTERS, key, event)
    device = bench.device()
    teacher.learn(10)
    assert answers(device) == before
    teacher.begin_anew()
    teacher.publish()
    bench.applied(140)


def test_keys_are_rotated_by_trusting_both_for_a_while(bench: Any) -> None:
    old, new = bench.adapter_keys[0], Ed25519PrivateKey.generate()
    bench.adapter_keys.append(new)
    device, teacher = bench.adapting()
    teacher.key = old
    teacher.publish()
    bench.applied(120)
    teacher.key = new
    teacher.learn(10)
    teacher.publish()
    bench.applied(130)
    before = answers(device)
    bench.stop()
    bench.adapter_keys.remove(old)
    bench.kafka.online = False
    assert answers(bench.device()) == before


def test_what_a_key_signed_that_is_not_trusted_any_more_is_left_out_at_the_next_start_and_named(
    bench: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _, teacher = bench.adapting()
    teacher.publish()
    bench.applied(120)
    bench.stop()
    bench.adapter_keys[:] = [Ed25519PrivateKey.generate()]
    bench.kafka.online = False
    device = bench.device()
    assert answers(device)[0] == 0
    assert "pumps: adapter: SIGNATURE" in capsys.readouterr().out
    bench.kafka.online = True
    assert refused(bench).reason == "SIGNATURE"
    teacher.key = bench.adapter_keys[0]
    teacher.learn(10)
    teacher.publish()
    bench.applied(130)
