"""Settings of the registry."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From ``EDGELOOP_REGISTRY_*`` variables; each field says what it is."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_REGISTRY_", frozen=True)

    key_file: Path | None = Field(
        default=None, description="Ed25519 private key, PEM, unencrypted; the service ends without it, since nothing unsigned runs"
    )
    trainer_trust_file: Path | None = Field(
        default=None,
        description="public keys of the trainer, PEM, none of them the registry's own; required, since an unsigned candidate is refused",
    )
