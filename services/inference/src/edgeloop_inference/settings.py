"""Settings of a device."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from edgeloop_inference.core.archive_plan import BYTES

MIB = 1 << 20
# No slash: it separates the parts of a key.
NAME = r"^[^/\s]+$"


class Settings(BaseSettings):
    """Settings of one device, from ``EDGELOOP_INFERENCE_*`` variables; each field says what it is."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_INFERENCE_", frozen=True)

    device: str = Field(pattern=NAME, description="name of the device, unique within its streams; no slashes, no blanks")
    tenant: str = Field(default="default", pattern=NAME, description="whose device it is")
    streams: str = Field(default="", description="streams that it serves, with commas between; empty for every stream that is defined")
    grpc_host: str = Field(default="127.0.0.1", description="address at which applications ask")
    grpc_port: int = Field(default=8001, ge=0, le=65535, description="port at which applications ask; 0 takes a free one")
    grpc_workers: int = Field(default=16, ge=1, description="requests that are worked on at once")
    grpc_max_message_bytes: int = Field(default=4 * MIB, ge=64 * 1024, description="largest message in and out")
    request_max_rows: int = Field(
        default=4_096, ge=1, description="most rows of one request; short requests wait while those of a long one are written"
    )
    data_dir: Path = Field(default=Path(".edgeloop/device"), description="folder of outbox and models; one process at a time uses it")
    trust_file: Path = Field(description="public keys of the registry, PEM")
    adapter_trust_file: Path | None = Field(
        default=None, description="public keys of the service `adapter`, PEM; without it no adapters are taken, and the log says so"
    )
    outbox_max_rows: int = Field(
        default=1_000_000, ge=256, description="most rows that are kept while no broker can be reached; beyond it the oldest are dropped"
    )
    outbox_max_bytes: int = Field(default=256 * MIB, ge=64 * 1024, description="most bytes of such rows")
    linger_ms: int = Field(
        default=50,
        ge=0,
        description="milliseconds that rows wait for others to share their batch; each batch costs a transaction in three services",
    )
    heartbeat_s: float = Field(
        default=10.0, ge=1, le=3600, description="seconds between heartbeats, unless the fleet's configuration says otherwise"
    )
    token: SecretStr | None = Field(default=None, description="token with which the device asks to be enrolled")
    token_file: Path | None = Field(default=None, description="file of the token, in place of `EDGELOOP_INFERENCE_TOKEN`")
    max_model_bytes: int = Field(default=256 * MIB, ge=1, description="largest model that is taken")
    archive_max_bytes: int = Field(
        default=BYTES,
        ge=0,
        description="most bytes of the newest files of a stream, nine at most, that are kept in case one is promoted again; 0 keeps none",
    )
    adapters: bool = Field(
        default=True,
        description="whether versions answer together with what has been learned from labels since; if not, reports say adapter -1",
    )
    memories: bool = Field(
        default=True,
        description="whether mixtures answer with their memories, which take a few hundred kilobytes and most of the time of an answer",
    )
    trial_memory_bytes: int = Field(default=2048 * MIB, ge=1, description="address space of the load check of a new model")
    trial_cpu_s: int = Field(default=20, ge=1, description="processor seconds of a load check")
    trial_s: float = Field(default=30.0, gt=0, description="seconds of a load check, from when it has the model")

    @property
    def stream_names(self) -> tuple[str, ...]:
        """The streams as names; empty for all."""
        return tuple(name.strip() for name in self.streams.split(",") if name.strip())
