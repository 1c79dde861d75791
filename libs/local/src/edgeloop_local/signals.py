"""Stopping in good order when asked by a signal other than Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Generator


@contextlib.contextmanager
def interrupted_by_signals() -> Generator[None]:
    """
    Within the block, let SIGTERM and SIGHUP raise `KeyboardInterrupt`, as Ctrl-C does.

    Without it they end Python where it stands, and ``with LocalStack()`` would have no chance to stop its servers in
    good order (they die all the same, but by SIGKILL). Main thread only.
    """

    def interrupt(_signal: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    signals = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    before = {each: signal.signal(each, interrupt) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
