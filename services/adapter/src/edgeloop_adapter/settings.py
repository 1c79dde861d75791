"""Settings of the adapter service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_ADAPTER_*`` variables."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_ADAPTER_", frozen=True)

    enabled: bool = Field(
        default=True,
        description="whether streams learn between two versions; if not, rows are only counted, and devices keep their adapter",
    )
    key_file: Path | None = Field(
        default=None, description="Ed25519 private key, PEM, unencrypted, and not the model registry's; the service ends without it"
    )
