"""What can be set about retraining, besides what all services share."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from edgeloop_retraining.core.policy import Policy

_DEFAULT = Policy()
Rows = Annotated[tuple[int, ...], NoDecode]


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_RETRAINING_*`` variables, named and explained as in :class:`Policy`.

    ``STAGES`` and ``QUIET`` are numbers with commas between; an empty ``QUIET`` means no quiet fits.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_RETRAINING_", frozen=True)

    stages: Rows = _DEFAULT.stages
    quiet: Rows = _DEFAULT.quiet
    quiet_doubling: bool = _DEFAULT.quiet_doubling
    window: int = _DEFAULT.window
    back: int = _DEFAULT.back
    gate: int = _DEFAULT.gate
    on_open: Literal["restart", "ignore"] = _DEFAULT.on_open
    cooldown: int = _DEFAULT.cooldown
    budget: int = _DEFAULT.budget
    burst: int = _DEFAULT.burst
    first: int = _DEFAULT.first

    @field_validator("stages", "quiet", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.replace(" ", "").split(",") if part) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _policy_makes_sense(self) -> Self:
        _ = self.policy  # says what is wrong
        return self

    @property
    def policy(self) -> Policy:
        """The settings as the core takes them."""
        return Policy(**self.model_dump())
