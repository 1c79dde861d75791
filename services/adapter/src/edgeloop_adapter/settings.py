"""Settings of the adapter service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From ``EDGELOOP_ADAPTER_*`` variables; each field says what it is."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_ADAPTER_", frozen=True)

    enabled: bool = Field(
        default=True,
        description="whether streams learn between fits; if not, rows are only counted, and devices keep the adapter that they have",
    )
    key_file: Path | None = Field(
        default=None, description="Ed25519 private key, PEM, unencrypted, and not the key of the registry; the service ends without it"
    )
