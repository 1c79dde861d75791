"""Settings of the adapter service."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From ``EDGELOOP_ADAPTER_*`` variables.

    Attributes
    ----------
    enabled
        ``EDGELOOP_ADAPTER_ENABLED``: whether streams learn between fits; if not, rows are only counted.
    key_file
        ``EDGELOOP_ADAPTER_KEY_FILE``: Ed25519 private key, PEM, unencrypted, and no key of the registry. There is no default: nothing unsigned runs.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_ADAPTER_", frozen=True)

    enabled: bool = True
    key_file: Path | None = None
