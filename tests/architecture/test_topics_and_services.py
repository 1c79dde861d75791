"""The edges between services are those of their specifications; READMEs, rights and containers are made from these."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from edgeloop_contracts import Topic, topics
from edgeloop_contracts.service_spec import Access
from edgeloop_contracts.services import SERVICES as SPECS

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(SPECS)
CONSTANTS = {name: value for name, value in vars(topics).items() if isinstance(value, Topic)}


def sources(service: str) -> list[ast.Module]:
    """Modules of a service, its specification left out, as it only says what these do."""
    paths = (path for path in (ROOT / "services" / service / "src").rglob("*.py") if path.name != "spec.py")
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


def is_topic(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "topics" and node.attr in CONSTANTS


def referenced(service: str) -> set[str]:
    return {CONSTANTS[node.attr].name for tree in sources(service) for node in ast.walk(tree) if is_topic(node)}


def sent(service: str) -> set[str]:
    calls = [node for tree in sources(service) for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Send" and is_topic(call.args[0])]
    return {CONSTANTS[call.args[0].attr].name for call in named}


def test_every_topic_with_a_producer_is_produced_by_a_service_that_exists() -> None:
    assert {topic.producer for topic in topics.all_topics() if topic.producer} <= set(SERVICES)


def test_topic_names_and_subjects_are_unique() -> None:
    everything = topics.all_topics()
    assert len({topic.name for topic in everything}) == len(everything)
    subjects = [topic.subject(kind) for topic in everything for kind in topic.kinds]
    assert len(set(subjects)) == len(subjects)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_sends_only_to_topics_that_are_its_own(service: str) -> None:
    assert {name for name in sent(service) if topics.by_name(name).producer not in ("", service)} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_the_code_uses_the_topics_of_the_specification_and_no_others(service: str) -> None:
    spec = SPECS[service]
    named = {each.topic.name for each in (*spec.reads, *spec.writes)}
    looked_up = {each.topic.name for each in spec.reads if each.access is not Access.GROUP}
    owned = {each.topic.name for each in spec.writes if each.topic.producer}
    assert looked_up | owned <= referenced(service) <= named


@pytest.mark.parametrize("service", SERVICES)
def test_every_topic_that_is_read_is_written_by_somebody(service: str) -> None:
    written = {each.topic.name for spec in SPECS.values() for each in spec.writes}
    assert {each.topic.name for each in SPECS[service].reads if each.topic.producer} <= written


def test_the_name_of_a_topic_is_written_in_one_place() -> None:
    names = {topic.name for topic in topics.PUBLIC if "." in topic.name}
    for path in [
        *ROOT.glob("services/*/src/**/*.py"),
        *(path for name in ("kafka", "readers", "streaming") for path in ROOT.glob(f"libs/{name}/src/**/*.py")),
    ]:
        text = path.read_text(encoding="utf-8")
        constants = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        assert constants & names == set(), path


KAFKA_LIBRARIES = {"edgeloop_kafka", "edgeloop_readers", "edgeloop_streaming"}


def test_three_libraries_alone_import_the_kafka_client() -> None:
    for path in [*ROOT.glob("services/*/src/**/*.py"), *ROOT.glob("cli/src/**/*.py"), *ROOT.glob("libs/*/src/**/*.py")]:
        if not KAFKA_LIBRARIES & set(path.parts):
            assert "confluent_kafka" not in path.read_text(encoding="utf-8"), path
