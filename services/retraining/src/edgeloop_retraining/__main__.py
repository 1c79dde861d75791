"""``edgeloop-retraining``: decide when a stream is due for retraining."""

from __future__ import annotations

import sys

from edgeloop_streaming import Context, KafkaSettings, run

from edgeloop_retraining.app import build
from edgeloop_retraining.handlers import NAME
from edgeloop_retraining.settings import Settings


def main() -> int:
    """Entry point; gives back the exit code."""
    context = Context(KafkaSettings(), NAME)
    return run(lambda: build(context, Settings()), context)


if __name__ == "__main__":
    sys.exit(main())
