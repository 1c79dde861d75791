"""``edgeloop-ingestion``: let raw data in."""

from __future__ import annotations

import sys

from edgeloop_streaming import Context, KafkaSettings, run

from edgeloop_ingestion.app import NAME, build
from edgeloop_ingestion.settings import Settings


def main() -> int:
    """Entry point; gives back the exit code."""
    context = Context(KafkaSettings(), NAME)
    return run(lambda: build(context, Settings()), context)


if __name__ == "__main__":
    sys.exit(main())
