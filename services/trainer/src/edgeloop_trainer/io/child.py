"""Entry of the child process. It imports nothing heavy before its limits stand."""

from __future__ import annotations

import os
import resource
import signal
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeloop_trainer.io.online import OnlineModels

READY = "ready"


def serve(pipe: Connection, memory_bytes: int) -> None:
    """Take jobs and give back results until the pipe closes, which it does too when the parent dies.

    Parameters
    ----------
    pipe
        To the parent.
    memory_bytes
        Address space that this process may have.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us when it has ended its work
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard), hard))
    from edgeloop_trainer.core.lessons import Lesson
    from edgeloop_trainer.io.fit import fit

    online: OnlineModels | None = None
    try:
        pipe.send(READY)
        while True:
            job = pipe.recv()
            if isinstance(job, Lesson):
                if online is None:
                    from edgeloop_trainer.io.online import OnlineModels  # River is imported where somebody wants it

                    online = OnlineModels()
                pipe.send(online.learn(job))
            else:
                pipe.send(fit(job, online))
    except (EOFError, OSError):
        return
