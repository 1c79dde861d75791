"""Schedule, window and budget of a campaign's fits, counted in labelled rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

from edgeloop_contracts import Policy as Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy of retraining. The defaults did best on four real streams, five seeds each.

    Attributes
    ----------
    stages
        Rows after the alarm at which a fit is due. Rows before an alarm belong to another distribution, so a fit takes only later
        rows: the first stage waits for enough of them, later stages improve on it.
    quiet
        Further fits while no alarm comes, in rows after the alarm or the command.
    quiet_doubling
        Whether quiet fits go on at 2, 4, 8, ... times the last of them.
    window
        Maximum number of rows of a fit; it takes the newest.
    back
        Rows before the alarm that a fit takes, too.
    gate
        Rows after a fit within which its gate must decide. The row of the next fit ends it, too.
    on_open
        Effect of an alarm while a campaign has stages left. ``restart`` opens it anew, since its rows are older than the change;
        ``ignore`` skips the alarm. While only quiet fits are left, an alarm always opens a new campaign.
    cooldown
        Rows after the opening of a campaign in which alarms are ignored.
    budget, burst
        One fit per ``budget`` rows on average, at most ``burst`` at once. A stage beyond that is skipped, a command is not.
        Budget 0 sets no bound.
    first
        Rows that a command waits for if it names none.
    """

    stages: tuple[int, ...] = (200, 600, 2000)
    quiet: tuple[int, ...] = (5000,)
    quiet_doubling: bool = True
    window: int = 6000
    back: int = 0
    gate: int = 200
    on_open: Literal["restart", "ignore"] = "restart"
    cooldown: int = 0
    budget: int = 3000
    burst: int = 5
    first: int = 200

    def __post_init__(self) -> None:
        rows = self.stages + self.quiet
        if not rows or any(b <= a for a, b in zip((0, *rows), rows, strict=False)):
            raise ValueError(f"stages and quiet: expected rising numbers of rows from 1 on, given {self.stages} and {self.quiet}")
        if min(self.window, self.gate, self.burst, self.first) < 1 or min(self.back, self.cooldown, self.budget) < 0:
            raise ValueError(
                f"window, gate, burst and first: expected 1 or more; back, cooldown and budget: expected 0 or more; given {self}"
            )

    def due(self, stage: int, *, command: bool) -> int | None:
        """Rows after the opening of a campaign at which a stage is due; ``None`` if it has no such stage.

        >>> [Policy().due(k, command=False) for k in range(5)]
        [200, 600, 2000, 5000, 10000]
        >>> [Policy().due(k, command=True) for k in range(3)]
        [0, 5000, 10000]
        """
        rows = ((0,) if command else self.stages) + self.quiet
        if stage < len(rows):
            return rows[stage]
        return rows[-1] << (stage - len(rows) + 1) if self.quiet and self.quiet_doubling else None

    def is_quiet(self, stage: int, *, command: bool) -> bool:
        """Whether only quiet fits are left when ``stage`` comes next."""
        return command or stage >= len(self.stages)

    def start(self, opened: int, end: int, *, whole: bool) -> int:
        """Number of labelled rows before the window of a fit that ends with row ``end``. With ``whole`` the window goes back to row 1."""
        return max(0, end - self.window, 0 if whole else opened - self.back)

    def spend(self, spent: int, since: int) -> int | None:
        """Budget spent, in rows, after one more fit ``since`` rows after the last; ``None`` if the budget is used up."""
        if not self.budget:
            return 0
        after = max(0, spent - since) + self.budget
        return after if after <= self.burst * self.budget else None


def apply_policy(settings: Policy, policy: Event) -> Policy:
    """The settings, overridden by the event of a policy.

    Raises
    ------
    ValueError
        A value is out of range.
    """
    fields = {name: value for name, value in asdict(policy.retraining).items() if value is not None}
    if fields.get("on_open", "restart") not in ("restart", "ignore"):
        raise ValueError(f"on_open: expected restart or ignore, given {policy.retraining.on_open!r}")
    return replace(settings, **fields)
