"""The client's handling of a schema registry's answers; integration tests ask a real one."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from edgeloop_kafka.framing import Naming, SchemaId
from edgeloop_kafka.schema_registry import RegistryRefusedError, RegistryUnavailableError, SchemaRegistry, UnknownSchemaError, WrittenSchema


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> SchemaRegistry:
    return SchemaRegistry("http://user:secret@127.0.0.1:1/apis/ccompat/v7/", transport=httpx.MockTransport(handler))


def test_a_schema_is_registered_under_its_subject_and_gets_an_id() -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"id": 7})

    assert answering(handler).register("a/b-value", '"string"') == 7
    assert asked[0].url.raw_path == b"/apis/ccompat/v7/subjects/a%2Fb-value/versions"
    assert json.loads(asked[0].content) == {"schema": '"string"'}


def test_an_id_that_the_registry_does_not_know_is_an_unknown_schema() -> None:
    registry = answering(lambda _: httpx.Response(404, json={"error_code": 40403, "message": "no"}))
    with pytest.raises(UnknownSchemaError, match="40403"):
        registry.schema(SchemaId(99))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, json={"error_code": 50001, "message": "no store"}),
        httpx.Response(404, text="<html>nothing here</html>"),
        httpx.Response(404, json={"detail": "no such page"}),
        httpx.Response(401, json={"error_code": 401, "message": "who are you"}),
        httpx.Response(429, text="slow down"),
    ],
)
def test_any_other_answer_to_an_id_judges_no_record(answer: httpx.Response) -> None:
    with pytest.raises(RegistryUnavailableError):
        answering(lambda _: answer).schema(SchemaId(99))


def test_a_registry_that_cannot_be_reached_is_unavailable_and_its_password_is_not_told() -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(RegistryUnavailableError) as caught:
        answering(handler).latest("x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("late", [2, 3])
def test_a_request_that_is_not_answered_in_time_is_made_again_as_often_as_was_said(late: int) -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) <= late:
            raise httpx.ReadTimeout("slow")
        return httpx.Response(200, json={"id": 7})

    registry = SchemaRegistry("http://127.0.0.1:1", attempts=3, transport=httpx.MockTransport(handler))
    if late == 2:
        assert registry.register("a", "{}") == 7
    else:
        with pytest.raises(RegistryUnavailableError, match="slow"):
            registry.register("a", "{}")
    assert len(asked) == 3


def test_an_incompatible_schema_is_refused_with_its_code() -> None:
    registry = answering(lambda _: httpx.Response(409, json={"error_code": 409, "message": "not compatible"}))
    with pytest.raises(RegistryRefusedError, match="not compatible") as caught:
        registry.register("s", '"string"')
    assert caught.value.code == 409


def test_a_subject_without_a_level_of_its_own_has_none() -> None:
    assert answering(lambda _: httpx.Response(404, json={"error_code": 40401})).compatibility("s") is None
    assert answering(lambda _: httpx.Response(200, json={"compatibilityLevel": "FULL"})).compatibility("s") == "FULL"


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (httpx.Response(200, json={"mode": "READONLY"}), True),
        (httpx.Response(404, json={"error_code": 0, "message": "Operation not supported."}), False),
        (httpx.Response(404, json={"error_code": 40401, "message": "no subject"}), False),
    ],
)
def test_a_registry_without_modes_is_left_as_it_is(answer: httpx.Response, known: bool) -> None:
    assert answering(lambda _: answer).set_mode("labels.raw-value", "READONLY") is known


def served(paths: dict[str, httpx.Response]) -> SchemaRegistry:
    def handler(request: httpx.Request) -> httpx.Response:
        return paths.get(request.url.path, httpx.Response(404, json={"error_code": 404, "name": "NotFoundException"}))

    return answering(handler)


C, OWN = "/apis/ccompat/v7", "/apis/registry/v2"
PART = httpx.Response(200, json={"schema": "part", "references": []})


def test_references_are_looked_up_those_of_others_first_and_each_once() -> None:
    whole = {"subject": "whole", "version": 2, "name": "x.Whole"}
    part = {"subject": "part", "version": 1, "name": "x.Part"}
    registry = served(
        {
            f"{C}/schemas/ids/7": httpx.Response(200, json={"schema": "top", "references": [whole, part]}),
            f"{C}/subjects/whole/versions/2": httpx.Response(200, json={"schema": "whole", "references": [part]}),
            f"{C}/subjects/part/versions/1": PART,
        }
    )
    assert registry.schema(SchemaId(7)) == WrittenSchema("top", ("part", "whole"))


def test_references_that_go_round_are_no_schema() -> None:
    again = {"subject": "a", "version": 1}
    paths = {
        f"{C}/schemas/ids/7": httpx.Response(200, json={"schema": "top", "references": [again]}),
        f"{C}/subjects/a/versions/1": httpx.Response(200, json={"schema": "a", "references": [again]}),
    }
    with pytest.raises(UnknownSchemaError, match="go round"):
        served(paths).schema(SchemaId(7))


@pytest.mark.parametrize(
    ("subject", "version", "answer"),
    [
        ("..", 1, httpx.Response(404, json={"error_code": 0, "message": "no such resource"})),
        (".", 1, httpx.Response(405, json={"error_code": 0, "message": "not allowed"})),
        ("part", "1.0.0", httpx.Response(500, json={"error_code": 0, "message": "no number"})),
        ("part", "..", httpx.Response(500, json={"error_code": 0, "message": "no number"})),
        ("part", 0, httpx.Response(422, json={"error_code": 42202, "message": "no version"})),
    ],
)
def test_a_reference_under_which_nothing_can_be_found_is_no_ill_registry(subject: str, version: object, answer: httpx.Response) -> None:
    top = httpx.Response(200, json={"schema": "top", "references": [{"subject": subject, "version": version}]})
    registry = answering(lambda request: top if request.url.path == f"{C}/schemas/ids/7" else answer)
    with pytest.raises(UnknownSchemaError, match="a reference to"):
        registry.schema(SchemaId(7))


def test_a_global_id_is_asked_of_apicurios_own_interface_with_its_references() -> None:
    registry = served(
        {
            f"{OWN}/ids/globalIds/9": httpx.Response(200, text="top"),
            f"{OWN}/ids/globalIds/9/references": httpx.Response(200, json=[{"artifactId": "part", "version": "1", "name": "x.Part"}]),
            f"{C}/subjects/part/versions/1": PART,
            "/apis/registry/v3/ids/contentIds/4": httpx.Response(200, text="three"),
        }
    )
    assert registry.schema(SchemaId(9, Naming.GLOBAL)) == WrittenSchema("top", ("part",))
    assert registry.schema(SchemaId(4, Naming.CONTENT)) == WrittenSchema("three")
    with pytest.raises(UnknownSchemaError):
        registry.schema(SchemaId(5, Naming.GLOBAL))


def test_a_guid_is_resolved_where_the_registry_gives_them_out() -> None:
    guid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    there = served({f"{C}/schemas/guids/{guid}": httpx.Response(200, json={"schema": "it", "schemaType": "AVRO"})})
    assert there.schema(SchemaId(guid.replace("-", ""), Naming.GUID)) == WrittenSchema("it")
    with pytest.raises(UnknownSchemaError):
        served({}).schema(SchemaId(guid.replace("-", ""), Naming.GUID))


@pytest.mark.parametrize(
    "answer",
    [
        [],
        None,
        5,
        "text",
        {},
        {"schema": 5},
        {"schema": None},
        {"id": "x"},
        {"schema": "a", "references": [{"subject": "gone", "version": 1}]},
    ],
)
def test_an_answer_of_another_form_judges_no_record_and_breaks_nothing(answer: object) -> None:
    registry = answering(lambda request: httpx.Response(200 if "ids" in request.url.path else 403, json=answer))
    with pytest.raises(RegistryUnavailableError):
        registry.schema(SchemaId(99))
    with pytest.raises((RegistryUnavailableError, RegistryRefusedError)):
        registry.latest("x")
