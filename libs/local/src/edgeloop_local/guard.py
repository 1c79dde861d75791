"""Run as a script before a child's own program: makes the child die with the process that started it.

Usage: ``python guard.py <parent pid> <signal> <command> [argument …]``. Uses the standard library only, and is run
without site-packages, so that it costs some 20 ms. On Linux the kernel is asked to send the signal, and the guard
becomes the command. Elsewhere the guard stays, watches its parent, and passes SIGTERM on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG = 1  # linux/prctl.h; kept over execve
_WATCH_SECONDS = 0.25
CANNOT_RUN = 127
"""The exit code when the command can't be run, as a shell's."""


def main(arguments: list[str]) -> int:
    """Become the command, or run it and watch; gives an exit code only if it stays."""
    parent, death_signal, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    try:
        if sys.platform == "linux":
            _ask_kernel(death_signal)
            if os.getppid() != parent:  # it died before the kernel was asked, so no signal will come
                return 1
            os.execvp(command[0], command)  # noqa: S606  # a shell is what nobody needs here
        return _watch(parent, command)
    except OSError as error:
        print(f"can't run {command[0]}: {error.strerror}", file=sys.stderr)
        return CANNOT_RUN


def _ask_kernel(death_signal: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


def _watch(parent: int, command: list[str]) -> int:
    with subprocess.Popen(command) as child:

        def pass_on(_signal: int, _frame: object) -> None:
            child.terminate()

        signal.signal(signal.SIGTERM, pass_on)
        while child.poll() is None:
            if os.getppid() != parent:
                child.kill()
            time.sleep(_WATCH_SECONDS)
    code = child.returncode
    return code if code >= 0 else 128 - code  # as a shell tells a signal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
