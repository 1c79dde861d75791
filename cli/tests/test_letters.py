"""Selection of dead letters, and the display of their bytes."""

from __future__ import annotations

import pytest
from edgeloop_cli.core.letters import Filter, age_ms, hex_lines, place_of, stream_of

LETTER = ("NOT_AVRO", "acme/pumps", "labels.raw", 1_000, (2, 17))


@pytest.mark.parametrize(
    ("meant", "taken"),
    [
        (Filter(), True),
        (Filter(reason="not_avro", topic="labels.raw"), True),
        (Filter(reason="TOO_LARGE"), False),
        (Filter(stream="acme/pumps"), True),
        (Filter(stream="pumps"), False),
        (Filter(topic="labels"), False),
        (Filter(since=1_001), False),
        (Filter(until=999), False),
        (Filter(since=1_000, until=1_000), True),
        (Filter(places=frozenset({(2, 17)})), True),
        (Filter(places=frozenset({(2, 18)})), False),
    ],
)
def test_a_letter_is_meant_if_all_that_is_said_fits(meant: Filter, taken: bool) -> None:
    assert meant.takes(*LETTER) is taken


@pytest.mark.parametrize("text", ["", "2", "h", "-1h", "1.5h", "2 h", "1w", "9999999999s"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected an age"):
        age_ms(text)


@pytest.mark.parametrize(
    "text", ["", "ingestion", "ingestion/0", "ingestion/0/-1", "deadletters.ingestion/0/1/2", "a.b/0/1", "ingestion/x/1"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a place"):
        place_of(text)


def test_a_stream_is_read_from_keys_of_devices_and_streams_alone() -> None:
    assert [stream_of(key) for key in (b"t/s/d", b"t/s", b"s", b"t//d", b"a/b/c/d", b"\xff/s/d")] == ["t/s", "t/s", "", "", "", "\ufffd/s"]


def test_bytes_are_cut_where_they_are_many_and_say_so() -> None:
    assert list(hex_lines(bytes(range(40)), 20)) == [
        "00000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f   ................",
        "00000010  10 11 12 13                                       ....",
        "… 20 bytes more",
    ]
