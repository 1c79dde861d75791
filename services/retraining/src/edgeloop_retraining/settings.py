"""Settings of retraining."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from edgeloop_retraining.core.policy import Policy

_DEFAULT = Policy()
Rows = Annotated[tuple[int, ...], NoDecode]


class Settings(BaseSettings):
    """Settings from ``EDGELOOP_RETRAINING_*`` variables; :class:`Policy` explains them."""

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_RETRAINING_", frozen=True)

    stages: Rows = Field(default=_DEFAULT.stages, description="rows after an alarm at which fits are due, separated by commas")
    quiet: Rows = Field(
        default=_DEFAULT.quiet,
        description="rows after which further fits are due while no alarm comes, separated by commas; empty for none",
    )
    quiet_doubling: bool = Field(
        default=_DEFAULT.quiet_doubling, description="whether quiet fits go on at 2, 4, 8, … times the last of these"
    )
    window: int = Field(default=_DEFAULT.window, description="maximum number of rows of a fit; the newest are taken")
    back: int = Field(default=_DEFAULT.back, description="rows before the alarm that a fit takes, too")
    gate: int = Field(default=_DEFAULT.gate, description="rows after a fit within which its gate must decide")
    on_open: Literal["restart", "ignore"] = Field(
        default=_DEFAULT.on_open, description="effect of an alarm while a campaign has stages left"
    )
    cooldown: int = Field(default=_DEFAULT.cooldown, description="rows after the opening of a campaign in which alarms are ignored")
    budget: int = Field(default=_DEFAULT.budget, description="rows per fit on average; 0 for no bound")
    burst: int = Field(default=_DEFAULT.burst, description="maximum number of fits at once within the budget")
    first: int = Field(default=_DEFAULT.first, description="rows that a command waits for if it names none")

    @field_validator("stages", "quiet", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.replace(" ", "").split(",") if part) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _policy_makes_sense(self) -> Self:
        _ = self.policy  # raises what is wrong
        return self

    @property
    def policy(self) -> Policy:
        """The settings as the core takes them."""
        return Policy(**self.model_dump())
