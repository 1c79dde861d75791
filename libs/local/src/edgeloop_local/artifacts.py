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
    Paths of the programs.

    Parameters
    ----------
    kafka_jars : tuple of pathlib.Path
        Kafka's class path, in a fixed order.
    registry_jar : pathlib.Path
        The schema registry, for ``java -jar``.
    formats : pathlib.Path
        A directory for files that are made once and copied into each new data directory.
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
    Return the programs; downloads those that are missing.

    Parameters
    ----------
    progress : Progress, optional
        Receives the state of downloads.
    cache : pathlib.Path, optional
        Replaces the user's cache directory.
    pins : Pins, optional
        Replaces the pins of this package.
    stopping : threading.Event, optional
        Set to cancel.

    Raises
    ------
    DownloadError, DiskFullError
        A program is missing and cannot be downloaded.
    StoppedError
        `stopping` is set.
    """
    progress = progress or Silence()
    stopping = stopping or threading.Event()
    cache = cache or cache_dir()
    pins = pins or load_pins()
    found = _layout(cache, pins)
    if not _complete(found, pins):
        lock = ProcessLock(cache / "download.lock")
        if not lock.try_acquire():
            progress.report(f"another start is downloading the programs (process {lock.holder() or 'unknown'}); waiting for it")
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
    # The registry's directory gets its name once it is unpacked completely.
    return not _missing(found, pins) and found.registry_jar.parent.exists()


def _download(found: Programs, pins: Pins, cache: Path, progress: Progress, stopping: threading.Event) -> None:
    jars = _missing(found, pins)  # again: the lock's previous holder may have downloaded them
    archive = cache / pins.registry.filename
    batches = {f"Kafka {KAFKA_VERSION}": jars} if jars else {}
    unpacked = found.registry_jar.parent.exists()
    if not unpacked and not archive.exists():
        batches[f"Apicurio Registry {REGISTRY_VERSION}"] = [(pins.registry, archive)]
    room_to_unpack = 0 if unpacked else int(pins.registry.size * _UNPACKED_RATIO)
    require_free_space(cache, room_to_unpack + sum(pin.size for batch in batches.values() for pin, _ in batch))
    if batches:
        # Imported here: it takes a quarter of a second, and most starts find everything in the cache.
        from edgeloop_local.download import download

        download(batches, progress, stopping)
    if not unpacked:
        progress.report(f"unpacking Apicurio Registry {REGISTRY_VERSION}")
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
