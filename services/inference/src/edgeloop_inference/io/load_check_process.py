"""Load check of a model in a child process, before this process loads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from edgeloop_signing.statements import VersionStatement

from edgeloop_inference.core.version_admission import Reason, RefusalError

_KEPT = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "SYSTEMROOT")


class LoadCheck:
    """A child process that starts while the model is still being fetched.

    Parameters
    ----------
    statement
        Signed statement about the model.
    folder
        Where the child's empty working directory is made.
    memory_bytes, cpu_seconds, seconds
        Limits of the child; ``seconds`` counts from when it has the model.
    """

    def __init__(self, statement: VersionStatement, folder: Path, *, memory_bytes: int, cpu_seconds: int, seconds: float) -> None:
        self._seconds = seconds
        self._folder = tempfile.TemporaryDirectory(prefix="trial-", dir=folder)
        arguments = [memory_bytes, cpu_seconds, len(statement.features), len(statement.classes)]
        # The model gets nothing of the device's environment; one thread keeps the child's address space small.
        environment = {name: value for name in _KEPT if (value := os.environ.get(name)) is not None}
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "edgeloop_inference.io.load_check", *map(str, arguments)],
            cwd=self._folder.name,
            env=environment | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def check(self, model: bytes) -> None:
        """Hand over the model and wait for the result.

        Raises
        ------
        RefusalError
            ``LOAD``: it does not load, breaks the contract of models, or broke a limit.
        """
        try:
            output, errors = self._child.communicate(model, timeout=self._seconds)
        except subprocess.TimeoutExpired as error:
            raise RefusalError(Reason.LOAD, f"load check: not done within {self._seconds:g} s") from error
        try:
            why = str(json.loads(output)["problem"])
        except (ValueError, KeyError, TypeError) as error:
            tail = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise RefusalError(
                Reason.LOAD, f"load check: the child ended with {self._child.returncode} {' '.join(tail)}".rstrip()
            ) from error
        if why:
            raise RefusalError(Reason.LOAD, f"load check: {why}")

    def close(self) -> None:
        """End the child and remove its directory."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.communicate()
        self._folder.cleanup()
