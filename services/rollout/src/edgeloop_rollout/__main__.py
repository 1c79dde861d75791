"""``python -m edgeloop_rollout``: run the rollout."""

from __future__ import annotations

import sys

from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context, run, setting_up

from edgeloop_rollout.app import NAME, build


def main() -> int:
    """Entry point."""
    with setting_up(NAME):
        context = Context(KafkaSettings(), NAME)
    return run(lambda: build(context), context)


if __name__ == "__main__":
    sys.exit(main())
