"""What can be set about retraining, besides what all services share."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from edgeloop_retraining.core.policy import Policy

_DEFAULT = Policy()
Rows = Annotated[tuple[int, ...], NoDecode]


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_RETRAINING_*`` variables; each field says what it is, :class:`Policy` says why.

    ``STAGES`` and ``QUIET`` are numbers with commas between; an empty ``QUIET`` means no quiet fits.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_RETRAINING_", frozen=True)

    stages: Rows = Field(default=_DEFAULT.stages, description="rows after an alarm at which fits are due, with commas between")
    quiet: Rows = Field(
        default=_DEFAULT.quiet,
        description="rows after which further fits are due while no alarm comes, with commas between; empty for none",
    )
    quiet_doubling: bool = Field(
        default=_DEFAULT.quiet_doubling, description="whether quiet fits go on at double, four times, … the last of these"
    )
    window: int = Field(default=_DEFAULT.window, description="most rows of a fit, the newest")
    back: int = Field(default=_DEFAULT.back, description="rows before the alarm that a fit also takes")
    gate: int = Field(default=_DEFAULT.gate, description="rows after a fit within which its gate decides")
    on_open: Literal["restart", "ignore"] = Field(default=_DEFAULT.on_open, description="what an alarm does while stages are left")
    cooldown: int = Field(default=_DEFAULT.cooldown, description="rows after the opening of a campaign in which alarms are ignored")
    budget: int = Field(default=_DEFAULT.budget, description="rows for each fit on average; 0 for no bound")
    burst: int = Field(default=_DEFAULT.burst, description="fits at once within that budget")
    first: int = Field(default=_DEFAULT.first, description="rows to wait for when a command names none")

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
