"""Settings of the mirror."""

from __future__ import annotations

from pathlib import Path

from edgeloop_signing.keys import load_trusted
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """From the environment; all others of MLflow's own variables (credentials, certificates) hold too.

    Attributes
    ----------
    tracking_uri
        ``MLFLOW_TRACKING_URI``: where MLflow is.
    experiment
        ``EDGELOOP_MIRROR_EXPERIMENT``: heads the names of experiments, ``experiment/tenant/stream``, and of
        registered models, ``experiment.tenant.stream``.
    trust_file
        ``EDGELOOP_MIRROR_TRUST_FILE``: public keys of the registry, PEM; without it signatures are not verified.
    retry_seconds
        ``EDGELOOP_MIRROR_RETRY_SECONDS``: after which MLflow is asked again when it was away.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_MIRROR_", frozen=True, populate_by_name=True)

    tracking_uri: str = Field(default="", validation_alias="MLFLOW_TRACKING_URI")
    experiment: str = "edgeloop"
    trust_file: Path | None = None
    retry_seconds: float = Field(default=5.0, gt=0)

    @field_validator("trust_file")
    @classmethod
    def _holds_keys(cls, value: Path | None) -> Path | None:
        if value is not None:
            load_trusted(value)  # says what is wrong
        return value
