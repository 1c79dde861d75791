"""Parts of a device that its settings, its disk or its port can make impossible: each is made, or the device cannot start."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeloop_admission import InadmissibleError, device_key
from edgeloop_contracts import ObservationBatch
from edgeloop_errors import EXIT_UNUSABLE, FatalError
from edgeloop_signing.device_signatures import RecordSigner
from edgeloop_signing.enrolment import BadTokenError, Token
from edgeloop_signing.statements import VersionStatement

from edgeloop_inference.io.archive import Archive
from edgeloop_inference.io.definitions import BrokenSaltError, device_salt
from edgeloop_inference.io.identity import BrokenIdentityError, device_signer, token_of
from edgeloop_inference.io.load_check_process import LoadCheck
from edgeloop_inference.io.outbox import Outbox, OutboxUnavailableError
from edgeloop_inference.io.partial_downloads import Partials
from edgeloop_inference.io.server import AddressTakenError, Server
from edgeloop_inference.io.servicer import InferenceServicer
from edgeloop_inference.io.trust import Trust, TrustError
from edgeloop_inference.io.verification import Verification
from edgeloop_inference.settings import Settings


class CannotStartError(FatalError):
    """The device cannot start with its settings; the message gives the reason in one line."""

    exit_code = EXIT_UNUSABLE


def opened_server(servicer: InferenceServicer, settings: Settings) -> Server:
    """The gRPC server at its port."""
    try:
        return Server(
            servicer,
            settings.grpc_host,
            settings.grpc_port,
            workers=settings.grpc_workers,
            max_message_bytes=settings.grpc_max_message_bytes,
        )
    except AddressTakenError as error:
        raise CannotStartError(str(error)) from error


def trust_of(settings: Settings) -> Trust:
    """Keys that the device trusts."""
    try:
        return Trust.from_files(settings.trust_file, settings.adapter_trust_file if settings.adapters else None)
    except TrustError as error:
        raise CannotStartError(str(error)) from error


def signer_of(folder: Path) -> RecordSigner:
    """Signer with the device's own key, which lies in ``keys/`` of its data directory."""
    try:
        return device_signer(folder / "keys")
    except BrokenIdentityError as error:
        raise CannotStartError(str(error)) from error


def token_of_settings(settings: Settings) -> Token | None:
    """Token of the settings; ``None`` for none."""
    try:
        return token_of(settings.token, settings.token_file)
    except BadTokenError as error:
        raise CannotStartError(str(error)) from error


def verification_of(settings: Settings, trust: Trust) -> Verification:
    """Verification of models, whose load checks run in a directory of their own."""
    scratch = settings.data_dir / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)  # a load check that was killed with its device leaves its directory
    scratch.mkdir()

    def start_load_check(statement: VersionStatement) -> LoadCheck:
        return LoadCheck(
            statement,
            scratch,
            memory_bytes=settings.trial_memory_bytes,
            cpu_seconds=settings.trial_cpu_s,
            seconds=settings.trial_s,
        )

    archive = Archive(settings.data_dir / "archive", settings.archive_max_bytes)
    partials = Partials(settings.data_dir / "partial", settings.max_model_bytes)
    return Verification(trust, start_load_check, archive, partials, settings.max_model_bytes)


def check_names(settings: Settings) -> None:
    """Check that ingestion takes rows of a device with this name."""
    for stream in settings.stream_names or ("any",):
        try:
            device_key(ObservationBatch(boot_epoch=0, first_seq=-1, tenant=settings.tenant, stream=stream, device_id=settings.device))
        except InadmissibleError as error:
            raise CannotStartError(error.message) from error


def salt_of(folder: Path) -> bytes:
    """Secret behind the device's pseudonyms."""
    try:
        return device_salt(folder / "salt")
    except BrokenSaltError as error:
        raise CannotStartError(str(error)) from error


def locked(folder: Path) -> Any:
    """The file whose lock says that a process has the device's data; the lock ends with the process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CannotStartError(f"{folder} is in use by another process") from error
    except OSError as error:
        raise CannotStartError(f"data directory: {error}") from error
    return file


def opened_outbox(settings: Settings, appended: Callable[[], None]) -> Outbox:
    """The outbox; see :class:`Outbox`."""
    try:
        return Outbox(settings.data_dir, max_rows=settings.outbox_max_rows, max_bytes=settings.outbox_max_bytes, appended=appended)
    except OutboxUnavailableError as error:
        raise CannotStartError(str(error)) from error
