"""The child process that fits, seen from its parent."""

from __future__ import annotations

import multiprocessing
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.online_group import OnlineBatch, OnlineProgress
from edgeloop_trainer.io.fit_worker import READY, serve

ATTEMPTS = 2
REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a fit.

    Attributes
    ----------
    seconds
        Wall time of one fit.
    memory_bytes
        Address space of the child.
    start_seconds
        Wall time for the start of the child.
    """

    seconds: float = 120.0
    memory_bytes: int = 4 << 30
    start_seconds: float = 60.0


class PendingJob:
    """A fit or a batch of online training in the queue.

    Attributes
    ----------
    result
        The result; ``None`` until the job is done.
    """

    def __init__(self, job: FitJob | OnlineBatch, pump: Callable[[], None]) -> None:
        self.job = job
        self.result: Fitted | Failed | OnlineProgress | None = None
        self.attempts = 0
        self._pump = pump

    def done(self) -> bool:
        """Whether the job is done; asking moves the work on."""
        self._pump()
        return self.result is not None


class FitProcess:
    """A queue of jobs for one child process, which is restarted when it dies or hangs.

    It needs no thread and never blocks: a caller polls :meth:`PendingJob.done`. A job whose child dies is run once more, since the job
    may not be the reason; then it fails.

    Parameters
    ----------
    limits
        Of time and memory.
    clock
        Monotonic time in seconds.

    Attributes
    ----------
    limits
        As given.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        self._context = multiprocessing.get_context("spawn")  # a fork would copy Kafka's threads and locks
        self._child: Any = None
        self._pipe: Connection | None = None
        self._ready = False
        self._deadline = 0.0
        self._starts = 0
        self._current: PendingJob | None = None
        self._queue: deque[PendingJob] = deque()
        self._known: OrderedDict[str, PendingJob] = OrderedDict()

    @property
    def pid(self) -> int:
        """Process id of the child; 0 for none."""
        return int(self._child.pid or 0) if self._child else 0

    def start(self) -> None:
        """Start the child, without waiting for it; it imports libraries for some seconds."""
        self._pipe, theirs = self._context.Pipe()
        self._child = self._context.Process(target=serve, args=(theirs, self.limits.memory_bytes), daemon=True, name="fit")
        self._child.start()
        theirs.close()  # so that the pipe reports the end of the child
        self._ready = False
        self._starts += 1
        self._deadline = self._clock() + self.limits.start_seconds

    def submit(self, job: FitJob) -> PendingJob:
        """Queue a fit. An equal job gives the same fit, also after its partition was reassigned, unless that fit failed."""
        known = self._known.get(job.key)
        if known is None or isinstance(known.result, Failed):
            known = self._known[job.key] = PendingJob(job, self._step)
            self._queue.append(known)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        self._step()
        return known

    def train(self, batch: OnlineBatch) -> PendingJob:
        """Queue a batch of online training. Its result depends on earlier batches, so each call is a new job."""
        pending = PendingJob(batch, self._step)
        self._queue.append(pending)
        self._step()
        return pending

    def close(self) -> None:
        """End the child."""
        self._stop()

    def _step(self) -> None:
        if self._pipe is None:
            self.start()
        try:
            self._receive()
            self._send()
        except (EOFError, OSError):
            self._died()
            return
        if (self._current or not self._ready) and self._clock() > self._deadline:
            self._overdue()

    def _receive(self) -> None:
        while self._pipe and self._pipe.poll(0):
            answer = self._pipe.recv()
            if answer == READY:
                self._ready, self._starts = True, 0
            elif self._current:
                self._current.result, self._current = answer, None

    def _send(self) -> None:
        # A ready and idle child reads at once, so this cannot block on a full pipe.
        if self._pipe and self._ready and self._current is None and self._queue:
            self._current = self._queue.popleft()
            self._current.attempts += 1
            self._deadline = self._clock() + self.limits.seconds
            self._pipe.send(self._current.job)

    def _died(self) -> None:
        code = self._stop()
        reason = f"the fit process ended with {code}"
        if self._current and self._current.attempts < ATTEMPTS:
            self._queue.appendleft(self._current)
        elif self._current:
            self._current.result = Failed(reason)
        elif self._starts >= ATTEMPTS:
            self._fail_all(f"{reason} before it was ready")
        self._current = None

    def _overdue(self) -> None:
        self._stop()
        if self._current:
            self._current.result = Failed(f"the fit took more than {self.limits.seconds:g} s")
        elif self._starts >= ATTEMPTS:
            self._fail_all(f"the fit process was not ready within {self.limits.start_seconds:g} s")
        self._current = None

    def _fail_all(self, reason: str) -> None:
        self._starts = 0
        while self._queue:
            self._queue.popleft().result = Failed(reason)

    def _stop(self) -> int | None:
        """End the child, if there is one, and return its exit code."""
        code: int | None = None
        if self._child is not None:
            self._child.join(0.05)  # a child that is dying by itself has its own exit code
            self._child.kill()
            self._child.join()
            code = self._child.exitcode
        if self._pipe is not None:
            self._pipe.close()
        self._child = self._pipe = None
        self._ready = False
        return code
