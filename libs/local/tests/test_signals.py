"""Signals that ask us to stop."""

from __future__ import annotations

import os
import signal

import pytest
from edgeloop_local import interrupted_by_signals


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_request_to_end_is_like_ctrl_c_within_the_block_only(name: str) -> None:
    number = signal.Signals[name]
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals():
        os.kill(os.getpid(), number)
        signal.pause()
    assert signal.getsignal(number) is before
