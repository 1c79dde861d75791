"""Settings of a device."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from edgeloop_inference.core.shelf import BYTES

MIB = 1 << 20
# No slash: it separates the parts of a key.
NAME = r"^[^/\s]+$"


class Settings(BaseSettings):
    """Settings of one device, from ``EDGELOOP_INFERENCE_*`` variables.

    Attributes
    ----------
    device
        Its name, unique within its streams; required.
    tenant
        Whose device it is.
    streams
        Streams that it serves, separated by commas; empty for every stream that is defined.
    grpc_host, grpc_port
        Where applications ask; port 0 takes a free one.
    grpc_workers
        Requests that are worked on at once.
    grpc_max_message_bytes
        Largest message in and out.
    data_dir
        Outbox and models; one process at a time.
    trust_file
        Public keys of the registry, PEM; required.
    adapter_trust_file
        Public keys of the service that learns, PEM; without it a device takes no adapters.
    outbox_max_rows, outbox_max_bytes
        Bounds of what is kept while no broker can be reached; beyond them the oldest rows are dropped.
    linger_ms
        Time that rows wait for others to share their batch.
    max_model_bytes
        Largest model that is taken.
    archive_max_bytes
        Most bytes of a stream's newest files, at most nine, that are kept for the case that one is promoted again; 0 to keep none.
    adapters
        Whether versions answer together with what has been learned from labels since.
    memories
        Whether the device can afford the memories in that: a few hundred kilobytes, and most of the time of an answer.
    trial_memory_bytes, trial_cpu_s, trial_s
        Limits of the trial: address space, processor time, and time from when it has the model.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_INFERENCE_", frozen=True)

    device: str = Field(pattern=NAME)
    tenant: str = Field(default="default", pattern=NAME)
    streams: str = ""
    grpc_host: str = "127.0.0.1"
    grpc_port: int = Field(default=8001, ge=0, le=65535)
    grpc_workers: int = Field(default=16, ge=1)
    grpc_max_message_bytes: int = Field(default=4 * MIB, ge=1024)
    data_dir: Path = Path(".edgeloop/device")
    trust_file: Path
    adapter_trust_file: Path | None = None
    outbox_max_rows: int = Field(default=1_000_000, ge=256)
    outbox_max_bytes: int = Field(default=256 * MIB, ge=64 * 1024)
    linger_ms: int = Field(default=50, ge=0)
    max_model_bytes: int = Field(default=256 * MIB, ge=1)
    archive_max_bytes: int = Field(default=BYTES, ge=0)
    adapters: bool = True
    memories: bool = True
    trial_memory_bytes: int = Field(default=2048 * MIB, ge=1)
    trial_cpu_s: int = Field(default=20, ge=1)
    trial_s: float = Field(default=30.0, gt=0)

    @property
    def stream_names(self) -> tuple[str, ...]:
        """The streams as names; empty for all."""
        return tuple(name.strip() for name in self.streams.split(",") if name.strip())
