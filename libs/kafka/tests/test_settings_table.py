"""Settings told to people."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Literal

import pytest
from edgeloop_kafka import KafkaSettings
from edgeloop_kafka.settings_table import as_table, described
from edgeloop_streaming.arguments import parse_arguments
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Some(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="EDGELOOP_SOME_")

    name: str = Field(description="its name")
    colour: Colour = Field(default=Colour.RED, description="its colour")
    side: Literal["left", "right"] = Field(default="left", description="its side")
    size_bytes: int = Field(default=4 << 20, description="its size")
    rows: tuple[int, ...] = Field(default=(1, 2), description="its rows")
    numbers: dict[str, float] = Field(default_factory=lambda: {"a": 0.5}, description="a | b")
    quick: bool = Field(default=False, description="whether it is")
    seconds: float = Field(default=5.0, description="its patience")
    folder: Path | None = Field(default=None, description="its place")


def test_each_field_is_a_row() -> None:
    assert as_table(described(Some)).splitlines() == [
        "| variable | default | meaning |",
        "| --- | --- | --- |",
        "| `EDGELOOP_SOME_NAME` | required | its name |",
        "| `EDGELOOP_SOME_COLOUR` | `red` | its colour; one of `red`, `blue` |",
        "| `EDGELOOP_SOME_SIDE` | `left` | its side; one of `left`, `right` |",
        "| `EDGELOOP_SOME_SIZE_BYTES` | `4194304` | its size; the default is 4 MiB |",
        "| `EDGELOOP_SOME_ROWS` | `1,2` | its rows |",
        '| `EDGELOOP_SOME_NUMBERS` | `{"a": 0.5}` | a \\| b |',
        "| `EDGELOOP_SOME_QUICK` | `false` | whether it is |",
        "| `EDGELOOP_SOME_SECONDS` | `5` | its patience |",
        "| `EDGELOOP_SOME_FOLDER` |  | its place |",
    ]


def test_a_field_without_a_description_is_an_error() -> None:
    class Bare(BaseSettings):
        count: int = 1

    with pytest.raises(ValueError, match="the setting count has no description"):
        described(Bare)


def test_what_a_user_has_set_is_not_shown_as_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELOOP_KAFKA_SASL_PASSWORD", "quite-secret")
    told = as_table(described(KafkaSettings))
    assert "quite-secret" not in told
    assert "EDGELOOP_KAFKA_<NAME>" in told
    assert KafkaSettings().extra == {"sasl.password": "quite-secret"}


def test_help_tells_all_settings_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse_arguments("streaming", [Some], ["--help"])
    told = capsys.readouterr().out
    assert end.value.code == 0
    assert all(setting.variable in told for setting in (*described(Some), *described(KafkaSettings)))


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse_arguments("streaming", [], ["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("edgeloop-streaming ")


@pytest.mark.parametrize("argument", ["--port=9", "serve", "--vers"])
def test_an_unknown_argument_is_refused_by_its_name(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse_arguments("streaming", [], [argument])
    assert end.value.code == 2
    assert f"unrecognized arguments: {argument}" in capsys.readouterr().err
