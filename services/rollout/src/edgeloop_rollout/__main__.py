"""``python -m edgeloop_rollout``: run the rollout."""

from __future__ import annotations

import sys

from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context, run, setting_up

from edgeloop_rollout.app import build
from edgeloop_rollout.spec import SPEC


def main() -> int:
    """Entry point."""
    with setting_up(SPEC.name):
        context = Context(KafkaSettings(), SPEC.name)
    return run(lambda: build(context), context)


if __name__ == "__main__":
    sys.exit(main())
