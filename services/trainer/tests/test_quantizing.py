"""Our files in the hands of others: each names a set of operators once, and onnxruntime's quantizer takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from edgeloop_mixture.runtime import open_session
from edgeloop_trainer.core.families import CLASSIFIERS, ONLINE, ONLINE_REGRESSORS, REGRESSORS, Family
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Fitted
from edgeloop_trainer.core.online_group import GroupAtRow, OnlineBatch, OnlineGroup, OnlineSpec
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.io.fit import fit
from edgeloop_trainer.io.online_models import OnlineModels
from onnxruntime.quantization import quantize_dynamic  # noqa: TID251 - the runtime above has silenced it

ROWS, WIDTH = 300, 4
FITTED = [(family, False) for family in sorted(CLASSIFIERS - ONLINE)] + [(family, True) for family in sorted(REGRESSORS - ONLINE)]
LEARNED = [(family, False) for family in sorted(ONLINE)] + [(family, True) for family in sorted(ONLINE_REGRESSORS)]


def made(family: Family, *, numbers: bool, constant: bool = False) -> tuple[bytes, Any]:
    """A file of that family, and rows to ask it about."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(ROWS, WIDTH)).astype(np.float32)
    truth = features[:, 0] * 3.0 if numbers else (features[:, 0] > 0).astype(np.int64)
    truth = truth * 0 if constant else truth
    classes = () if numbers else ("no",) if constant else ("no", "yes")
    online, due = None, None
    if family in ONLINE:
        online, group = OnlineModels(), OnlineGroup("s", WIDTH, (OnlineSpec(family, 3, 0, numbers),))
        said = [repr(float(value)) if numbers else ("no", "yes")[int(value)] for value in truth]
        online.learn(OnlineBatch(group, 1, ROWS, features, tuple(said), begin=True))
        due = GroupAtRow(group, ROWS)
    result = fit(FitJob("d", features, truth, classes, None, Recipe(family, trees=3), online=due), online)
    assert isinstance(result, Fitted), result
    return result.onnx, features


@pytest.mark.parametrize(("family", "numbers"), FITTED + LEARNED)
@pytest.mark.parametrize("constant", [False, True], ids=["", "constant"])
def test_each_domain_is_named_once(family: Family, numbers: bool, constant: bool) -> None:
    file, _ = made(family, numbers=numbers, constant=constant)
    domains = [opset.domain for opset in onnx.ModelProto.FromString(file).opset_import]
    assert sorted(set(domains)) == sorted(domains)
    assert "" in domains


@pytest.mark.parametrize(("family", "numbers"), FITTED)
def test_the_quantizer_takes_each_file_and_what_it_gives_back_answers(family: Family, numbers: bool, tmp_path: Path) -> None:
    file, features = made(family, numbers=numbers)
    given, quantized = tmp_path / "given.onnx", tmp_path / "quantized.onnx"
    given.write_bytes(file)
    quantize_dynamic(given, quantized)
    output = "prediction" if numbers else "label"
    (before,), (after,) = (open_session(path.read_bytes()).run([output], {"input": features}) for path in (given, quantized))
    if family is Family.MLP:  # the one family whose weights are matrices
        kinds = {node.op_type for node in onnx.load(quantized).graph.node}
        assert "MatMulInteger" in kinds
        assert float(np.abs(after - before).mean()) < 0.2
    else:
        np.testing.assert_array_equal(after, before)
