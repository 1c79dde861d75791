"""``python -m edgeloop_rollout``: run the rollout."""

from __future__ import annotations

import sys

from edgeloop_streaming import Context, KafkaSettings, run

from edgeloop_rollout.app import NAME, build


def main() -> int:
    """Entry point."""
    return run(build, Context(KafkaSettings(), NAME))


if __name__ == "__main__":
    sys.exit(main())
