"""Redrive of dead letters: each is handed back once, whichever process is killed and however often it is asked for."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest
from edgeloop_cli.main import build
from edgeloop_contracts import DeadLetter, ObservationBatch, topics
from edgeloop_kafka.framing import GUID
from edgeloop_readers.dead_letter_reader import count_dead_letters
from edgeloop_streaming import Context
from support.processes import environment
from typer.testing import CliRunner

pytestmark = pytest.mark.doors
BOX, BACK = topics.dead_letters("ingestion"), topics.redrive("ingestion")


class Post:
    """A cluster with dead letters, and the command."""

    def __init__(self, cluster: Any) -> None:
        self.settings = cluster.settings()
        self.context = Context(self.settings, "test")
        self.environment = environment(self.settings)

    def put(self, count: int, reason: str = "UNKNOWN_STREAM", stream: str = "s", service: str = "ingestion", **more: Any) -> None:
        publisher = self.context.publisher()
        for n in range(count):
            value = self.context.codec.encode(
                topics.OBSERVATIONS_RAW,
                ObservationBatch(tenant="default", boot_epoch=0, stream=stream, device_id="d", first_seq=n, count=1),
            )
            letter = DeadLetter(service=service, topic="observations.raw", offset=n, key=b"?", value=value, reason=reason, **more)
            publisher.publish(topics.dead_letters(service), f"k{n}", letter, partition=n % 4)
        assert publisher.flush() == 0

    def given(self) -> Counter[str]:
        found: list[Any] = []
        follower = self.context.follower([BACK])
        follower.refresh(found.append)
        follower.close()
        return Counter(record.key for record in found)

    def call(self, *words: str) -> Any:
        result = CliRunner().invoke(build(), list(words), env=self.environment)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if "--json" in words else result.stdout

    def process(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", "from edgeloop_cli.main import main; main()", *words], env=self.environment)


@pytest.fixture
def post(cluster: Any) -> Post:
    return Post(cluster)


def test_letters_are_given_back_by_filter_once_and_counted(post: Post) -> None:
    post.put(6)
    post.put(3, reason="NOT_AVRO", stream="other")
    post.put(1, reason="TOO_LARGE", cut=True, value_size=5_000_000)
    asked = ("redrive", "--why", "it is registered now", "--json")
    assert post.call(*asked, "--stream", "other", "--dry-run")["redriven"] == 3
    assert sum(post.given().values()) == 0
    assert post.call(*asked, "--reason", "unknown_stream")["redriven"] == 6
    assert post.call(*asked, "--reason", "unknown_stream") | {"services": {}} == {
        "redriven": 0, "already": 6, "cut": 0, "dry_run": False, "services": {},
    }  # fmt: skip
    assert post.call(*asked, "--stream", "default/other")["redriven"] == 3
    everything = post.call(*asked, "--all")
    assert (everything["redriven"], everything["already"], everything["cut"]) == (0, 9, 1)
    assert set(post.given().values()) == {1}
    counts = count_dead_letters(post.settings, post.context.codec)
    assert {(one.reason, one.waiting, one.redriven) for one in counts.counts} == {
        ("UNKNOWN_STREAM", 0, 6), ("NOT_AVRO", 0, 3), ("TOO_LARGE", 1, 0),
    }  # fmt: skip
    record = post.context.reader().read(BACK, 0, 0, 1)[0].event
    assert record.why == "it is registered now"
    assert record.who
    assert record.run


def test_one_letter_is_shown_decoded_and_in_hex_and_given_back_by_its_place(post: Post) -> None:
    post.put(2)
    post.put(1, reason="NOT_AVRO", service="labels")
    (first, second) = post.call("deadletters", "list", "--service", "ingestion", "--json")
    assert post.call("deadletters", "list", "--older", "1h", "--json") == []
    shown = post.call("deadletters", "show", first["place"], "--json")
    assert shown["event"]["stream"] == "s"
    told = post.call("deadletters", "show", first["place"])
    assert "00000000  00 00" in told
    assert "UNKNOWN_STREAM" in told
    assert post.call("redrive", second["place"], "--why", "tried again", "--json")["redriven"] == 1
    assert set(post.given()) == {second["place"]}
    words = ["redrive", "deadletters.ingestion/0/99", "--why", "mistyped"]
    result = CliRunner().invoke(build(), words, env=post.environment)
    assert (result.exit_code, "1 of 1 places hold no such dead letter" in result.output) == (1, True), result.output
    summary = post.call("deadletters", "--json")
    assert [(one["service"], one["waiting"], one["redriven"]) for one in summary["counts"]] == [("ingestion", 1, 1), ("labels", 1, 0)]


def test_a_letter_whose_schema_is_named_in_a_header_is_shown_decoded(post: Post) -> None:
    framed = post.context.codec.encode(
        topics.OBSERVATIONS_RAW, ObservationBatch(tenant="default", boot_epoch=0, first_seq=-1, stream="headers", device_id="d", count=1)
    )
    letter = DeadLetter(
        service="ingestion",
        topic="observations.raw",
        key=b"?",
        value=framed[5:],
        headers={GUID: framed[:5]},
        reason="UNKNOWN_STREAM",
    )
    publisher = post.context.publisher()
    publisher.publish(BOX, "k", letter, partition=0)
    assert publisher.flush() == 0
    (listed,) = post.call("deadletters", "list", "--stream", "headers", "--json")
    assert post.call("deadletters", "show", listed["place"], "--json")["event"]["device_id"] == "d"


@pytest.fixture(scope="module")
def empty(cluster: Any) -> Post:
    return Post(cluster)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["redrive", "--why", "because"], "expected places, --service"),
        (["redrive", "--all", "--why", "  "], "--why: expected a text"),
        (["redrive", "--all", "--why", "because", "--older", "soon"], "expected an age"),
        (["redrive", "nowhere/0/1", "--why", "because"], "nowhere has no dead letters"),
        (["redrive", "--service", "nobody", "--why", "because"], "nobody has no dead letters"),
        (["deadletters", "show", "deadletters.ingestion/0/99"], "no dead letter at"),
        (["deadletters", "show", "observations/0/99"], "observations has no dead letters"),
        (["deadletters", "show", "ingestion"], "expected a place"),
    ],
)
def test_what_cannot_be_asked_for_is_told_in_a_line(empty: Post, words: list[str], told: str) -> None:
    result = CliRunner().invoke(build(), words, env=empty.environment)
    assert result.exit_code == 2, (result.output, result.exception)
    assert told in result.output
    assert len(result.output.splitlines()) == 1


def test_a_run_that_is_killed_in_the_middle_gives_nothing_back_twice(post: Post) -> None:
    post.put(3_000)
    words = ("redrive", "--all", "--who", "me", "--why", "because")
    kills = 0
    for few in (200, 1_000):
        running = post.process(*words)
        deadline = time.monotonic() + 60
        while sum(post.given().values()) < few and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
        kills += running.wait() == -signal.SIGKILL
    assert kills
    before = post.given()
    both = [post.process(*words) for _ in range(2)]
    assert 0 in [running.wait(90) for running in both]
    again = post.given()
    assert set(before.values()) | set(again.values()) == {1}
    assert len(again) == 3_000
    assert post.call(*words, "--json")["already"] == 3_000
