"""Settings of the adapter service."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From ``EDGELOOP_ADAPTER_*`` variables.

    Attributes
    ----------
    enabled
        ``EDGELOOP_ADAPTER_ENABLED``: whether streams learn between fits; if not, rows are only counted.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_ADAPTER_", frozen=True)

    enabled: bool = True
