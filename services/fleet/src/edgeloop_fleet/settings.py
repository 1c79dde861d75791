"""Settings of the service `fleet`, besides those that all services share."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_FLEET_*`` variables; each description is a row of the README's table."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_FLEET_", frozen=True)

    tick_s: float = Field(default=5.0, ge=0.1, le=60, description="seconds between the ticks by which silent devices are judged")
