"""Masks of features."""

from __future__ import annotations

from edgeloop_contracts.events import Feature, Mask


def mask_of(feature: Feature) -> Mask:
    """Mask of a feature's values on a device; tags resolve ``DEFAULT``.

    Examples
    --------
    >>> [mask_of(Feature(**tags)).value for tags in ({}, {"pii": True}, {"pii": True, "mask": Mask.NONE})]
    ['NONE', 'PSEUDONYM', 'NONE']
    >>> [mask_of(Feature(local_only=True, mask=mask)).value for mask in (Mask.DEFAULT, Mask.NONE, Mask.PSEUDONYM)]
    ['DROP', 'DROP', 'PSEUDONYM']
    """
    if feature.local_only and feature.mask in (Mask.DEFAULT, Mask.NONE):
        return Mask.DROP
    if feature.mask is not Mask.DEFAULT:
        return feature.mask
    return Mask.PSEUDONYM if feature.pii else Mask.NONE
