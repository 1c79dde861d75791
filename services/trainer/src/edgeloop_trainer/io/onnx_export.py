"""Export of scikit-learn models to ONNX, and the parity check of both. Only the child process and a replay import this."""

from __future__ import annotations

from typing import Any

import numpy as np
import skl2onnx
from edgeloop_errors import InvalidError
from edgeloop_mixture.runtime import open_session
from numpy.typing import NDArray
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import is_regressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble._forest import ForestClassifier, ForestRegressor

from edgeloop_trainer.core.dataset import Floats
from edgeloop_trainer.io.categories import Indicators
from edgeloop_trainer.io.constant_export import export_constant, export_number
from edgeloop_trainer.io.forest_export import OPSETS, down_to_float32, export_forest, export_forest_of_numbers, in_a_row

PROBED = 1_000
PROBABILITY_TOLERANCE = 1e-4
TIE = 1e-5
ROUNDING = 1e-5


class ParityError(InvalidError):
    """The ONNX file and its model give different answers."""


def export(model: Any, width: int) -> bytes:
    """ONNX file of a fitted pipeline with classes 0, 1, …, or of numbers; equal models give equal bytes in every process.

    Input ``input`` float32 [N, width]; outputs ``label`` int64 [N] and ``probabilities`` float32 [N, C], or ``prediction`` float32 [N].
    """
    if isinstance(model[0], Indicators):
        return model[0].before(export(model[1:], len(model[0].columns)))
    if isinstance(model[-1], DummyRegressor):
        return export_number(float(np.ravel(model[-1].constant_)[0]), width)
    if isinstance(model[-1], ForestRegressor) and len(model) == 2:
        return export_forest_of_numbers(model[0], model[1], width)
    if isinstance(model[-1], DummyClassifier):
        return export_constant(width)
    if isinstance(model[-1], ForestClassifier) and len(model) == 2:
        return export_forest(model[0], model[1], width)
    # skl2onnx rounds thresholds of boosted trees to the nearest float32, which sends a row on a threshold to the wrong side.
    for trees in getattr(model[-1], "_predictors", ()):
        for tree in trees:
            tree.nodes["num_threshold"] = down_to_float32(tree.nodes["num_threshold"])
    numbers = is_regressor(model[-1])
    converted: Any = skl2onnx.convert_sklearn(
        model,
        "edgeloop",  # by default the graph has a random name
        [("input", FloatTensorType([None, width]))],
        options={} if numbers else {"zipmap": False},
        target_opset=OPSETS,
    )
    # skl2onnx lists operator sets in the order of a Python set, which differed in about one process of twenty. It lists "" once per
    # converter, and quantizers refuse a file that names a domain twice.
    opsets = {opset.domain: opset for opset in sorted(converted.opset_import, key=lambda opset: (opset.domain, opset.version))}
    del converted.opset_import[:]
    converted.opset_import.extend(opsets.values())
    return in_a_row(converted) if numbers else converted.SerializeToString(deterministic=True)


def probes(features: Floats) -> Floats:
    """Rows of the parity check: about 1,000 of those given, the same rows moved, and the same rows with missing values.

    Moved rows fall between the thresholds, on which the rows themselves lie. This needs no random numbers.
    """
    rows = features[:: max(1, len(features) // PROBED)]
    moved = (rows + np.roll(rows, 1, axis=0)) / np.float32(2)
    holes = rows.copy()
    holes[np.arange(holes.size).reshape(holes.shape) % 7 == 0] = np.nan
    return np.concatenate([rows, moved, holes])


def check_parity(model: Any, file: bytes, features: Floats) -> dict[str, float]:
    """Compare the answers of a classifier and its file; return how well they agree.

    Probabilities may differ by 1e-4, since ONNX adds float32 and scikit-learn float64. Labels must be equal, unless the two best classes
    are within 1e-5 of each other in scikit-learn.

    Raises
    ------
    ParityError
        They differ.
    """
    rows = probes(features)
    labels, probabilities = _answers(file, ["label", "probabilities"], rows)
    expected: NDArray[Any] = model.predict_proba(rows)
    if probabilities.shape != expected.shape:
        raise ParityError(f"probabilities: expected the shape {expected.shape} of scikit-learn, given {probabilities.shape}")
    difference = float(np.abs(probabilities - expected).max())
    chosen = np.take_along_axis(expected, labels[:, None], axis=1)[:, 0]
    wrong = int((expected.max(axis=1) - chosen > TIE).sum())
    agreement = float((labels == expected.argmax(axis=1)).mean())
    if wrong or difference > PROBABILITY_TOLERANCE or np.isnan(difference):
        raise ParityError(f"{wrong} of {len(rows)} labels differ, probabilities by up to {difference:.2g}")
    return {"parity_rows": float(len(rows)), "parity_agreement": agreement, "parity_difference": difference}


def check_numbers(model: Any, file: bytes, features: Floats) -> dict[str, float]:
    """Compare the numbers of a regressor and its file; return how well they agree.

    They may differ by 1e-5 of the largest number, since ONNX adds float32 and scikit-learn float64.

    Raises
    ------
    ParityError
        They differ, or are not finite.
    """
    rows = probes(features)
    (given,) = _answers(file, ["prediction"], rows)
    expected: NDArray[Any] = np.ravel(model.predict(rows))
    if given.shape != expected.shape:
        raise ParityError(f"predictions: expected the shape {expected.shape} of scikit-learn, given {given.shape}")
    difference = float(np.abs(given - expected).max())
    # Negated, since a comparison with NaN is false.
    if not difference <= ROUNDING * float(np.abs(expected).max()):
        raise ParityError(f"predictions differ by up to {difference:.2g}; the largest is {np.abs(expected).max():.2g}")
    return {"parity_rows": float(len(rows)), "parity_difference": difference}


def _answers(file: bytes, outputs: list[str], rows: Floats) -> list[NDArray[Any]]:
    return [np.asarray(out) for out in open_session(file).run(outputs, {"input": rows})]
