"""Members of a fleet as commands name, choose and show them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from edgeloop_contracts import ConfigScope, DeviceConfig, DeviceHealth, FleetConfig, Health
from edgeloop_contracts import Device as Member
from edgeloop_signing.enrolment import KEY_BYTES

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_FIELDS = {field.name: str(field.type) for field in fields(DeviceConfig)}
NARROWER = (ConfigScope.TENANT, ConfigScope.GROUP, ConfigScope.DEVICE)


@dataclass(frozen=True, slots=True)
class Known:
    """A device as the service `fleet` knows it.

    Attributes
    ----------
    member
        Standing, keys, group, labels.
    health
        Health; ``None`` before the first heartbeat.
    """

    member: Member
    health: DeviceHealth | None

    @property
    def state(self) -> Health:
        """Health, also of one that was never heard."""
        return self.health.health if self.health is not None else Health.UNHEARD

    @property
    def states(self) -> tuple[str, ...]:
        """Whatever is to be said of it; nothing where all is well."""
        told: list[str] = []
        if self.member.enrolment.value in ("REVOKED", "RETIRED"):
            told.append(self.member.enrolment.value.lower())
        elif self.state in (Health.LATE, Health.LOST):
            told.append(self.state.value.lower())
        if self.health is not None and self.health.twins:
            told.append(f"{len(self.health.twins)} processes use this name: {', '.join(self.health.twins)}")
        vitals = self.health.vitals if self.health is not None else None
        if vitals is not None and vitals.config_refused:
            told.append(f"refuses its configuration: {vitals.config_refused}")
        return tuple(told)


@dataclass(frozen=True, slots=True)
class Selector:
    """A choice of devices.

    Attributes
    ----------
    group, labels, health
        Expected values; an empty one chooses all.
    """

    group: str = ""
    labels: Mapping[str, str] | None = None
    health: str = ""

    @property
    def chooses(self) -> bool:
        """Whether it leaves any device out."""
        return bool(self.group or self.labels or self.health)

    def takes(self, known: Known | None) -> bool:
        """Whether a device is chosen; one that `fleet` does not know has no group, no labels and no health."""
        if not self.chooses:
            return True
        if known is None:
            return False
        labels = (self.labels or {}).items()
        return (
            (not self.group or known.member.device_group == self.group)
            and all(known.member.labels.get(name) == value for name, value in labels)
            and (not self.health or known.state.value == self.health.upper())
        )


def labels_of(texts: Iterable[str], *, removals: bool = False) -> dict[str, str]:
    """Labels in texts such as ``site=north``; with ``removals``, ``site-`` removes one.

    Raises
    ------
    ValueError
        A text has another form.

    Examples
    --------
    >>> labels_of(["site=north", "hw-"], removals=True)
    {'site': 'north', 'hw': ''}
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals and removals and text.endswith("-") and text != "-":
            found[text[:-1]] = ""
        elif equals and name and value:
            found[name] = value
        else:
            expected = "NAME=VALUE, or NAME- to remove it" if removals else "NAME=VALUE"
            raise ValueError(f"label: expected {expected}, given {text!r}")
    return found


def key_of(text: str) -> bytes:
    """A public key as 64 hexadecimal digits.

    Raises
    ------
    ValueError
        The text has another form.
    """
    if not _HEX.fullmatch(text):
        raise ValueError(f"--public-key: expected {2 * KEY_BYTES} hexadecimal digits, given {text[:80]!r}")
    return bytes.fromhex(text)


def config_of(texts: Iterable[str], base: DeviceConfig) -> DeviceConfig:
    """A configuration with changes such as ``sampling=0.5``; ``sampling=`` takes a setting away.

    Raises
    ------
    ValueError
        A text has another form, names no setting, or its value is none.

    Examples
    --------
    >>> config_of(["sampling=0.5", "streams=pumps,fans"], DeviceConfig(log_level="INFO"))
    DeviceConfig(sampling=0.5, outbox_rows=None, outbox_bytes=None, streams=('pumps', 'fans'), log_level='INFO', heartbeat_s=None, bandwidth=None)
    """
    values: dict[str, Any] = {name: getattr(base, name) for name in _FIELDS}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in _FIELDS:
            raise ValueError(f"--set: expected NAME=VALUE with a name of {', '.join(_FIELDS)}; given {text!r}")
        values[name] = _value(name, value) if value else None
    return DeviceConfig(**values)


def settings_of(config: DeviceConfig) -> dict[str, Any]:
    """Settings that a configuration names."""
    return {name: value for name in _FIELDS if (value := getattr(config, name)) is not None}


def effective(configs: Iterable[FleetConfig], tenant: str, group: str, device: str) -> dict[str, tuple[Any, FleetConfig]]:
    """Settings of one device, each with the configuration that it comes from; the nearest scope wins."""
    names = {ConfigScope.TENANT: "", ConfigScope.GROUP: group, ConfigScope.DEVICE: device}
    held = {(one.scope, one.name): one for one in configs if one.tenant == tenant and not one.withdrawn}
    found: dict[str, tuple[Any, FleetConfig]] = {}
    for scope in NARROWER:
        config = held.get((scope, names[scope]))
        if config is not None and (names[scope] or scope is ConfigScope.TENANT):
            found |= {name: (value, config) for name, value in settings_of(config.config).items()}
    return found


def _value(name: str, text: str) -> Any:
    kind = _FIELDS[name]
    try:
        if "int" in kind:
            return int(text.replace("_", ""))
        if "float" in kind:
            return float(text)
    except ValueError:
        raise ValueError(f"--set {name}: expected a number, given {text!r}") from None
    return tuple(text.split(",")) if "tuple" in kind else text
