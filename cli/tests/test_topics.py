"""``edgeloop topics``: what it finds, what it changes, and that a second time changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import typer
from edgeloop_cli import topics as command
from edgeloop_cli.topics_access import acls, grants, readers, writes
from edgeloop_cli.topics_apply import CannotApplyError, apply_topics, survey
from edgeloop_cli.topics_plan import Sizes, Status, compare, fitted, plan_topics
from edgeloop_contracts import topics
from edgeloop_contracts.services import SERVICES
from edgeloop_kafka import KafkaSettings, SchemaRegistry, reach
from edgeloop_kafka.admin import Admin, TopicFound
from typer.testing import CliRunner


def found(topic: Any, sizes: Sizes | None = None, **changes: str) -> TopicFound:
    wanted = (sizes or Sizes()).wanted(topic)
    return TopicFound(wanted.partitions, wanted.replication, {"segment.ms": "1", **wanted.config, **changes})


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.add_to(app)
    return CliRunner().invoke(app, ["topics", *arguments])


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELOOP_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("EDGELOOP_SCHEMA_REGISTRY_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(command, "LISTING_TIMEOUT", 0.3)


def test_a_topic_that_is_as_declared_is_in_order_whatever_else_is_set_on_it() -> None:
    assert compare(Sizes().wanted(topics.EXAMPLES), found(topics.EXAMPLES)).status is Status.OK


def test_a_topic_that_is_not_there_is_missing() -> None:
    assert compare(Sizes().wanted(topics.EXAMPLES), None).status is Status.MISSING


def test_retention_and_cleanup_can_be_set_and_counts_cannot() -> None:
    there = replace(found(topics.STREAMS, **{"cleanup.policy": "delete", "min.insync.replicas": "2"}), partitions=3, replication=2)
    plan = compare(Sizes().wanted(topics.STREAMS), there)
    assert plan.status is Status.DIFFERS
    assert plan.changes == {"cleanup.policy": "compact", "min.insync.replicas": "1"}
    assert [one.setting for one in plan.differences if not one.changeable] == ["partitions", "replication"]


def test_with_three_copies_two_must_have_a_record_unless_told_otherwise() -> None:
    assert Sizes(replication=3).wanted(topics.LABELS).config["min.insync.replicas"] == "2"
    assert Sizes(replication=3, min_insync=1).wanted(topics.LABELS).config["min.insync.replicas"] == "1"


def test_topics_of_one_partition_have_one_whatever_is_asked_for() -> None:
    assert Sizes(partitions=12).wanted(topics.MODEL_EVENTS).partitions == 1
    assert Sizes(partitions=12).wanted(topics.EXAMPLES).partitions == 12


def test_a_new_topic_gets_as_many_partitions_as_its_siblings_have() -> None:
    there = {"examples": found(topics.EXAMPLES, Sizes(partitions=12)), "streams": found(topics.STREAMS)}
    assert fitted(Sizes(), there).partitions == 12
    assert fitted(Sizes(partitions=4), there).partitions == 4
    assert {one.wanted.topic.name: one.wanted.partitions for one in plan_topics(there, Sizes())}["labels"] == 12


def test_every_topic_is_written_and_read_by_somebody_or_meant_for_people() -> None:
    for topic in topics.all_topics():
        assert not topic.producer or topic in writes(topic.producer)
    unread = {topic.name for topic in topics.PUBLIC if not readers(topic)}
    assert unread == {"labels.contradictions", "gaps", "fleet.answers", "fleet.errors", "rollout.events"}


def test_rights_name_groups_and_transactions_of_a_service_under_the_prefix() -> None:
    lines = list(acls("p.", "host:9092"))
    drift = [line for line in lines if "User:edgeloop-drift " in line]
    assert any("--operation Read" in line and "--group p.edgeloop-drift" in line for line in drift)
    assert any("--transactional-id p.edgeloop-drift- --resource-pattern-type prefixed" in line for line in drift)
    assert any("--operation Write" in line and "--topic p.drift.signals" in line and "--topic p.drift.state" in line for line in drift)
    assert any("--group p.edgeloop-mirror" in line for line in lines if "User:edgeloop-mirror " in line)
    assert not any("--group" in line for line in lines if "User:edgeloop-inference " in line)
    around = {f"User:edgeloop-{name}" for name in ("cli", "admin", "producer", "consumer")}
    assert {line.split("--allow-principal ")[1].split()[0] for line in lines} == {f"User:edgeloop-{name}" for name in SERVICES} | around


def test_no_line_of_rights_is_without_a_resource_and_each_right_stands_once() -> None:
    found = list(grants("p."))
    assert all(grant.names and all(grant.names) for grant in found)
    each = [(g.user, operation, g.resource, name) for g in found if g.resource != "topic" for operation in g.operations for name in g.names]
    assert len(set(each)) == len(each)


def test_programs_around_write_no_topic_of_a_service_and_read_what_lies_uncompressed() -> None:
    written = {name for g in grants("") if g.user in ("edgeloop-cli", "edgeloop-producer") and "Write" in g.operations for name in g.names}
    assert not [topic.name for topic in topics.PUBLIC if topic.producer and topic.name in written]
    (facts,) = [g.names for g in grants("") if g.user == "edgeloop-consumer" and g.resource == "topic"]
    assert set(facts) == {topic.name for topic in topics.FACTS}


@pytest.mark.usefixtures("nowhere")
def test_without_a_cluster_topics_are_still_listed() -> None:
    result = run()
    assert result.exit_code == 0
    assert "observations.rows.raw" in result.stdout
    assert "no schema ids" in result.stderr


def test_a_variable_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELOOP_HTTP_PORT", "many")
    result = run()
    assert result.exit_code == 2
    assert result.stderr.startswith("EDGELOOP_HTTP_PORT: ")


@pytest.mark.usefixtures("nowhere")
def test_json_tells_types_keys_partitions_and_fields_to_programs() -> None:
    listed = {topic["name"]: topic for topic in json.loads(run("--json", "--partitions", "12").stdout)}
    labels = listed["labels.raw"]
    assert (labels["key"], labels["partitions"], labels["producer"]) == ("tenant/stream/device", 12, None)
    assert [event["type"] for event in listed["model.events"]["events"]] == [
        "edgeloop.model.ModelVersion",
        "edgeloop.model.CandidateRefused",
    ]
    fields = {field["name"]: field for field in listed["model.events"]["events"][0]["fields"]}
    assert fields["version"] == {"name": "version", "type": "int", "default": 0}
    assert fields["file.digest"] == {"name": "file.digest", "type": "string", "default": ""}
    assert labels["events"][0]["subject"] == "labels.raw-value"


@pytest.mark.usefixtures("nowhere")
def test_one_topic_is_shown_with_its_fields_and_an_unknown_one_with_all_names() -> None:
    shown = run("model.events")
    assert "file.offset" in shown.stdout
    assert "drift.signals" not in shown.stdout
    unknown = run("nothing")
    assert unknown.exit_code == 2
    assert "drift.signals" in unknown.stderr


@pytest.mark.usefixtures("nowhere")
def test_a_cluster_that_does_not_answer_is_an_error_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "reach", lambda settings: reach(settings, timeout_s=0.3))
    result = run("--apply")
    assert result.exit_code == 2
    assert "127.0.0.1:1" in result.stderr


@pytest.mark.usefixtures("nowhere")
def test_more_copies_in_step_than_there_are_is_refused() -> None:
    assert run("--apply", "--min-insync", "2").exit_code == 2


@pytest.mark.integration
def test_applied_twice_the_second_time_finds_everything_in_order(cluster: Any) -> None:
    settings = cluster.settings(topics=False)
    first = apply_topics(settings)
    assert {one.status for one in first.topics} == {Status.MISSING}
    second = apply_topics(settings)
    assert {one.status for one in second.topics} == {Status.OK}
    assert {one.status for one in second.subjects} == {Status.OK}
    assert not second.changes_something
    with SchemaRegistry(settings.schema_registry_url) as registry:
        assert registry.compatibility(f"{settings.topic_prefix}labels-value") == "FULL_TRANSITIVE"


@pytest.mark.integration
def test_what_somebody_changed_is_shown_and_set_back(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: KafkaSettings = cluster.settings()
    for name, value in (("KAFKA_BOOTSTRAP", settings.bootstrap), ("SCHEMA_REGISTRY_URL", settings.schema_registry_url)):
        monkeypatch.setenv(f"EDGELOOP_{name}", value)
    monkeypatch.setenv("EDGELOOP_TOPIC_PREFIX", settings.topic_prefix)
    admin = Admin(settings)
    admin.alter({"examples": {"retention.ms": "1000"}})
    with SchemaRegistry(settings.schema_registry_url) as registry:
        registry.set_compatibility(f"{settings.topic_prefix}labels-value", "NONE")
        shown = run("--diff")
        assert shown.exit_code == 1
        assert "retention.ms 1000 → 2592000000" in shown.stdout
        assert "compatibility NONE" in shown.stdout
        applied = run("--apply")
        assert applied.exit_code == 0
        assert "done" in applied.stdout
        assert "nothing to change" in run("--apply").stdout
        assert not survey(admin, registry, settings.topic_prefix).changes_something
    assert admin.describe([topics.EXAMPLES])["examples"].config["retention.ms"] == "2592000000"
    assert all(event["schema_id"] for topic in json.loads(run("--json").stdout) for event in topic["events"])


@pytest.mark.integration
def test_topics_of_another_number_of_partitions_stop_everything_before_it_begins(cluster: Any) -> None:
    settings = cluster.settings(topics=False)
    Admin(settings).create([Sizes(partitions=3).wanted(topics.EXAMPLES)])
    with pytest.raises(CannotApplyError, match="examples has 3 partitions, 4 wanted"):
        apply_topics(settings, partitions=4)
    assert list(Admin(settings).describe(topics.all_topics())) == ["examples"]
    apply_topics(settings, partitions=None)
    assert Admin(settings).partitions(topics.LABELS) == 3
