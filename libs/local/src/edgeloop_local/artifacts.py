"""The programs of the local stack: Kafka's jars and the schema registry, downloaded once per user."""

from __future__ import annotations

import errno
import shutil
import tarfile
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeloop_local.errors import DiskFullError, StoppedError
from edgeloop_local.locations import cache_dir, require_free_space
from edgeloop_local.pins import KAFKA_VERSION, REGISTRY_VERSION, Pins, load_pins
from edgeloop_local.process_lock import ProcessLock
from edgeloop_local.progress import Progress, Silence

if TYPE_CHECKING:
    from pathlib import Path

    from edgeloop_local.pins import Pin

_UNPACKED_RATIO = 1.1


@dataclass(frozen=True, slots=True)
class Programs:
    """
    Where the programs are.

    Parameters
    ----------
    kafka_jars : tuple of pathlib.Path
        Kafka's class path, in a fixed order.
    registry_jar : pathlib.Path
        What ``java -jar`` runs as the schema registry.
    formats : pathlib.Path
        A directory for what can be made once and copied into each new data directory.
    """

    kafka_jars: tuple[Path, ...]
    registry_jar: Path
    formats: Path


def programs(
    progress: Progress | None = None,
    cache: Path | None = None,
    pins: Pins | None = None,
    stopping: threading.Event | None = None,
) -> Programs:
    """
    Give the programs, and download what is missing.

    Parameters
    ----------
    progress : Progress, optional
        Told about downloads.
    cache : pathlib.Path, optional
        Instead of the user's cache directory.
    pins : Pins, optional
        Instead of the pins that this package ships.
    stopping : threading.Event, optional
        Set when nobody wants them any more.

    Raises
    ------
    DownloadError, DiskFullError
        If something is missing and can't be had.
    StoppedError
        As soon as `stopping` is set.
    """
    progress = progress or Silence()
    stopping = stopping or threading.Event()
    cache = cache or cache_dir()
    pins = pins or load_pins()
    found = _layout(cache, pins)
    if not _complete(found, pins):
        lock = ProcessLock(cache / "download.lock")
        if not lock.try_acquire():
            progress.say(f"another start is downloading the programs (process {lock.holder() or 'unknown'}); waiting for it")
            while not lock.try_acquire():
                if stopping.wait(0.2):
                    raise StoppedError
        try:
            _download(found, pins, cache, progress, stopping)
        finally:
            lock.release()
    return found


def _layout(cache: Path, pins: Pins) -> Programs:
    kafka = cache / f"kafka-{KAFKA_VERSION}"
    registry = cache / f"apicurio-registry-{REGISTRY_VERSION}"
    return Programs(
        kafka_jars=tuple(kafka / pin.filename for pin in pins.kafka),
        registry_jar=registry / f"{pins.registry.artifact}-{pins.registry.version}-runner.jar",
        formats=cache / f"kafka-{KAFKA_VERSION}-format",
    )


def _missing(found: Programs, pins: Pins) -> list[tuple[Pin, Path]]:
    pairs = zip(pins.kafka, found.kafka_jars, strict=True)
    return [(pin, jar) for pin, jar in pairs if not jar.exists() or jar.stat().st_size != pin.size]


def _complete(found: Programs, pins: Pins) -> bool:
    # The registry's directory gets its name only when all of it is unpacked.
    return not _missing(found, pins) and found.registry_jar.parent.exists()


def _download(found: Programs, pins: Pins, cache: Path, progress: Progress, stopping: threading.Event) -> None:
    jars = _missing(found, pins)  # again: whoever held the lock before us may have brought them
    archive = cache / pins.registry.filename
    batches = {f"Kafka {KAFKA_VERSION}": jars} if jars else {}
    unpacked = found.registry_jar.parent.exists()
    if not unpacked and not archive.exists():
        batches[f"Apicurio Registry {REGISTRY_VERSION}"] = [(pins.registry, archive)]
    room_to_unpack = 0 if unpacked else int(pins.registry.size * _UNPACKED_RATIO)
    require_free_space(cache, room_to_unpack + sum(pin.size for batch in batches.values() for pin, _ in batch))
    if batches:
        # Here, since it takes a quarter of a second to import and most starts find everything in the cache.
        from edgeloop_local.download import download

        download(batches, progress, stopping)
    if not unpacked:
        progress.say(f"unpacking Apicurio Registry {REGISTRY_VERSION}")
        _unpack(archive, found.registry_jar.parent, stopping)


def _unpack(archive: Path, target: Path, stopping: threading.Event) -> None:
    draft = target.with_name(f"{target.name}.unpacking")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):  # from Python 3.11.4
                tar.extraction_filter = tarfile.data_filter
            for member in tar:
                if stopping.is_set():
                    raise StoppedError
                tar.extract(member, draft)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if error.errno == errno.ENOSPC:
            raise DiskFullError(target, archive.stat().st_size) from error
        raise
    draft.replace(target)
    archive.unlink()
