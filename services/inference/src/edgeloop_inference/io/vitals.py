"""Health of the process and its machine, as far as the system tells."""

from __future__ import annotations

import os
import resource
import shutil
import time
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc/self")
SYS = Path("/sys")


class ProcessVitals:
    """Processor, memory, disk and temperature; ``None`` where the system does not tell.

    Parameters
    ----------
    folder
        Data directory, whose disk counts.
    proc, sys
        Folders in which Linux tells about the process and the machine.
    """

    def __init__(self, folder: Path, proc: Path = PROC, sys: Path = SYS) -> None:
        self._folder = folder
        self._proc = proc
        self._sys = sys
        self._cpu_at = (_cpu_seconds(), time.monotonic())

    def cpu(self) -> float | None:
        """Processor share of the process since the last call, 1 for one core."""
        (used, at), now = self._cpu_at, (_cpu_seconds(), time.monotonic())
        self._cpu_at = now
        return (now[0] - used) / (now[1] - at) if now[1] > at else None

    def memory(self) -> int | None:
        """Resident memory of the process, bytes."""
        with suppress(OSError, ValueError, IndexError):
            return int((self._proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return None

    def disk_free(self) -> int | None:
        """Free bytes on the disk of the data directory."""
        with suppress(OSError):
            return shutil.disk_usage(self._folder).free
        return None

    def temperature(self) -> float | None:
        """Highest temperature of the machine's thermal zones, °C."""
        found: list[float] = []
        for zone in self._sys.glob("class/thermal/thermal_zone*/temp"):
            with suppress(OSError, ValueError):
                found.append(int(zone.read_text()) / 1000)
        return max(found, default=None)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
