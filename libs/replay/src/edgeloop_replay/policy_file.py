"""The model of a policy file. Its sections are made from the dataclasses that the services decide by, so no field is declared twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from edgeloop_contracts import DetectionPolicy, Policy
from edgeloop_drift.core import policies as detection
from edgeloop_drift.core.pooled_detectors import Rules
from edgeloop_mixture.rule import Memory, Rule
from edgeloop_retraining.core.policy import Policy as Retraining
from edgeloop_rollout.core.policies import Plan as Rollout
from edgeloop_trainer.core.gate import Rule as Gate
from edgeloop_trainer.core.recipe import Recipe
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, Strict, ValidationError, create_model, model_validator

from edgeloop_replay.errors import BadPolicyError


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Section(_Model):
    """The part of a policy that one service decides by.

    Attributes
    ----------
    kind
        The dataclass that the section is made from.
    """

    kind: ClassVar[type]

    @model_validator(mode="after")
    def _makes_sense(self) -> Section:
        self.made()
        return self

    def made(self) -> Any:
        """The section as its service has it.

        Raises
        ------
        ValueError
            A value is out of range.
        """
        return self.kind(**{each.name: getattr(self, each.name) for each in fields(self.kind)})


def _section(kind: type, **more: Any) -> type[Section]:
    """The model of a dataclass: its fields with their types and defaults; ``more`` adds or replaces fields."""
    hints, default = get_type_hints(kind), kind()
    declared: dict[str, Any] = {each.name: (_strict(hints[each.name]), getattr(default, each.name)) for each in fields(kind)}
    made = create_model(kind.__name__, __base__=Section, **(declared | more))
    made.kind = kind
    return made


def _strict(hint: Any) -> Any:
    """The type without conversions: the text '5' is no number."""
    if hint in (int, float, bool):
        return Annotated[hint, Strict()]
    if get_origin(hint) is tuple:
        return tuple[_strict(get_args(hint)[0]), ...]
    return hint


def _memories(given: Any) -> Any:
    pairs: list[Any] = given if isinstance(given, list) else [None]
    if not all(isinstance(pair, list) and len(pair) == 2 and all(type(number) is int for number in pair) for pair in pairs):
        raise ValueError(f"expected a list of pairs of rows and neighbours, given {given!r}")
    return tuple(Memory(*pair) for pair in pairs)


def _parameter(given: Any) -> int | float | str:
    if not isinstance(given, int | float | str):
        raise ValueError(f"expected a number or a text, given {given!r}")  # noqa: TRY004  # pydantic collects ValueErrors
    return given


class Detection(_Model):
    """The section ``detection``, whose parameters are those of the detector.

    Attributes
    ----------
    detector
        Detector of error rates: ``ADWIN``, ``PageHinkley``, ``KSWIN``, ``DDM``, ``HDDM_A`` or ``HDDM_W``.
    parameters
        Parameters of the detector's constructor in River; the others keep River's defaults.
    scopes
        Watched errors, one or more: of all answers (``stream``), of versions without their adapter (``alone``), of the newest version
        (``version``).
    """

    detector: str | None = None
    parameters: dict[str, Annotated[Any, PlainValidator(_parameter)]] | None = None
    scopes: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Detection:
        self.made()
        return self

    def made(self) -> Rules:
        """The section as the service has it.

        Raises
        ------
        ValueError
            There is no such detector, parameter or scope.
        """
        return detection.apply_policy(Rules(), Policy(tenant="default", stream="", detection=self.event()))

    def event(self) -> DetectionPolicy:
        """The section as the event has it."""
        parameters = None if self.parameters is None else {name: json.dumps(value) for name, value in self.parameters.items()}
        return DetectionPolicy(detector=self.detector, parameters=parameters, scopes=self.scopes)


def _empty(given: Any) -> Any:
    return {} if given is None else given


_ADAPTER = _section(
    Rule,
    enabled=(Annotated[bool, Strict()], True),
    memories=(Annotated[tuple[Memory, ...], BeforeValidator(_memories)], Rule().memories),
)
SECTIONS: Mapping[str, Any] = {
    "detection": Detection,
    "retraining": _section(Retraining),
    "training": _section(Recipe),
    "gate": _section(Gate),
    "adapter": _ADAPTER,
    "rollout": _section(Rollout),
}
"""The model of each section; a field's default is that of its service."""

_FIELDS: dict[str, Any] = {name: (Annotated[kind, BeforeValidator(_empty)], Field(default_factory=kind)) for name, kind in SECTIONS.items()}
_FILE = create_model("PolicyFile", __base__=_Model, **_FIELDS)


def read(content: Any) -> Any:
    """The content of a YAML file, checked: a model with one attribute for each section.

    Raises
    ------
    BadPolicyError
        It cannot be used; the message has one line for each fault.
    """
    try:
        return _FILE.model_validate(_empty(content))
    except ValidationError as error:
        faults = list(_faults(error))
    raise BadPolicyError(faults[0] if len(faults) == 1 else "\n  ".join([f"{len(faults)} values cannot be used:", *faults]))


def _faults(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False):
        place, given = [str(part) for part in each["loc"]], each["input"]
        match each["type"]:
            case "extra_forbidden" if len(place) == 1:
                told = f"there is no such section; there are {', '.join(SECTIONS)}"
            case "extra_forbidden":
                told = f"there is no such field; there are {', '.join(SECTIONS[place[0]].model_fields)}"
            case "invalid_key":
                told = f"expected a name, given {given!r}"
            case "value_error":
                told = str(each.get("ctx", {}).get("error"))
            case "model_type" | "dict_type":
                told = f"expected names with values, given {given!r}"
            case _:
                told = f"{each['msg'].replace('Input should be', 'expected').replace('tuple', 'list')}, given {given!r}"
        yield f"{'.'.join(place) or 'the policy'}: {told}"
