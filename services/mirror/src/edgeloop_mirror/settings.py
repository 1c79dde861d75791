"""Settings of the mirror."""

from __future__ import annotations

from pathlib import Path

from edgeloop_signing.keys import load_trusted
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From the environment; each field says what it is. The other variables of MLflow (credentials, certificates) hold too."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_MIRROR_", frozen=True, populate_by_name=True)

    tracking_uri: str = Field(
        default="", validation_alias="MLFLOW_TRACKING_URI", description="where MLflow is; without it the process ends and says so"
    )
    experiment: str = Field(
        default="edgeloop",
        description="heads the names of experiments, `edgeloop/tenant/stream`, and of registered models, `edgeloop.tenant.stream`",
    )
    trust_file: Path | None = Field(
        default=None, description="public keys of the registry, PEM, by which versions are verified; without it they say `not verified`"
    )
    retry_seconds: float = Field(default=5.0, gt=0, description="seconds after which an event that MLflow did not take is tried again")

    @field_validator("trust_file")
    @classmethod
    def _holds_keys(cls, value: Path | None) -> Path | None:
        if value is not None:
            load_trusted(value)  # says what is wrong
        return value
