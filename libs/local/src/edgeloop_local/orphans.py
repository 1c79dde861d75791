"""Ending the servers of a stack whose owner is gone, where the system couldn't do it for us."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psutil

from edgeloop_local.stack_description import StackInfo

if TYPE_CHECKING:
    from pathlib import Path


def end_leftovers(data_dir: Path, grace: float) -> None:
    """
    End what still runs on a data directory according to its description, and remove the description.

    On Linux the servers die with their owner. Elsewhere a killed owner may leave them for a moment, or for good.
    The caller holds the directory's lock, so no living owner exists.

    Parameters
    ----------
    data_dir : pathlib.Path
        The data directory.
    grace : float
        Seconds between asking and killing.
    """
    info = StackInfo.load(data_dir)
    if info is None:
        return
    found = [process for each in (info.kafka, info.registry) if (process := each.find()) is not None]
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(found, timeout=grace)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=grace)
    StackInfo.forget(data_dir)
