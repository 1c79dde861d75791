"""``edgeloop-fleet``: run the fleet."""

from __future__ import annotations

import sys

from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context, run, setting_up

from edgeloop_fleet.app import build
from edgeloop_fleet.settings import Settings
from edgeloop_fleet.spec import SPEC


def main() -> int:
    """Entry point; gives back the exit code."""
    with setting_up(SPEC.name, Settings):
        context, settings = Context(KafkaSettings(), SPEC.name), Settings()
    return run(lambda: build(context, settings), context)


if __name__ == "__main__":
    sys.exit(main())
