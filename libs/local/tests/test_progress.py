"""Progress on a terminal and elsewhere."""

from __future__ import annotations

import io

from edgeloop_local.progress import PlainLines, TerminalBars, progress_for
from rich.console import Console


def test_a_pipe_gets_plain_lines_with_megabytes_done_and_in_all() -> None:
    out = io.StringIO()
    progress = PlainLines(out, every=0)
    with progress.downloading("Kafka", 142_000_000) as advance:
        advance(40_000_000)
        advance(60_000_000)
    assert out.getvalue().splitlines() == [
        "downloading Kafka: 142 MB",
        "downloading Kafka: 40 of 142 MB",
        "downloading Kafka: 100 of 142 MB",
        "downloaded Kafka",
    ]


def test_lines_are_written_now_and_then_only() -> None:
    out = io.StringIO()
    with PlainLines(out, every=60).downloading("Kafka", 1_000) as advance:
        for _ in range(1_000):
            advance(1)
    assert len(out.getvalue().splitlines()) == 2


def test_two_downloads_share_a_terminal() -> None:
    out = io.StringIO()
    bars = TerminalBars(Console(file=out, force_terminal=True, width=100))
    with bars.downloading("Kafka", 10) as one, bars.downloading("Registry", 10) as two:
        one(10)
        two(5)
    bars.report("ready")
    assert "Kafka" in out.getvalue()
    assert "Registry" in out.getvalue()
    assert out.getvalue().rstrip().endswith("ready")


def test_what_is_no_terminal_gets_lines() -> None:
    assert isinstance(progress_for(io.StringIO()), PlainLines)
