"""Settings of detection, besides those that all services share."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from edgeloop_drift.core.detectors import DetectorSpec
from edgeloop_drift.core.pooled_detectors import Rules


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_DRIFT_*`` variables; all instances need the same ones.

    A detector whose settings changed starts without history.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_DRIFT_", frozen=True)

    detector: str = Field(
        default="ADWIN", description="detector of error rates: `ADWIN`, `PageHinkley`, `KSWIN`, `DDM`, `HDDM_A` or `HDDM_W`"
    )
    parameters: dict[str, float | str] = Field(
        default_factory=dict[str, float | str], description='parameters of its constructor in River, as JSON, such as `{"delta": 0.01}`'
    )
    scopes: Annotated[tuple[str, ...], NoDecode] = Field(
        default=Rules().scopes,
        description="answers whose errors are watched, some of: all answers of a stream (`stream`), those of versions without their adapter "
        "(`alone`), those of the newest version (`version`)",
    )
    input_detector: str = Field(
        default=Rules().inputs.name, description="detector of inputs, one of the same; it sees block means in standard deviations"
    )
    input_parameters: dict[str, float | str] = Field(
        default_factory=lambda: dict(Rules().inputs.parameters), description="parameters of its constructor, as JSON"
    )
    input_learning: int = Field(
        default=Rules().learning, ge=2, description="blocks from which the scale of a feature is learned before it is watched"
    )

    @field_validator("scopes", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(" ", "").split(",")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _rules_make_sense(self) -> Self:
        self.rules.errors.check()
        self.rules.inputs.check()
        return self

    @property
    def rules(self) -> Rules:
        """The settings in the form that the core uses."""
        return Rules(
            errors=DetectorSpec(self.detector, self.parameters),
            scopes=self.scopes,
            inputs=DetectorSpec(self.input_detector, self.input_parameters),
            learning=self.input_learning,
        )
