"""Entry point of the child process. It imports nothing heavy before its limits hold."""

from __future__ import annotations

import os
import resource
import signal
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeloop_trainer.io.online_models import OnlineModels

READY = "ready"


def serve(pipe: Connection, memory_bytes: int) -> None:
    """Receive jobs and send results until the pipe closes, which also happens when the parent dies.

    Parameters
    ----------
    pipe
        Connection to the parent.
    memory_bytes
        Limit of this process's address space.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends this process after its own work
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard), hard))
    from edgeloop_trainer.core.online_group import OnlineBatch
    from edgeloop_trainer.io.fit import fit

    online: OnlineModels | None = None
    try:
        pipe.send(READY)
        while True:
            job = pipe.recv()
            if isinstance(job, OnlineBatch):
                if online is None:
                    from edgeloop_trainer.io.online_models import OnlineModels  # River is imported for the first batch only

                    online = OnlineModels()
                pipe.send(online.learn(job))
            else:
                pipe.send(fit(job, online))
    except (EOFError, OSError):
        return
