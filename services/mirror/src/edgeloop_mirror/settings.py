"""Settings of the mirror."""

from __future__ import annotations

from pathlib import Path

from edgeloop_signing.keys import load_trusted
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings from the environment. MLflow's other variables (credentials, certificates) apply, too."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_MIRROR_", frozen=True, populate_by_name=True)

    tracking_uri: str = Field(
        default="", validation_alias="MLFLOW_TRACKING_URI", description="address of MLflow; without it the process ends with an error"
    )
    experiment: str = Field(
        default="edgeloop",
        description="prefix of the names of experiments, `edgeloop/tenant/stream`, and of registered models, `edgeloop.tenant.stream`",
    )
    trust_file: Path | None = Field(
        default=None,
        description="public keys of the model registry, PEM, that verify versions; without it, versions are tagged `not verified`",
    )
    retry_seconds: float = Field(default=5.0, gt=0, description="seconds between two attempts to write an event")

    @field_validator("trust_file")
    @classmethod
    def _holds_keys(cls, value: Path | None) -> Path | None:
        if value is not None:
            load_trusted(value)  # raises an error with the fault
        return value
