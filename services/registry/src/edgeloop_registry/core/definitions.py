"""Checks of stream definitions, and of changes to them."""

from __future__ import annotations

import math
from collections import Counter

from edgeloop_contracts import Feature, Mask, RegisterStream, RegistryState, StreamDefinition, StreamTask, outcomes
from edgeloop_contracts.masks import mask_of
from edgeloop_contracts.plausibility import LONGEST_NAME
from edgeloop_contracts.texts import cut
from edgeloop_errors import InvalidError

MAX_FEATURES = 4096
MAX_CLASSES = 4096
MAX_CATEGORIES = 1024
MOST_TEXT = 512 << 10
"""Bytes of all names and units together: definition, candidate and version carry them."""


class DefinitionRefusedError(InvalidError):
    """The command can never be carried out.

    Attributes
    ----------
    reason
        ``INVALID_DEFINITION``: unsound in itself. ``STALE``: made for another version than the current one.
        ``INCOMPATIBLE``: would break the models that the stream has.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def define(command: RegisterStream, known: RegistryState) -> RegistryState | None:
    """State of the stream after the command; ``None`` if it changes nothing.

    Parameters
    ----------
    command
        The definition that somebody wants.
    known
        What the registry knows of that stream; a default one if nothing.

    Raises
    ------
    DefinitionRefusedError
        With its reason.
    """
    _check(command)
    classes = tuple(sorted(command.classes))
    wanted = (command.features, command.label, classes, command.task, command.tolerance)
    # Before the version is looked at, so that a command sent twice is done and not stale.
    if known.definition_version and wanted == (known.features, known.label, known.classes, known.task, known.tolerance):
        return None
    if command.expected_version != known.definition_version:
        raise DefinitionRefusedError(
            "STALE",
            f"the command expects version {command.expected_version} of the definition; the current one is {known.definition_version}",
        )
    same_features = _names(command.features) == _names(known.features)
    if known.version:
        _check_change(command, known)
    version = known.definition_version + 1
    return RegistryState(
        version=known.version,
        definition_version=version,
        features_since=known.features_since if same_features else version,
        features=command.features,
        label=command.label,
        classes=classes,
        task=command.task,
        tolerance=command.tolerance,
    )


def definition(tenant: str, stream: str, known: RegistryState) -> StreamDefinition:
    """The stream's current definition as an event."""
    return StreamDefinition(
        tenant=tenant,
        stream=stream,
        version=known.definition_version,
        features=known.features,
        label=known.label,
        classes=known.classes,
        task=known.task,
        tolerance=known.tolerance,
    )


def _names(features: tuple[Feature, ...]) -> list[str]:
    return [feature.name for feature in features]


def _check(command: RegisterStream) -> None:
    for what, name in (("tenant", command.tenant), ("stream", command.stream)):
        # A key is tenant/stream/device: a slash or a space in a name would make keys ambiguous.
        if not _sound(name) or "/" in name or " " in name:
            raise _invalid(f"the {what} {_shown(name)} is no name: 1 to {LONGEST_NAME} printable characters, no slash, no space")
    if not 1 <= len(command.features) <= MAX_FEATURES:
        raise _invalid(f"1 to {MAX_FEATURES} features expected, {len(command.features)} given")
    if len(command.classes) > MAX_CLASSES:
        raise _invalid(f"at most {MAX_CLASSES} classes expected, {len(command.classes)} given")
    texts = [command.label, *command.classes]
    for feature in command.features:
        texts += [feature.name, feature.unit, *feature.categories]
    if (size := sum(len(text.encode("utf-8", "replace")) for text in texts)) > MOST_TEXT:
        raise _invalid(f"names and units take {size:,} bytes together; at most {MOST_TEXT:,} fit into a definition")
    _check_names("feature", _names(command.features))
    _check_names("class", list(command.classes))
    numbers = command.task is StreamTask.REGRESSION
    if numbers and command.classes:
        raise _invalid(f"the labels of a regression are numbers, and {len(command.classes)} classes are named")
    if not (0 < command.tolerance < math.inf if numbers else command.tolerance == 0):
        raise _invalid(f"a tolerance {'above 0' if numbers else 'of 0'} expected for {command.task.value}, {command.tolerance} given")
    for feature in command.features:
        bounds = [bound for bound in (feature.minimum, feature.maximum) if bound is not None]
        if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
            raise _invalid(f"feature {feature.name!r}: minimum {feature.minimum} and maximum {feature.maximum} bound nothing")
        if feature.categories:
            _check_categories(feature)
        _check_mask(feature)


