"""Stopping in good order when asked to, and saying so at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

INTERRUPTED = 130
_ONE_PRESS_S = 0.5  # a signal to a whole group may reach us twice


@contextlib.contextmanager
def interrupted_by_signals(what: str = "stopping") -> Generator[None]:
    """
    Within the block, let the first Ctrl-C, SIGTERM or SIGHUP raise `KeyboardInterrupt`, and a second Ctrl-C end the process at once.

    A thread says so on standard error the moment the signal comes, whatever the main thread is busy with. Without the
    block SIGTERM and SIGHUP end Python where it stands, and ``with LocalStack()`` would have no chance to stop its
    servers in good order; a second Ctrl-C would interrupt the stopping itself. What ends at once takes its children
    with it (see `spawn`). Main thread only.

    Parameters
    ----------
    what : str
        What the first one leads to, told to a person.
    """
    asked = False

    def interrupt(_signal: int, _frame: object) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise KeyboardInterrupt

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    signals = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    # A shell that starts us in the background may have asked us not to hear Ctrl-C.
    signals = [each for each in signals if signal.getsignal(each) is not signal.SIG_IGN]
    heard, told = socket.socketpair()
    told.setblocking(False)
    before = {each: signal.signal(each, interrupt) for each in signals}
    woken = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(heard, what), name="edgeloop-signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken)
        for each, handler in before.items():
            signal.signal(each, handler)
        told.close()


def _listen(heard: socket.socket, what: str) -> None:
    """Say what happens, until nobody can ask any more."""
    first: float | None = None
    with heard:
        while numbers := heard.recv(16):
            now = time.monotonic()
            if first is None and any(number in {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", 0)} for number in numbers):
                first = now
                _say(f"\n{what}; Ctrl-C again ends at once\n")
            elif first is not None and now - first > _ONE_PRESS_S and signal.SIGINT in numbers:
                _say("\nending at once\n")
                _end()


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, text.encode())


def _end() -> None:
    for child in multiprocessing.active_children():
        child.kill()
    if sys.stdout.isatty():
        with contextlib.suppress(OSError):
            os.write(1, b"\x1b[?25h")  # a live picture hides the cursor
    os._exit(INTERRUPTED)
