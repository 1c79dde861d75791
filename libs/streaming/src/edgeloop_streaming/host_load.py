"""What the machine leaves to this process, and how long a commit may take on it: limits of time hold for a machine that is free."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

LEAST = 0.25  # no limit grows to more than four times what it is on a machine that is free
_STAT = Path("/proc/stat")
_BUSY = 3  # user, nice and system stand before idle and iowait
_COLUMNS = 8  # those behind are parts of the first two


def processor_times() -> tuple[float, float]:
    """Seconds of all processors since the machine started, and those in which they had nothing to do; zeros where nobody tells."""
    try:
        ticks = [int(field) for field in _STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1 : _COLUMNS + 1]]
    except (OSError, ValueError):
        return 0.0, 0.0
    hertz = os.sysconf("SC_CLK_TCK")
    return sum(ticks) / hertz, sum(ticks[_BUSY : _BUSY + 2]) / hertz


def own_time() -> float:
    """Seconds of processor that this process and what it has waited for have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class Machine:
    """Which share of the processors this process used or could have used: what others took is not there for it.

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
        """The share since the last call, from a quarter to 1; 1 where nobody tells."""
        total, idle, own = now = (*self._times(), self._own())
        total, idle, own = (new - old for new, old in zip(now, self._before, strict=True))
        self._before = now
        return min(max((idle + own) / total, LEAST), 1.0) if total > 0 else 1.0


class Pace:
    """How long commits take here, and which one is too slow to be believed.

    One that takes over a second on a machine that is free, and more than three times as long as those before, may hide that the client
    has lost its connection and sent the end of the transaction again. Whatever the machine, after four seconds it is doubted.

    Parameters
    ----------
    machine
        That this process runs on.
    clock
        Seconds that only rise.
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
        """A commit begins."""
        self._began = self._clock()
        if self._began - self._marked > self.MARK_S:  # to look at the machine takes longer than some commits
            self._machine.left()
            self._marked = self._began

    def end(self) -> str:
        """It is done; why it is to be doubted, or ``""``."""
        seconds = self._clock() - self._began
        slowest = max(self._seconds, default=0.0)
        self._seconds.append(seconds)
        if seconds <= self.FREE_S or seconds <= min(self.TIMES * slowest, self.FREE_S / LEAST):
            return ""
        limit = max(self.FREE_S / self._machine.left(), min(self.TIMES * slowest, self.FREE_S / LEAST))
        self._marked = self._clock()
        return f"the commit took {seconds:.1f} s, expected {limit:.1f} s at most" if seconds > limit else ""


class Age:
    """How old a moment is, counted in what the machine left to this process since then.

    Parameters
    ----------
    machine, clock
        As of :class:`Pace`.
    longest
        Seconds between two looks that count; a process that was stopped has had no more.
    """

    def __init__(self, longest: float, machine: Machine | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._longest = longest
        self._machine = machine or Machine()
        self._clock = clock
        self._looks: deque[tuple[float, float]] = deque([(clock(), 0.0)], maxlen=2_000)

    def look(self) -> float:
        """Count what has passed since the last look; give it back."""
        before, counted = self._looks[-1]
        now = self._clock()
        passed = min(now - before, self._longest) * self._machine.left()
        self._looks.append((now, counted + passed))
        return passed

    def of(self, moment: float) -> float:
        """Age of a moment by the clock, as of the last look."""
        newest = self._looks[-1][1]
        counted = next((sum_ for at, sum_ in reversed(self._looks) if at <= moment), self._looks[0][1])
        return newest - counted
