"""Settings of the label join, in addition to the shared ones."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_LABELS_*`` variables.

    Horizon and patience decide the fate of late labels, so all instances need the same values.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_LABELS_", frozen=True)

    data_dir: Path = Field(
        default=Path(".edgeloop/labels"),
        description="folder of the cache of pending observations, with one folder an instance below it; it may be lost at any time",
    )
    horizon_hours: float = Field(default=24.0, gt=0, description="age in hours at which pending observations expire")
    horizon_bytes: int = Field(default=1 << 30, gt=0, description="bytes of pending observations that a partition keeps in its file")
    patience_s: float = Field(default=600.0, gt=0, description="seconds of record time that a label waits for its observation")
    memory_bytes: int = Field(
        default=16 << 20,
        ge=0,
        description="bytes of memory for a partition's newest pending observations, besides 8 MiB of its file's pages",
    )
