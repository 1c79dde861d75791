"""What can be set about monitoring, besides what all services share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from edgeloop_monitoring.core.disagreement import Suspicion
from edgeloop_monitoring.core.rules import Thresholds
from edgeloop_monitoring.core.views import Spans


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_MONITORING_*`` variables.

    Attributes
    ----------
    groups
        Device groups, as the beginnings of device names, with commas between.
    bucket_s, window_s
        Windows are this long and move on by one bucket.
    silence_s, forget_s
        A device is silent after the first and no longer counted after the second.
    look_back_s
        How far back inputs are read at the start.
    error_share, error_rows
        Share of wrong answers that raises an alert, and the fewest rows to judge it on.
    event_age_s
        95th percentile of the rows' age that raises an alert.
    silent_devices
        How many silent devices of a group raise an alert.
    outlying_excess, outlying_rows
        By how much a device's labels and answers differ oftener than those of the other devices to raise an alert, and the fewest
        rows to judge it on.
    raise_after_s, clear_after_s
        How long a value must stay over, or under, its limit.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_MONITORING_", frozen=True)

    groups: Annotated[tuple[str, ...], NoDecode] = ()
    bucket_s: float = Field(default=5.0, ge=0.1)
    window_s: float = Field(default=60.0, gt=0)
    silence_s: float = Field(default=60.0, gt=0)
    forget_s: float = Field(default=3600.0, gt=0)
    look_back_s: float = Field(default=900.0, gt=0)
    error_share: float = Field(default=0.5, gt=0, le=1)
    error_rows: int = Field(default=100, ge=1)
    event_age_s: float = Field(default=30.0, gt=0)
    silent_devices: int = Field(default=1, ge=1)
    outlying_excess: float = Field(default=0.1, gt=0, le=1)
    outlying_rows: int = Field(default=100, ge=1)
    raise_after_s: float = Field(default=10.0, ge=0)
    clear_after_s: float = Field(default=30.0, ge=0)

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
