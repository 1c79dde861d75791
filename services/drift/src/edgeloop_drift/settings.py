"""What can be set about detection, besides what all services share."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from edgeloop_drift.core.detectors import DetectorSpec
from edgeloop_drift.core.pooling import Rules


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_DRIFT_*`` variables; all instances need the same.

    A detector whose settings changed starts anew.

    Attributes
    ----------
    detector, parameters
        Detector of error rates and, as JSON, what River's constructor takes: ``{"delta": 0.01}``.
    scopes
        ``stream``, ``version``, or both with a comma: whether errors are watched over all answers of a stream, or over those
        of its newest version.
    input_detector, input_parameters
        The same for inputs; they see block means in standard deviations.
    input_learning
        Blocks from which a feature's scale is learned before it is watched.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_DRIFT_", frozen=True)

    detector: str = "ADWIN"
    parameters: dict[str, float | str] = Field(default_factory=dict[str, float | str])
    scopes: Annotated[tuple[str, ...], NoDecode] = Rules().scopes
    input_detector: str = Rules().inputs.name
    input_parameters: dict[str, float | str] = Field(default_factory=lambda: dict(Rules().inputs.parameters))
    input_learning: int = Field(default=Rules().learning, ge=2)

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
        """The settings as the core takes them."""
        return Rules(
            errors=DetectorSpec(self.detector, self.parameters),
            scopes=self.scopes,
            inputs=DetectorSpec(self.input_detector, self.input_parameters),
            learning=self.input_learning,
        )