def _check_categories(feature: Feature) -> None:
    _check_names(f"category of {feature.name!r}", list(feature.categories))
    if len(feature.categories) > MAX_CATEGORIES:
        raise _invalid(
            f"feature {feature.name!r}: at most {MAX_CATEGORIES:,} categories expected, {len(feature.categories):,} given; "
            "any further text is the unknown one"
        )
    if feature.minimum is not None or feature.maximum is not None:
        raise _invalid(f"feature {feature.name!r}: a feature with categories is no number, and has no minimum or maximum")


def _check_mask(feature: Feature) -> None:
    if feature.local_only and feature.mask is Mask.NONE:
        raise _invalid(f"feature {feature.name!r}: local_only and the mask NONE contradict each other; DROP, PSEUDONYM or BUCKETS expected")
    if feature.mask is not Mask.BUCKETS:
        if feature.bucket:
            raise _invalid(f"feature {feature.name!r}: a bucket is of the mask BUCKETS; 0 expected, {feature.bucket} given")
    elif not 0 < feature.bucket <= outcomes.LARGEST:
        raise _invalid(f"feature {feature.name!r}: the mask BUCKETS needs a bucket above 0, {feature.bucket} given")
    elif feature.categories:
        raise _invalid(f"feature {feature.name!r}: categories have no nearest bucket; DROP or PSEUDONYM expected")


def _check_names(what: str, names: list[str]) -> None:
    for name, count in Counter(names).items():
        if not _sound(name):
            raise _invalid(f"the {what} {_shown(name)} is no name: 1 to {LONGEST_NAME} printable characters, no space at its ends")
        if count > 1:
            raise _invalid(f"the {what} {_shown(name)} is named {count} times")


def _shown(name: str) -> str:
    return repr(cut(name, LONGEST_NAME))


def _sound(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()


def _invalid(message: str) -> DefinitionRefusedError:
    return DefinitionRefusedError("INVALID_DEFINITION", message)


def _check_change(command: RegisterStream, known: RegistryState) -> None:
    """A model reads rows by position and categories by index, and answers with a class index. None of these may shift."""
    for index, (now, then) in enumerate(zip(_names(command.features), _names(known.features), strict=False)):
        if now != then:
            raise DefinitionRefusedError("INCOMPATIBLE", f"feature {index} is {then!r} to the stream's models, and would be {now!r}")
    if len(command.features) != len(known.features):
        raise DefinitionRefusedError(
            "INCOMPATIBLE", f"the stream's models take {len(known.features)} features, and would be given {len(command.features)}"
        )
    for now, then in zip(command.features, known.features, strict=True):
        if bool(now.categories) != bool(then.categories) or now.categories[: len(then.categories)] != then.categories:
            raise DefinitionRefusedError(
                "INCOMPATIBLE", f"feature {then.name!r}: {_kept(then)} to the stream's models; new ones come at the end"
            )
        masks = mask_of(now), mask_of(then)
        if masks[0] is not Mask.DROP and (masks[0], now.bucket) != (masks[1], then.bucket):
            raise DefinitionRefusedError(
                "INCOMPATIBLE",
                f"feature {then.name!r}: its mask is {masks[1].value} to the stream's models, and would be {masks[0].value}; "
                "only DROP may come later, as a missing value is none of another kind",
            )
    if (command.task, command.tolerance) != (known.task, known.tolerance):
        raise DefinitionRefusedError(
            "INCOMPATIBLE",
            f"what is right stays as it was when the stream's first model came: {known.task.value}, tolerance {known.tolerance:g}",
        )
    gone = sorted(set(known.classes) - set(command.classes))
    if gone:
        raise DefinitionRefusedError("INCOMPATIBLE", f"classes may come, and not go: {', '.join(map(repr, gone))} would be gone")


def _kept(feature: Feature) -> str:
    if not feature.categories:
        return "it has no categories"
    shown = ", ".join(map(repr, feature.categories[:3])) + (", …" if len(feature.categories) > 3 else "")
    return f"its first {len(feature.categories)} categories are {shown}"
