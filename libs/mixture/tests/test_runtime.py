"""Loading onnxruntime leaves nothing behind, and nothing waits to be sent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

USE = """
import numpy as np
from onnx import TensorProto, helper
given, answer = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in ("given", "answer"))
graph = helper.make_graph([helper.make_node("Identity", ["given"], ["answer"])], "g", [given], [answer])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
print(session.run(None, {"given": np.ones(2, np.float32)})[0].sum())
"""


def test_a_process_that_answers_writes_no_id_and_no_store_of_events(tmp_path: Path) -> None:
    # Nothing else of this environment: onnxruntime is silent, too, where it takes itself to be tested.
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    program = f"from edgeloop_mixture.runtime import onnxruntime\n{USE}"
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert (said.stdout.strip(), said.stderr) == ("2.0", "")
    assert list(tmp_path.rglob("*")) == []
