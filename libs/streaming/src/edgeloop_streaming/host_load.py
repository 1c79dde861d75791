"""Load of the machine: limits of time hold for a free machine and stretch on a busy one."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

LEAST = 0.25  # no limit grows beyond four times its value on a free machine
_STAT = Path("/proc/stat")
_BUSY = 3  # user, nice and system stand before idle and iowait
_COLUMNS = 8  # those behind are parts of the first two


def processor_times() -> tuple[float, float]:
    """Seconds of all processors since the machine started, and their idle seconds; zeros where the system does not report them."""
    try:
        ticks = [int(field) for field in _STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1 : _COLUMNS + 1]]
    except (OSError, ValueError):
        return 0.0, 0.0
    hertz = os.sysconf("SC_CLK_TCK")
    return sum(ticks) / hertz, sum(ticks[_BUSY : _BUSY + 2]) / hertz


def own_time() -> float:
    """Processor seconds of this process and its ended children."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class Machine:
    """The share of the processors that this process used or could have used; the rest was taken by others.

    Parameters
    ----------
    times, own
        As :func:`processor_times` and :func:`own_time`.
    """

    def __init__(self, times: Callable[[], tuple[float, float]] = processor_times, own: Callable[[], float] = own_time) -> None:
        self._times = times
        self._own = own
        self._before = (*times(), own())

    def left(self) -> float:
        """The share since the last call, from a quarter to 1; 1 where the system does not report it."""
        total, idle, own = now = (*self._times(), self._own())
        total, idle, own = (new - old for new, old in zip(now, self._before, strict=True))
        self._before = now
        return min(max((idle + own) / total, LEAST), 1.0) if total > 0 else 1.0


class Pace:
    """Durations of commits, and the limit beyond which a commit is in doubt.

    A commit may hide that the client lost its connection and sent the end of the transaction again. It is in doubt if it takes over a
    second on a free machine and more than three times as long as those before; beyond four seconds, it always is.

    Parameters
    ----------
    machine
        The machine of this process.
    clock
        Monotonic clock, seconds.
    """

    FREE_S = 1.0
    TIMES = 3.0
    REMEMBERED = 20
    MARK_S = 1.0

    def __init__(self, machine: Machine | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._machine = machine or Machine()
        self._clock = clock
        self._seconds: deque[float] = deque(maxlen=self.REMEMBERED)
        self._marked = self._began = clock()

    def begin(self) -> None:
        """Note that a commit begins."""
        self._began = self._clock()
        if self._began - self._marked > self.MARK_S:  # reading the load takes longer than some commits
            self._machine.left()
            self._marked = self._began

    def end(self) -> str:
        """Note that it ended; give back the reason for a doubt, or ``""``."""
        seconds = self._clock() - self._began
        slowest = max(self._seconds, default=0.0)
        self._seconds.append(seconds)
        if seconds <= self.FREE_S or seconds <= min(self.TIMES * slowest, self.FREE_S / LEAST):
            return ""
        limit = max(self.FREE_S / self._machine.left(), min(self.TIMES * slowest, self.FREE_S / LEAST))
        self._marked = self._clock()
        return f"the commit took {seconds:.1f} s, expected {limit:.1f} s at most" if seconds > limit else ""


class Age:
    """Age of a moment, in time that the machine gave this process since then.

    Parameters
    ----------
    machine, clock
        As of :class:`Pace`.
    longest
        Most seconds that count between two ticks: a process that was stopped had no more.
    """

    def __init__(self, longest: float, machine: Machine | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest = longest
        self._machine = machine or Machine()
        self._clock = clock
        self._ticks: deque[tuple[float, float]] = deque([(clock(), 0.0)], maxlen=2_000)

    def tick(self) -> float:
        """Count the time since the last tick; give it back."""
        before, counted = self._ticks[-1]
        now = self._clock()
        passed = min(now - before, self._longest) * self._machine.left()
        self._ticks.append((now, counted + passed))
        return passed

    def of(self, moment: float) -> float:
        """Age of a moment by the clock, as of the last tick."""
        newest = self._ticks[-1][1]
        counted = next((sum_ for at, sum_ in reversed(self._ticks) if at <= moment), self._ticks[0][1])
        return newest - counted
