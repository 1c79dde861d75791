"""The child process in which a model is loaded for the first time: ``python -m edgeloop_inference.io.load_check``.

The process limits itself, reads the model from standard input, loads it and runs it. It writes its finding to standard output, as one
line of JSON. A crash inside onnxruntime or a lack of memory ends this process, and the device goes on.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any


def limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Bound this process: address space, processor time, and no file may grow."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def examine(model: bytes, features: int, classes: int) -> dict[str, Any]:
    """Load a model, check its ports, and run it on some rows of zeros."""
    import numpy as np
    from edgeloop_mixture.runtime import open_session

    from edgeloop_inference.core.model_contract import INPUT, outputs_of, port, problem

    session = open_session(model, quiet=True)
    inputs, outputs = ([port((p.name, p.type, p.shape)) for p in ports] for ports in (session.get_inputs(), session.get_outputs()))
    if why := problem(inputs, outputs, features, classes):
        return {"problem": why}
    for count in (1, 3):
        answers = session.run(outputs_of(classes), {INPUT: np.zeros((count, features), np.float32)})
        if not classes:
            if answers[0].shape != (count,) or not np.isfinite(answers[0]).all():
                return {"problem": f"{count} rows: expected [{count}] finite numbers, given {answers[0].tolist()}"}
            continue
        labels, probabilities = answers
        if labels.shape != (count,) or probabilities.shape != (count, classes):
            return {"problem": f"{count} rows: expected [{count}] and [{count}, {classes}], given {labels.shape} and {probabilities.shape}"}
        if not all(0 <= label < classes for label in labels.tolist()):
            return {"problem": f"expected labels from 0 to {classes - 1}, given {labels.tolist()}"}
        if not np.isfinite(probabilities).all():
            return {"problem": f"expected finite probabilities, given {probabilities.tolist()}"[:2000]}
    return {"problem": ""}


def main() -> int:
    """Entry point: memory in bytes, processor time in seconds, number of features, number of classes."""
    memory, cpu, features, classes = map(int, sys.argv[1:5])
    limit(memory, cpu)
    import edgeloop_mixture.runtime  # noqa: F401 - loads onnxruntime while the model is still being fetched
    from edgeloop_contracts.texts import cut

    model = sys.stdin.buffer.read()
    if not model:
        return 0  # the installation was given up
    try:
        seen = examine(model, features, classes)
    except Exception as error:  # onnxruntime raises what it likes; all of it means that the model does not load
        seen = {"problem": cut(f"{type(error).__name__}: {error}")}
    print(json.dumps(seen), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
