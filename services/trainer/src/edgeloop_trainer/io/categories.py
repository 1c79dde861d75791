"""Categorical features as indicator columns, a step that is part of the model file. Only the child process and a replay import this.

A row has the index of a category, -1 for an unknown one, NaN for a missing one. Any other value counts as unknown.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Self

import numpy as np
import onnx
from edgeloop_mixture.columns import columns, parts, select_columns
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.base import BaseEstimator, TransformerMixin

from edgeloop_trainer.core.dataset import Floats

SEEN = "seen"


@cache
def _columns(categories: tuple[int, ...]) -> NDArray[np.int64]:
    """Columns, cached: River needs them for each row."""
    made = columns(categories, len(categories))
    made.setflags(write=False)
    return made


class Indicators(TransformerMixin, BaseEstimator):
    """The first step of a pipeline: one column per number and one per category, see :mod:`edgeloop_mixture.columns`.

    Trees take indicator columns, too. On some hundred to some thousand rows they did better than on one column of codes, and the more
    categories there were, the larger the gain.

    Parameters
    ----------
    categories
        Number of categories of each feature, 0 for a number.
    """

    def __init__(self, categories: tuple[int, ...]) -> None:
        self.categories = categories

    def fit(self, features: Floats, labels: Any = None) -> Self:
        """Learn nothing."""
        del features, labels
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """Always true."""
        return True

    @property
    def columns(self) -> NDArray[np.int64]:
        """Columns of the model's input."""
        return _columns(self.categories)

    def transform(self, features: Floats) -> Floats:
        """Rows [N, F] as model input, float32 [N, D]."""
        return select_columns(features, self.columns)

    def before(self, file: bytes) -> bytes:
        """The ONNX file of a model with this step put before it, so that it takes rows as they come."""
        model = onnx.load_model_from_string(file)
        graph = model.graph
        for node in graph.node:
            node.input[:] = [SEEN if name == "input" else name for name in node.input]
        features, codes = parts(self.columns, len(self.categories))
        own = codes < 0
        constants = {"of_numbers": features[own], "of_categories": features[~own], "codes": codes[~own].astype(np.float32)}
        graph.initializer.extend(numpy_helper.from_array(value, f"seen_{name}") for name, value in constants.items())
        steps = [
            helper.make_node("Gather", ["input", "seen_of_numbers"], ["seen_numbers"], axis=1),
            helper.make_node("Gather", ["input", "seen_of_categories"], ["seen_texts"], axis=1),
            helper.make_node("Equal", ["seen_texts", "seen_codes"], ["seen_same"]),
            helper.make_node("Cast", ["seen_same"], ["seen_as_numbers"], to=TensorProto.FLOAT),
            helper.make_node("Concat", ["seen_numbers", "seen_as_numbers"], [SEEN], axis=1),
        ]
        behind = list(graph.node)
        del graph.node[:]
        graph.node.extend([*steps, *behind])
        graph.input[0].CopyFrom(helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, len(self.categories)]))
        return model.SerializeToString(deterministic=True)
