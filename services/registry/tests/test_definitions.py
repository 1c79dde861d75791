"""Stream definitions: first ones, changes, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from edgeloop_contracts import Feature, Mask, RegisterStream, RegistryState, StreamDefinition, StreamTask, topics
from edgeloop_registry.core.definitions import DefinitionRefusedError, define

THREE = tuple(Feature(name=name) for name in ("heat", "noise", "flow"))


def test_a_first_command_makes_version_1_with_sorted_classes(registry: Any) -> None:
    assert registry.define() == [
        StreamDefinition(tenant="default", stream="pumps", version=1, features=THREE, label="fails", classes=("no", "yes"))
    ]
    assert registry.driver.sent[0].topic is topics.STREAMS
    assert registry.driver.sent[0].key == "default/pumps"


def test_a_command_applied_twice_defines_once_and_is_no_error(registry: Any) -> None:
    registry.define()
    assert registry.driver.repeat() == []
    registry.driver.restart()
    assert registry.driver.repeat() == []
    assert registry.driver.dead == []


def test_a_command_for_another_version_than_the_current_one_is_stale(registry: Any) -> None:
    registry.define()
    assert registry.define(label="other", expected_version=0) == []
    assert [dead.reason for dead in registry.driver.dead] == ["STALE"]
    assert "expects version 0" in registry.driver.dead[0].message


def test_without_a_model_features_may_change(registry: Any) -> None:
    registry.define()
    assert registry.define(features=THREE[:2], expected_version=1)[0].version == 2


def test_with_a_model_classes_units_and_ranges_may_change(registry: Any) -> None:
    registry.define()
    registry.propose(registry.model())
    features = (Feature(name="heat", unit="K", minimum=0.0), *THREE[1:])
    (changed,) = registry.define(features=features, classes=("yes", "no", "maybe"), expected_version=1)
    assert (changed.version, changed.classes) == (2, ("maybe", "no", "yes"))


def test_categories_keep_their_order_and_more_may_come_at_the_end(registry: Any) -> None:
    (first,) = registry.define(features=(Feature(name="kind", categories=("wet", "dry")), *THREE[1:]))
    assert first.features[0].categories == ("wet", "dry")
    registry.propose(registry.model())
    (second,) = registry.define(features=(Feature(name="kind", categories=("wet", "dry", "arid")), *THREE[1:]), expected_version=1)
    assert second.features[0].categories == ("wet", "dry", "arid")


@pytest.mark.parametrize("categories", [(), ("dry", "wet"), ("wet",), ("wet", "arid", "dry")])
def test_with_a_model_no_category_changes_its_index(registry: Any, categories: tuple[str, ...]) -> None:
    registry.define(features=(Feature(name="kind", categories=("wet", "dry")), *THREE[1:]))
    registry.propose(registry.model())
    assert registry.define(features=(Feature(name="kind", categories=categories), *THREE[1:]), expected_version=1) == []
    (dead,) = registry.driver.dead
    assert dead.reason == "INCOMPATIBLE"
    assert "its first 2 categories are 'wet', 'dry'" in dead.message


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"features": THREE[:2]}, "take 3 features"),
        ({"features": (*THREE, Feature(name="new"))}, "take 3 features"),
        ({"features": (THREE[1], THREE[0], THREE[2])}, "feature 0 is 'heat'"),
        ({"features": (*THREE[:2], Feature(name="flux"))}, "would be 'flux'"),
        ({"features": (*THREE[:2], Feature(name="flow", categories=("high",)))}, "'flow': it has no categories"),
        ({"classes": ("yes",)}, "'no' would be gone"),
        ({"classes": (), "task": StreamTask.REGRESSION, "tolerance": 1.0}, "CLASSIFICATION, tolerance 0"),
    ],
)
def test_with_a_model_what_would_break_it_is_incompatible(registry: Any, change: dict[str, Any], told: str) -> None:
    registry.define()
    registry.propose(registry.model())
    assert registry.define(expected_version=1, **change) == []
    (dead,) = registry.driver.dead
    assert dead.reason == "INCOMPATIBLE"
    assert told in dead.message


def test_a_stream_of_numbers_has_a_tolerance_and_no_classes(registry: Any) -> None:
    (defined,) = registry.define(classes=(), task=StreamTask.REGRESSION, tolerance=0.5)
    assert (defined.task, defined.tolerance, defined.classes) == (StreamTask.REGRESSION, 0.5, ())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"task": StreamTask.REGRESSION, "tolerance": 0.5}, "2 classes are named"),
        ({"task": StreamTask.REGRESSION, "classes": ()}, "above 0 expected for REGRESSION, 0.0 given"),
        ({"task": StreamTask.REGRESSION, "classes": (), "tolerance": math.nan}, "above 0 expected"),
        ({"tolerance": 0.5}, "of 0 expected for CLASSIFICATION"),
        ({"stream": ""}, "the stream ''"),
        ({"stream": "a/b"}, "no slash"),
        ({"tenant": "a\nb"}, "the tenant"),
        ({"features": ()}, "0 given"),
        ({"features": (*THREE, THREE[0])}, "'heat' is named 2 times"),
        ({"features": (Feature(name=" "),)}, "the feature ' '"),
        ({"classes": ("yes", "yes")}, "the class 'yes'"),
        ({"classes": ("yes", "n" * 201)}, "more characters)' is no name"),
        ({"features": (Feature(name="heat", minimum=2.0, maximum=1.0),)}, "bound nothing"),
        ({"features": (Feature(name="heat", minimum=float("nan")),)}, "bound nothing"),
        ({"features": (Feature(name="heat", unit="x" * 600_000),)}, "take 600,014 bytes together; at most 524,288"),
        ({"label": "x" * 600_000}, "bytes together"),
        ({"features": (Feature(name="kind", categories=("wet", "wet")),)}, "'wet' is named 2 times"),
        ({"features": (Feature(name="kind", categories=("wet", " ")),)}, "the category of 'kind' ' ' is no name"),
        ({"features": (Feature(name="kind", categories=tuple(map(str, range(1025)))),)}, "at most 1,024 categories"),
        ({"features": (Feature(name="kind", categories=("wet",), minimum=0.0),)}, "is no number"),
    ],
)
def test_an_unsound_definition_is_invalid_and_changes_nothing(registry: Any, wrong: dict[str, Any], told: str) -> None:
    assert registry.define(**wrong) == []
    (dead,) = registry.driver.dead
    assert dead.reason == "INVALID_DEFINITION"
    assert told in dead.message
    assert registry.define() != []


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        (Feature(name="a", local_only=True, mask=Mask.NONE), "contradict each other"),
        (Feature(name="a", mask=Mask.BUCKETS), "needs a bucket above 0"),
        (Feature(name="a", bucket=2.0), "a bucket is of the mask BUCKETS"),
        (Feature(name="a", mask=Mask.BUCKETS, bucket=2.0, categories=("x",)), "categories have no nearest bucket"),
    ],
)
def test_a_mask_is_sound(feature: Feature, message: str) -> None:
    with pytest.raises(DefinitionRefusedError, match=message):
        define(RegisterStream(tenant="default", stream="s", features=(feature,)), RegistryState())


def test_a_mask_stays_as_the_models_know_it_and_only_drop_may_come() -> None:
    known = RegistryState(version=1, definition_version=1, features=(Feature(name="a", pii=True),))
    for feature, allowed in (
        (Feature(name="a", mask=Mask.PSEUDONYM), True),
        (Feature(name="a", local_only=True), True),
        (Feature(name="a"), False),
        (Feature(name="a", mask=Mask.BUCKETS, bucket=2.0), False),
    ):
        command = RegisterStream(tenant="default", stream="s", features=(feature,), expected_version=1)
        if allowed:
            assert define(command, known)
        else:
            with pytest.raises(DefinitionRefusedError, match="its mask is PSEUDONYM to the stream's models"):
                define(command, known)
