"""Output files of a command: report and pictures."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeloop_cli.errors import FailedError, RefusedError


def prepare(report: Path | None, plot: Path | None) -> None:
    """Make the folders, so that what cannot be written is told before anything runs.

    Raises
    ------
    RefusedError
        It cannot be written there.
    """
    for option, folder in (("--report", report.parent if report else None), ("--plot", plot)):
        if folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RefusedError(f"{option}: {folder}: {error.strerror or error}") from None
        if not os.access(folder, os.W_OK):
            raise RefusedError(f"{option}: {folder}: nothing can be written there")
    if report is not None and report.is_dir():
        raise RefusedError(f"--report: {report} is a folder; expected the name of a file")


def write_report(report: Path, content: Mapping[str, Any]) -> None:
    """Write a report as JSON.

    Raises
    ------
    FailedError
        There is no room any more, or the like.
    """
    try:
        report.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise FailedError(f"{report}: {error.strerror or error}") from None
