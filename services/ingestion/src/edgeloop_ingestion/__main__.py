"""``edgeloop-ingestion``: let raw data in."""

from __future__ import annotations

import sys

from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context, run, setting_up

from edgeloop_ingestion.app import NAME, build
from edgeloop_ingestion.settings import Settings


def main() -> int:
    """Entry point; gives back the exit code."""
    with setting_up(NAME, Settings):
        context, settings = Context(KafkaSettings(), NAME), Settings()
    return run(lambda: build(context, settings), context)


if __name__ == "__main__":
    sys.exit(main())
