"""The edges between services are what topics.py and the READMEs say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from edgeloop_contracts import Topic, topics

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if (path / "pyproject.toml").exists())
CONSTANTS = {name: value for name, value in vars(topics).items() if isinstance(value, Topic)}


def sources(service: str) -> list[ast.Module]:
    return [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "services" / service / "src").rglob("*.py")]


def is_topic(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "topics" and node.attr in CONSTANTS


def referenced(service: str) -> set[str]:
    return {CONSTANTS[node.attr].name for tree in sources(service) for node in ast.walk(tree) if is_topic(node)}


def sent(service: str) -> set[str]:
    calls = [node for tree in sources(service) for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Send" and is_topic(call.args[0])]
    return {CONSTANTS[call.args[0].attr].name for call in named}


def table(service: str, heading: str) -> set[str]:
    text = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}", 1)[1].split("\n## ", 1)[0]
    return {match.group(1) for line in section.splitlines() if (match := re.match(r"\|\s*`([a-z.]+)`", line))}


def own(service: str) -> set[str]:
    if service not in topics.STATE_KINDS:
        return set()
    return {topics.state(service).name, topics.dead_letters(service).name}


def given_back(service: str) -> set[str]:
    return {topics.redrive(service).name} if service in topics.STATE_KINDS else set()


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
def test_a_service_uses_every_topic_that_it_is_said_to_produce(service: str) -> None:
    said = {topic.name for topic in topics.PUBLIC if topic.producer == service}
    assert said <= referenced(service)


@pytest.mark.parametrize("service", SERVICES)
def test_the_readme_names_what_is_consumed_and_produced(service: str) -> None:
    used = [topics.by_name(name) for name in referenced(service)]
    produced = {topic.name for topic in used if topic.producer == service}
    foreign = {topic.name for topic in used if topic.producer != service}
    assert produced | own(service) <= table(service, "Produces")
    assert table(service, "Produces") <= produced | own(service) | foreign
    assert foreign <= table(service, "Consumes") | table(service, "Produces")
    assert given_back(service) <= table(service, "Consumes") <= foreign | produced | given_back(service)


@pytest.mark.parametrize("service", SERVICES)
def test_every_consumed_topic_is_written_by_somebody(service: str) -> None:
    for name in table(service, "Consumes"):
        producer = topics.by_name(name).producer
        assert producer == "" or name in referenced(producer)


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
