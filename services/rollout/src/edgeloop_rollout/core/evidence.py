"""Counts of right and wrong answers, collected until they make a window of a comparison.

Whether a window ends depends on the number of its rows alone, never on how they turned out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edgeloop_contracts.events import ErrorCount, RolloutCounts

from edgeloop_rollout.core.judgement import Counted
from edgeloop_rollout.core.policies import ERRORS
from edgeloop_rollout.core.rollout_states import EvidenceWindow
from edgeloop_rollout.core.sequential_test import Window

Open = tuple[RolloutCounts, ...]


@dataclass(frozen=True, slots=True)
class Arms:
    """The two versions that are compared."""

    old: int | None
    new: int


def collected(waiting: Open, counts: Iterable[ErrorCount], arms: Arms, group_of: Callable[[str], str | None]) -> Open:
    """The waiting counts with more rows; a row counts for the version that really answered it.

    Parameters
    ----------
    group_of
        Group in which a device is compared; ``None`` for a device that is not compared: unknown, or pinned by a person.
    """
    groups = {one.device_group: one for one in waiting}
    for count in counts:
        group = group_of(count.device_id)
        if group is None or count.model_version not in (arms.old, arms.new) or not 0 <= count.errors <= count.rows:
            continue
        new = count.model_version == arms.new
        had = groups.get(group, RolloutCounts(device_group=group))
        groups[group] = RolloutCounts(
            device_group=group,
            old_rows=had.old_rows + (0 if new else count.rows),
            old_errors=had.old_errors + (0 if new else count.errors),
            new_rows=had.new_rows + (count.rows if new else 0),
            new_errors=had.new_errors + (count.errors if new else 0),
        )
    return tuple(groups[name] for name in sorted(groups))


def closed(waiting: Open, least: int, at: float) -> EvidenceWindow | None:
    """The window that the waiting rows make; ``None`` while they are fewer than ``least``."""
    if sum(one.old_rows + one.new_rows for one in waiting) < least:
        return None
    counted = tuple(
        Counted(ERRORS, Window(one.old_rows, one.old_errors, one.new_rows, one.new_errors), one.device_group or None) for one in waiting
    )
    return EvidenceWindow(at, sum(one.new_rows for one in waiting), counted)
