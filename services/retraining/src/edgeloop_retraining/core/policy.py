"""When a campaign's fits are due, on which rows, and how many there may be: arithmetic in labelled rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

from edgeloop_contracts import Policy as Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy for all streams. The defaults are those that did best on four real streams, five seeds each.

    Attributes
    ----------
    stages
        Rows after the alarm at which a fit is due. Rows from before an alarm belong to another world: a fit takes only rows
        since, so the first comes late enough to have some, and later ones improve on it.
    quiet
        Further fits while no alarm comes, rows after the alarm, or after a person's command.
    quiet_doubling
        Whether quiet fits go on at double, four times, ... the last of them.
    window
        Most rows of a fit, the newest.
    back
        Rows before the alarm that a fit also takes.
    gate
        Rows after a fit within which its gate has to decide; the next fit's row ends it, too.
    on_open
        What an alarm does while a campaign has stages left: ``restart`` it, since its rows are of an older world than thought,
        or ``ignore`` the alarm. While only quiet fits are left, an alarm always opens a new campaign.
    cooldown
        Rows after a campaign's opening in which alarms are ignored.
    budget, burst
        One fit for every ``budget`` rows on average, ``burst`` of them at once; a stage beyond that is left out, a command is
        not. Budget 0 sets no bound.
    first
        Rows to wait for when a command names none and fewer are there.
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
            raise ValueError(f"stages and quiet fits must be due at rising rows from 1 on, given {self.stages} and {self.quiet}")
        if min(self.window, self.gate, self.burst, self.first) < 1 or min(self.back, self.cooldown, self.budget) < 0:
            raise ValueError(f"numbers of rows out of range in {self}")

    def due(self, stage: int, *, command: bool) -> int | None:
        """Rows after a campaign's opening at which its stage is due; ``None`` when it has no such stage.

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
        """Labelled rows before the window of a fit that ends after row ``end``; ``whole`` takes all rows so far."""
        return max(0, end - self.window, 0 if whole else opened - self.back)

    def spend(self, spent: int, since: int) -> int | None:
        """Rows' worth of fits spent after one more fit, ``since`` rows after the last; ``None`` when the budget is used up."""
        if not self.budget:
            return 0
        after = max(0, spent - since) + self.budget
        return after if after <= self.burst * self.budget else None


def taken(settings: Policy, policy: Event) -> Policy:
    """The settings with what the event of a policy gives.

    Raises
    ------
    ValueError
        It makes no sense.
    """
    fields = {name: value for name, value in asdict(policy.retraining).items() if value is not None}
    if fields.get("on_open", "restart") not in ("restart", "ignore"):
        raise ValueError(f"on_open: expected restart or ignore, given {policy.retraining.on_open!r}")
    return replace(settings, **fields)
