"""What the client makes of a registry's answers; a real registry is asked in the integration tests."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from edgeloop_streaming.framing import SchemaId
from edgeloop_streaming.registry import RegistryRefused, RegistryUnavailable, SchemaRegistry, UnknownSchema


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
    with pytest.raises(UnknownSchema, match="40403"):
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
    with pytest.raises(RegistryUnavailable):
        answering(lambda _: answer).schema(SchemaId(99))


def test_a_registry_that_cannot_be_reached_is_unavailable_and_its_password_is_not_told() -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(RegistryUnavailable) as caught:
        answering(handler).subjects()
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
        with pytest.raises(RegistryUnavailable, match="slow"):
            registry.register("a", "{}")
    assert len(asked) == 3


def test_an_incompatible_schema_is_refused_with_its_code() -> None:
    registry = answering(lambda _: httpx.Response(409, json={"error_code": 409, "message": "not compatible"}))
    with pytest.raises(RegistryRefused, match="not compatible") as caught:
        registry.register("s", '"string"')
    assert caught.value.code == 409


def test_a_subject_without_a_level_of_its_own_has_none() -> None:
    assert answering(lambda _: httpx.Response(404, json={"error_code": 40401})).compatibility("s") is None
    assert answering(lambda _: httpx.Response(200, json={"compatibilityLevel": "FULL"})).compatibility("s") == "FULL"
