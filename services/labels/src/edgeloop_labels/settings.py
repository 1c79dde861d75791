"""What can be set about the label join, besides what all services share."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_LABELS_*`` variables.

    The horizon and the patience change what becomes of a late label, so all instances need the same.

    Attributes
    ----------
    data_dir
        Folder for the cache of pending observations; it may be lost at any time.
    horizon_hours, horizon_bytes
        How old pending observations get, and how many bytes of them a partition keeps.
    patience_s
        How long a label waits for its observation, in record time.
    memory_bytes
        Newest pending observations that a partition holds in memory.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_LABELS_", frozen=True)

    data_dir: Path = Path(".edgeloop/labels")
    horizon_hours: float = Field(default=24.0, gt=0)
    horizon_bytes: int = Field(default=1 << 30, gt=0)
    patience_s: float = Field(default=600.0, gt=0)
    memory_bytes: int = Field(default=16 << 20, ge=0)
