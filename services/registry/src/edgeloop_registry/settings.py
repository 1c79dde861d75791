"""Settings of the registry."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From ``EDGELOOP_REGISTRY_*`` variables.

    Attributes
    ----------
    key_file
        ``EDGELOOP_REGISTRY_KEY_FILE``: Ed25519 private key, PEM, unencrypted. There is no default: nothing unsigned runs.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_REGISTRY_", frozen=True)

    key_file: Path | None = None
