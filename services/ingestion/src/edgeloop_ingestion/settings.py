"""Settings of ingestion, in addition to the shared ones."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_INGESTION_*`` variables."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_INGESTION_", frozen=True)

    definitions_max_age_s: float = Field(
        default=5.0,
        ge=0,
        description="seconds after which the definition of a known stream is looked up again; an unknown one is looked up each time",
    )
