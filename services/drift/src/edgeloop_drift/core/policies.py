"""Detection rules under a policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from edgeloop_contracts import Policy

from edgeloop_drift.core.detectors import DetectorSpec
from edgeloop_drift.core.pooled_detectors import Rules


def apply_policy(settings: Rules, policy: Policy) -> Rules:
    """The settings with a policy's values in their place. A detector without parameters has its own defaults.

    Raises
    ------
    ValueError
        There is no such detector, scope, or parameter.
    """
    given = policy.detection
    errors = settings.errors
    if given.detector is not None:
        errors = DetectorSpec(given.detector, _parameters(given.parameters or {}))
    elif given.parameters is not None:
        errors = replace(errors, parameters=_parameters(given.parameters))
    scopes = settings.scopes if given.scopes is None else given.scopes
    errors.check()
    return replace(settings, errors=errors, scopes=tuple(scopes), windows=len(policy.rollout.phases or ()) > 1)


def _parameters(given: Mapping[str, str]) -> dict[str, float | str]:
    try:
        return {name: json.loads(text) for name, text in given.items()}
    except json.JSONDecodeError as error:
        raise ValueError(f"parameters: expected each as JSON, given {dict(given)}") from error
