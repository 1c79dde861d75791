"""Settings of monitoring, besides those that all services share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from edgeloop_monitoring.core.disagreement import Suspicion
from edgeloop_monitoring.core.rules import Thresholds
from edgeloop_monitoring.core.views import Spans


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_MONITORING_*`` variables; each field says what it is."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_MONITORING_", frozen=True)

    groups: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="device groups, as the beginnings of device names, with commas between; all other devices are `default`"
    )
    bucket_s: float = Field(default=5.0, ge=0.1, description="seconds by which a window moves on")
    window_s: float = Field(default=60.0, gt=0, description="length of a window in seconds")
    silence_s: float = Field(default=60.0, gt=0, description="seconds after which a device is silent")
    forget_s: float = Field(default=3600.0, gt=0, description="seconds after which a silent device is no longer counted")
    look_back_s: float = Field(default=900.0, gt=0, description="seconds of the inputs that are read at the start")
    error_share: float = Field(default=0.5, gt=0, le=1, description="share of wrong answers that raises `ERROR_SHARE`")
    error_rows: int = Field(default=100, ge=1, description="fewest rows by which that share is judged")
    event_age_s: float = Field(default=30.0, gt=0, description="95th percentile of the age of rows, in seconds, that raises `EVENT_AGE`")
    silent_devices: int = Field(default=1, ge=1, description="silent devices of a group that raise `SILENT_DEVICES`")
    outlying_excess: float = Field(
        default=0.1,
        gt=0,
        le=1,
        description="excess of a device over the others in how often its labels and answers differ that raises `OUTLYING_DEVICES`",
    )
    outlying_rows: int = Field(default=100, ge=1, description="fewest rows of a device by which that is judged")
    raise_after_s: float = Field(default=10.0, ge=0, description="seconds that a value stays over its limit before the alert is raised")
    clear_after_s: float = Field(default=30.0, ge=0, description="seconds that a value stays under its limit before the alert is cleared")

    @field_validator("groups", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def spans(self) -> Spans:
        """Lengths in milliseconds."""
        return Spans(
            bucket=int(self.bucket_s * 1000),
            window=int(self.window_s * 1000),
            silence=int(self.silence_s * 1000),
            forgetting=int(self.forget_s * 1000),
            look_back=int(max(self.look_back_s, self.window_s) * 1000),
        )

    @property
    def suspicion(self) -> Suspicion:
        """When a device stands out."""
        return Suspicion(rows=self.outlying_rows, excess=self.outlying_excess)

    @property
    def thresholds(self) -> Thresholds:
        """When alerts are raised and cleared."""
        return Thresholds(
            error_share=self.error_share,
            error_rows=self.error_rows,
            event_age_s=self.event_age_s,
            silent_devices=self.silent_devices,
            raise_after_ms=int(self.raise_after_s * 1000),
            clear_after_ms=int(self.clear_after_s * 1000),
        )
