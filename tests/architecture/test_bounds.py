"""Every bound in the settings has a test that measures what it bounds, or a reason why it needs none."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

from pydantic_settings import BaseSettings

ROOT = Path(__file__).resolve().parents[2]
BOUND = re.compile(r"bytes|_mb$|memory|max_rows|_max_|^max_|archive")

HELD: dict[str, str] = {
    "labels.horizon_bytes": "services/labels/tests/test_bounds.py",
    "labels.memory_bytes": "services/labels/tests/test_bounds.py",
    "inference.outbox_max_bytes": "services/inference/tests/test_outbox_bounds.py",
    "inference.outbox_max_rows": "services/inference/tests/test_outbox.py",
    "inference.archive_max_bytes": "services/inference/tests/test_archive.py",
    "inference.max_model_bytes": "services/inference/tests/test_installation.py",
    "inference.request_max_rows": "services/inference/tests/test_limits.py",
    "trainer.fit_memory_mb": "services/trainer/tests/test_fit_process.py",
}
REASONS: dict[str, str] = {
    "inference.grpc_max_message_bytes": "gRPC refuses larger messages before it reads them; what is set is handed over",
    "inference.trial_memory_bytes": "the kernel holds the address space of the trial to it, see load_check.py",
    "ingestion.definitions_max_age_s": "an age, no size",
    "trainer.archive": "a number of versions, each within the largest model",
}


def bounds() -> set[str]:
    found: set[str] = set()
    for path in sorted((ROOT / "services").glob("*/src/edgeloop_*/settings.py")):
        module = importlib.import_module(f"{path.parent.name}.settings")
        for kind in vars(module).values():
            if inspect.isclass(kind) and issubclass(kind, BaseSettings) and kind.__module__ == module.__name__:
                service = path.parent.name.removeprefix("edgeloop_")
                found |= {f"{service}.{name}" for name in kind.model_fields if BOUND.search(name)}
    return found


def test_every_bound_is_measured_or_says_why_not() -> None:
    assert bounds() == HELD.keys() | REASONS.keys()


def test_the_tests_that_measure_are_there() -> None:
    for name, path in HELD.items():
        assert (ROOT / path).exists(), (name, path)
