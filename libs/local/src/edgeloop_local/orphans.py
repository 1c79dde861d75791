"""Servers that outlived the owner of their stack, which happens where the kernel does not end them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psutil

from edgeloop_local.stack_description import StackInfo

if TYPE_CHECKING:
    from pathlib import Path


def end_orphans(data_dir: Path, grace: float) -> None:
    """
    End the servers that still run on a data directory by its description, and remove the description.

    On Linux the servers die with their owner. Elsewhere they may outlive a killed owner. The caller holds the directory's lock, so
    no owner is alive.

    Parameters
    ----------
    data_dir : pathlib.Path
        The data directory.
    grace : float
        Seconds between SIGTERM and SIGKILL.
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
