"""Format of Kafka's log directory, without a second JVM if possible.

Kafka's own tool takes a JVM and 1.7 s to write two small files. One of them, ``bootstrap.checkpoint``, holds a release's feature levels and
nothing of the cluster. So the tool makes it once, and later data directories get a copy, which is kept beside the jars. The other,
``meta.properties``, is four lines of text (KIP-866, KIP-858).
"""

from __future__ import annotations

import base64
import shutil
import uuid
from typing import TYPE_CHECKING

from edgeloop_local.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG_DIR = "log"
NODE_ID = 1
_META = "meta.properties"
_CHECKPOINT = "bootstrap.checkpoint"


def format_storage(directory: Path, formats: Path, run_tool: Callable[[str], None]) -> None:
    """
    Format `directory`'s log directory unless it is formatted already; its cluster id then stays.

    Parameters
    ----------
    directory : pathlib.Path
        The broker's directory.
    formats : pathlib.Path
        Folder with the copy of ``bootstrap.checkpoint`` for all data directories.
    run_tool : Callable[[str], None]
        Formats with Kafka's tool; called with a new cluster id if there is no copy yet.
    """
    log = directory / LOG_DIR
    if (log / _META).exists():
        return
    # An interrupted start may have left half a format. A directory without meta.properties can hold nothing else.
    shutil.rmtree(log, ignore_errors=True)
    kept = formats / _CHECKPOINT
    if not kept.exists():
        run_tool(kafka_uuid())
        formats.mkdir(parents=True, exist_ok=True)
        draft = kept.with_name(f"{_CHECKPOINT}.{uuid.uuid4().hex}")  # two first starts may run at once
        shutil.copyfile(log / _CHECKPOINT, draft)
        draft.replace(kept)
        return
    log.mkdir(parents=True)
    shutil.copyfile(kept, log / _CHECKPOINT)
    meta = {"version": 1, "cluster.id": kafka_uuid(), "node.id": NODE_ID, "directory.id": kafka_uuid()}
    write_whole(log / _META, "".join(f"{key}={value}\n" for key, value in meta.items()))


def kafka_uuid() -> str:
    """Return a random id in Kafka's form: URL-safe base64 of 16 bytes, without a leading dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not text.startswith("-"):
            return text
