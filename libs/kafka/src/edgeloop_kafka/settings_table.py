"""Settings told to people: one row for each variable, taken from the fields that read it."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable.

    Attributes
    ----------
    variable
        Its name in the environment.
    default
        What holds where it is not set; empty for nothing.
    meaning
        What it does, and which values it takes where they are few.
    required
        Whether the process ends without it.
    """

    variable: str
    default: str
    meaning: str
    required: bool


def described(kind: type[BaseSettings]) -> list[Setting]:
    """Every variable that a kind of settings reads.

    Raises
    ------
    ValueError
        A field has no description.
    """
    return [_setting(kind, name, field) for name, field in kind.model_fields.items()]


def as_table(settings: list[Setting]) -> str:
    """A Markdown table of settings."""
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for each in settings:
        shown = "required" if each.required else f"`{each.default}`" if each.default else ""
        meaning = each.meaning.replace("|", "\\|")
        lines.append(f"| `{each.variable}` | {shown} | {meaning} |")
    return "\n".join(lines) + "\n"


def _setting(kind: type[BaseSettings], name: str, field: FieldInfo) -> Setting:
    if not field.description:
        raise ValueError(f"{kind.__module__}: the setting {name} has no description")
    variable = (
        field.validation_alias if isinstance(field.validation_alias, str) else f"{kind.model_config.get('env_prefix', '')}{name}".upper()
    )
    # A variable with a pattern for a name stands for many, whose values are the user's own.
    default = "" if field.is_required() or "<" in variable else _shown(field.get_default(call_default_factory=True))
    meaning = field.description
    if choices := _choices(field.annotation):
        meaning += f"; one of {', '.join(f'`{choice}`' for choice in choices)}"
    if isinstance(field.default, int) and field.default >= _MIB and field.default % _MIB == 0:
        meaning += f"; the default is {field.default // _MIB:,} MiB"
    return Setting(variable, default, meaning, field.is_required())


def _choices(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [str(member.value) for member in annotation]
    return [str(value) for value in get_args(annotation)] if get_origin(annotation) is Literal else []


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case enum.Enum():
            return str(value.value)
        case float():
            return f"{value:g}"
        case Mapping():
            return json.dumps(dict(value))
        case tuple() | list():
            return ",".join(map(str, value))
        case Path():
            return value.as_posix()
        case _:
            return str(value)
