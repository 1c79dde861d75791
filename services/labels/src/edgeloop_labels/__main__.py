"""``edgeloop-labels``: join observations with their labels."""

from __future__ import annotations

import sys

from edgeloop_streaming import Context, KafkaSettings, run

from edgeloop_labels.app import build
from edgeloop_labels.core.letters import NAME
from edgeloop_labels.settings import Settings


def main() -> int:
    """Entry point; gives back the exit code."""
    context = Context(KafkaSettings(), NAME)
    return run(lambda: build(context, Settings()), context)


if __name__ == "__main__":
    sys.exit(main())
