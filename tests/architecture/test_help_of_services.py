"""Help of every service: it lists all settings; unknown arguments are refused."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from edgeloop_kafka import KafkaSettings
from edgeloop_kafka.settings_table import described

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))


def ended(monkeypatch: pytest.MonkeyPatch, service: str, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", [f"edgeloop-{service}", *arguments])
    with pytest.raises(SystemExit) as end:
        importlib.import_module(f"edgeloop_{service}.__main__").main()
    return end.value.code


@pytest.mark.parametrize("service", SERVICES)
def test_help_of_a_service_tells_its_settings_and_the_shared_ones(
    service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, service, "--help") == 0
    module = f"edgeloop_{service}.settings"
    own = described(importlib.import_module(module).Settings) if find_spec(module) else []
    told = capsys.readouterr().out
    assert [setting.variable for setting in (*own, *described(KafkaSettings)) if setting.variable not in told] == []


@pytest.mark.parametrize("service", SERVICES)
def test_an_unknown_argument_is_refused(service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(monkeypatch, service, "--port", "9000") == 2
    assert "unrecognized arguments: --port 9000" in capsys.readouterr().err
