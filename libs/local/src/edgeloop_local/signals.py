"""Signals as a request to stop in order, acknowledged at once."""

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
_ONE_PRESS_S = 0.5  # a signal to a whole group may arrive twice


@contextlib.contextmanager
def interrupted_by_signals(what: str = "stopping") -> Generator[None]:
    """
    Within the block, the first Ctrl-C, SIGTERM or SIGHUP raises `KeyboardInterrupt`, and a second Ctrl-C ends the process at once.

    A thread acknowledges the signal on standard error as soon as it arrives, even while the main thread is busy. Without the block,
    SIGTERM and SIGHUP end Python at once, so ``with LocalStack()`` could not stop its servers in order. A second Ctrl-C would
    interrupt the stop itself. A process that ends at once takes its children with it (see `spawn`). Main thread only.

    Parameters
    ----------
    what : str
        The effect of the first signal, for people.
    """
    asked = False

    def interrupt(_signal: int, _frame: object) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise KeyboardInterrupt

    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    signals = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    # A shell that starts this process in the background may have set it to ignore Ctrl-C.
    signals = [each for each in signals if signal.getsignal(each) is not signal.SIG_IGN]
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = {each: signal.signal(each, interrupt) for each in signals}
    wakeup_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(reader, what), name="edgeloop-signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup_before)
        for each, handler in before.items():
            signal.signal(each, handler)
        writer.close()


def _listen(reader: socket.socket, what: str) -> None:
    """Acknowledge signals until the block ends."""
    first: float | None = None
    with reader:
        while numbers := reader.recv(16):
            now = time.monotonic()
            if first is None and any(number in {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", 0)} for number in numbers):
                first = now
                _write(f"\n{what}; Ctrl-C again ends at once\n")
            elif first is not None and now - first > _ONE_PRESS_S and signal.SIGINT in numbers:
                _write("\nending at once\n")
                _end()


def _write(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, text.encode())


def _end() -> None:
    for child in multiprocessing.active_children():
        child.kill()
    if sys.stdout.isatty():
        with contextlib.suppress(OSError):
            os.write(1, b"\x1b[?25h")  # a live display hides the cursor
    os._exit(INTERRUPTED)
