"""Rows with named features, in the order of the stream definition."""

from __future__ import annotations

import math

from edgeloop_contracts import Feature, NamedRow, ObservationRow, StreamDefinition

from edgeloop_admission.device_names import InadmissibleError

SHOWN = 5
UNKNOWN = -1.0  # a text outside the feature's categories


def ordered(row: NamedRow, definition: StreamDefinition) -> ObservationRow:
    """The row with its features in the definition's order. An absent feature is NaN, which is refused later unless it is nullable.

    Raises
    ------
    InadmissibleError
        ``UNKNOWN_FEATURE``: a name outside the definition. ``INVALID_VALUE``: a text for a number, or both under one name.
    """
    known = {feature.name: feature for feature in definition.features}
    if unknown := [name for name in (*row.features, *row.texts) if name not in known]:
        raise InadmissibleError("UNKNOWN_FEATURE", f"features: expected {_listed(list(known))}, given {_listed(unknown)}")
    if both := [name for name in row.texts if name in row.features]:
        raise InadmissibleError("INVALID_VALUE", f"feature {both[0]!r}: expected a number or a text, given both")
    for name in row.texts:
        if not known[name].categories:
            raise InadmissibleError("INVALID_VALUE", f"feature {name!r}: expected a number, given the text {row.texts[name][:40]!r}")
    return row.as_row(features=tuple(_value(row, feature) for feature in definition.features))


def _value(row: NamedRow, feature: Feature) -> float:
    text = row.texts.get(feature.name)
    if text is None:
        return row.features.get(feature.name, math.nan)
    return float(feature.categories.index(text)) if text in feature.categories else UNKNOWN


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
