"""scikit-learn to ONNX, and the proof that both answer alike. Only the child process imports this."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import skl2onnx
from numpy.typing import NDArray
from skl2onnx.common.data_types import FloatTensorType
from sklearn.dummy import DummyClassifier
from sklearn.ensemble._forest import ForestClassifier

from edgeloop_trainer.adapters.constant_export import export_constant
from edgeloop_trainer.adapters.forest_export import OPSETS, down_to_float32, export_forest
from edgeloop_trainer.core.dataset import Floats

PROBED = 1_000
PROBABILITY_TOLERANCE = 1e-4
TIE = 1e-5


class ParityError(Exception):
    """The ONNX file answers otherwise than the model that it was made from."""


def export(model: Any, width: int) -> bytes:
    """ONNX file of a fitted pipeline with classes 0, 1, …: the same bytes for the same model, in every process.

    Input ``input`` float32 [N, width]; outputs ``label`` int64 [N] and ``probabilities`` float32 [N, C].
    """
    if isinstance(model[-1], DummyClassifier):
        return export_constant(width)
    if isinstance(model[-1], ForestClassifier) and len(model) == 2:
        return export_forest(model[0], model[1], width)
    # skl2onnx rounds the thresholds of boosted trees to the nearest float32, and a row that lies on one goes astray.
    for trees in getattr(model[-1], "_predictors", ()):
        for tree in trees:
            tree.nodes["num_threshold"] = down_to_float32(tree.nodes["num_threshold"])
    converted: Any = skl2onnx.convert_sklearn(
        model,
        "edgeloop",  # by default the graph has a random name
        [("input", FloatTensorType([None, width]))],
        options={"zipmap": False},
        target_opset=OPSETS,
    )
    return converted.SerializeToString(deterministic=True)


def probes(features: Floats) -> Floats:
    """Rows to compare on: those given (thinned to some 1,000), the same a little moved, and the same with holes.

    Moved rows fall between the thresholds that the rows themselves lie on; no random numbers are needed for that.
    """
    rows = features[:: max(1, len(features) // PROBED)]
    moved = (rows + np.roll(rows, 1, axis=0)) / np.float32(2)
    holes = rows.copy()
    holes[np.arange(holes.size).reshape(holes.shape) % 7 == 0] = np.nan
    return np.concatenate([rows, moved, holes])


def check_parity(model: Any, onnx: bytes, features: Floats) -> dict[str, float]:
    """Compare answers; give back how well they agree.

    Probabilities may differ by 1e-4: ONNX adds float32, scikit-learn float64. Labels must be equal, but where the two best
    classes are within 1e-5 of each other in scikit-learn, rounding decides, and both answers count as right.

    Raises
    ------
    ParityError
        They do not agree.
    """
    rows = probes(features)
    onnxruntime.disable_telemetry_events()  # nothing of a fleet's business leaves it
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    labels, probabilities = (np.asarray(out) for out in session.run(["label", "probabilities"], {"input": rows}))
    expected: NDArray[Any] = model.predict_proba(rows)
    if probabilities.shape != expected.shape:
        raise ParityError(f"probabilities of shape {probabilities.shape}; scikit-learn gives {expected.shape}")
    difference = float(np.abs(probabilities - expected).max())
    chosen = np.take_along_axis(expected, labels[:, None], axis=1)[:, 0]
    wrong = int((expected.max(axis=1) - chosen > TIE).sum())
    agreement = float((labels == expected.argmax(axis=1)).mean())
    if wrong or difference > PROBABILITY_TOLERANCE or np.isnan(difference):
        raise ParityError(f"{wrong} of {len(rows)} labels differ, probabilities by up to {difference:.2g}")
    return {"parity_rows": float(len(rows)), "parity_agreement": agreement, "parity_difference": difference}
