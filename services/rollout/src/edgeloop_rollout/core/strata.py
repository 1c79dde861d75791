"""Strata of devices that err alike, by what they did before a rollout.

Devices differ: a sensor in the sun errs more than one in the shade, whatever the version. Where those with the new version happen to be the worse
ones, the version looks worse. So each is compared with devices whose earlier rate is like its own, and each stratum gives its share of a phase.
"""

from __future__ import annotations

from collections.abc import Mapping


def strata(history: Mapping[str, tuple[int, int]], count: int) -> dict[str, str]:
    """Stratum of each device: as many devices in each as can be, in the order of their earlier rates.

    Parameters
    ----------
    history
        Rows of each device under the old version, and those among them that count. A device without rows is held to be average.
    count
        Number of strata; at least twenty devices in each, if each shall give one to a phase of 5 %.

    Examples
    --------
    >>> strata({"sunny": (100, 30), "shady": (100, 5), "new": (0, 0), "dusk": (100, 8)}, 2)
    {'shady': '1 of 2', 'dusk': '1 of 2', 'new': '2 of 2', 'sunny': '2 of 2'}
    """
    if count < 1:
        raise ValueError(f"strata: expected a count of 1 or more, given {count}")
    rows, events = (sum(column) for column in zip(*history.values(), strict=True)) if history else (0, 0)
    average = events / rows if rows else 0.0
    rates = {device: own / seen if seen else average for device, (seen, own) in history.items()}
    order = sorted(rates, key=lambda device: (rates[device], device))
    return {device: f"{place * count // len(order) + 1} of {count}" for place, device in enumerate(order)}
