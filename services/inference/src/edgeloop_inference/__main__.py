"""``python -m edgeloop_inference``: settings, build, run."""

from __future__ import annotations

import sys

from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import setting_up

from edgeloop_inference.app import run
from edgeloop_inference.io.startup import CannotStartError
from edgeloop_inference.settings import Settings
from edgeloop_inference.spec import SPEC


def main() -> int:
    """Run a device until a stop signal; give back the exit code, 2 if its settings prevent a start."""
    with setting_up(SPEC.name, Settings):
        settings, kafka = Settings(), KafkaSettings()  # pyright: ignore[reportCallIssue] - filled from the environment
    try:
        return run(settings, kafka)
    except CannotStartError as error:
        print(f"edgeloop-inference: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
