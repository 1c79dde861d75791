"""Installation of packages with pip, with its progress: one updated line on a terminal, lines at intervals elsewhere.

``python tools/install.py WHAT [pip's arguments …]``, run by the interpreter of the environment. pip's output is shown if it fails.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import deque

EVERY_S = 5.0
KEPT = 30


def step(line: str, fetched: int) -> str:
    """Progress that a line of pip's output means; empty for none."""
    words = line.split()
    if not words:
        return ""
    if words[0] in {"Downloading", "Using"}:
        return f"{fetched} packages fetched, now {words[1] if words[0] == 'Downloading' else words[-2] if len(words) > 2 else ''}"
    if line.startswith("Installing collected packages"):
        return f"{fetched} packages fetched; unpacking them"
    return ""


def main() -> int:
    """Entry point; returns pip's exit code."""
    what, *arguments = sys.argv[1:]
    live, fetched, reported_at, began = sys.stdout.isatty(), 0, 0.0, time.monotonic()
    print(f"installing {what}", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", *arguments]
    output: deque[str] = deque(maxlen=KEPT)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as pip:
        assert pip.stdout is not None
        try:
            for line in pip.stdout:
                output.append(line)
                fetched += line.lstrip().startswith(("Downloading ", "Using cached "))
                now = step(line, fetched)
                if now and live:
                    print(f"\r\x1b[K  {now[:100]}", end="", flush=True)
                elif now and (time.monotonic() - reported_at > EVERY_S or "unpacking" in now):
                    reported_at = time.monotonic()
                    print(f"  {now}", flush=True)
        except KeyboardInterrupt:
            print("\nstopping; `make init` goes on where it was", flush=True)
            pip.wait()
            return 130
    print(("\r\x1b[K" if live else "") + f"  done after {time.monotonic() - began:.0f} s" if not pip.returncode else "", flush=True)
    if pip.returncode:
        print("".join(output), file=sys.stderr)
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main())
