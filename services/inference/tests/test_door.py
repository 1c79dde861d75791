"""Refusals of a device before ingestion, and masks before the model."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from edgeloop_contracts import Feature, Mask
from edgeloop_inference.io.definitions import Definitions
from edgeloop_inference.io.startup import CannotStartError
from tritonclient.utils import InferenceServerException

PLANTED = 31337.5


def client_of(device: Any) -> Any:
    return triton.InferenceServerClient(f"127.0.0.1:{device.port}")


def ask(client: Any, rows: Any, **options: Any) -> Any:
    array = np.array(rows, np.float32)
    tensor = triton.InferInput("input", array.shape, "FP32")
    tensor.set_data_from_numpy(array)
    return client.infer("pumps", [tensor], **options)


def refused(client: Any, rows: Any, **options: Any) -> str:
    with pytest.raises(InferenceServerException) as error:
        ask(client, rows, **options)
    assert error.value.status() == "StatusCode.INVALID_ARGUMENT"
    return str(error.value)


@pytest.fixture
def strict(bench: Any) -> Any:
    """A device whose stream has a range and a value that must be there."""
    bench.kafka.define(features=(Feature(name="flow", nullable=False, minimum=0, maximum=400), "pressure"))
    return client_of(bench.serving())


def test_a_request_id_that_ingestion_would_refuse_is_refused_before_the_answer(strict: Any) -> None:
    assert "row 0, request id: expected at most 512 characters, given 600" in refused(strict, [[1, 2]], request_id="L" * 600)
    said = refused(strict, [[1, 2]] * 11, request_id="L" * 510)
    assert "row 10, request id: expected at most 512 characters, given 513; 1 of 11 rows are refused" in said
    assert ask(strict, [[1, 2]], request_id="L" * 512).get_response().parameters["edgeloop_seq"].int64_param == 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, 2], [np.inf, 2]], r"row 1, feature 'flow': expected a finite value in [0, 400], given inf; 1 of 2 rows are refused"),
        ([[1, -np.inf]], r"row 0, feature 'pressure': expected a finite value in [-∞, ∞] or NaN, given -inf"),
        ([[401, 2]], r"row 0, feature 'flow': expected a finite value in [0, 400], given 401"),
        ([[np.nan, 2]], r"row 0, feature 'flow': expected a finite value in [0, 400], given nan"),
    ],
)
def test_values_that_ingestion_would_refuse_are_refused_before_the_answer(bench: Any, strict: Any, rows: Any, message: str) -> None:
    assert message in refused(strict, rows)
    ask(strict, [[1, np.nan]])
    assert [b.count for b in bench.eventually(lambda: bench.kafka.batches)] == [1]


def test_a_time_that_no_calendar_has_is_refused(strict: Any) -> None:
    assert "event time: expected milliseconds since 1970" in refused(strict, [[1, 2]], parameters={"edgeloop_event_time": 1 << 60})


def test_a_device_whose_rows_nobody_would_take_does_not_start(bench: Any) -> None:
    with pytest.raises(CannotStartError, match="device_id: expected 1 to 200 printable characters"):
        bench.device(device="p" * 201)


def _everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_the_model_and_everything_behind_it_see_what_the_definition_lets_out(bench: Any) -> None:
    bench.kafka.define(features=(Feature(name="flow", local_only=True), Feature(name="pressure", pii=True)))
    device = bench.serving()
    client = client_of(device)
    # Its model answers "good" where the flow is above 100, and sees none.
    assert ask(client, [[PLANTED, PLANTED], [PLANTED, 1]]).as_numpy("label").tolist() == [b"bad", b"bad"]
    ask(client, [[1, PLANTED]])
    batches = bench.eventually(lambda: bench.kafka.batches if sum(b.count for b in bench.kafka.batches) == 3 else None)
    values = np.concatenate([np.frombuffer(b.features, "<f4").reshape(-1, 2) for b in batches])
    assert np.isnan(values[:, 0]).all() and values[0, 1] == values[2, 1] != values[1, 1] and values[0, 1] < 0
    assert np.float32(PLANTED).tobytes() not in _everything_in(bench.folder)


def test_a_change_of_the_definition_counts_at_once_and_outlasts_a_restart_without_network(bench: Any) -> None:
    first = bench.serving()
    assert ask(client_of(first), [[PLANTED, 1]]).as_numpy("label").tolist() == [b"good"]
    bench.kafka.define(features=(Feature(name="flow", mask=Mask.DROP), "pressure"), version=2)
    bench.eventually(lambda: ask(client_of(first), [[PLANTED, 1]]).as_numpy("label").tolist() == [b"bad"])
    bench.stop()
    bench.kafka.online = False
    assert ask(client_of(bench.device()), [[PLANTED, 1]]).as_numpy("label").tolist() == [b"bad"]


def test_without_its_definition_a_model_waits_for_the_network(bench: Any) -> None:
    bench.serving()
    bench.stop()
    for path in (bench.folder / "data" / "definitions").iterdir():
        path.write_bytes(b"{}")
    bench.kafka.online = False
    second = bench.device()
    assert not second.ready
    bench.kafka.online = True
    bench.eventually(lambda: second.ready)


def test_the_salt_is_the_devices_own_and_pseudonyms_outlast_a_restart(bench: Any) -> None:
    bench.kafka.define(features=("flow", Feature(name="pressure", pii=True)))
    first = bench.serving()
    salt = bench.folder / "data" / "salt"
    assert stat.S_IMODE(salt.stat().st_mode) == 0o600 and len(salt.read_bytes()) == 32
    ask(client_of(first), [[1, PLANTED]])
    bench.stop()
    ask(client_of(bench.device()), [[1, PLANTED]])
    batches = bench.eventually(lambda: bench.kafka.batches if sum(b.count for b in bench.kafka.batches) == 2 else None)
    assert len({b.features for b in batches}) == 1
    bench.stop()
    salt.write_bytes(b"short")
    with pytest.raises(CannotStartError, match="expected 32 bytes, given 5"):
        bench.device()


def test_of_several_definitions_only_the_newest_ever_counts(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[int] = []
    monkeypatch.setattr(Definitions, "learn", lambda _, definition: learned.append(definition.version))
    bench.kafka.define()
    bench.kafka.define(features=(Feature(name="flow", local_only=True), "pressure"), version=2)
    bench.device()
    bench.eventually(lambda: learned)
    assert learned == [2]
