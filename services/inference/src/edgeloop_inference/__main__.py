"""``python -m edgeloop_inference``: settings, build, run."""

from __future__ import annotations

import sys

from edgeloop_streaming import KafkaSettings, unusable
from pydantic import ValidationError

from edgeloop_inference.app import CannotStart, run
from edgeloop_inference.settings import Settings


def main() -> int:
    """Run a device until it is told to stop; give back the exit code, 2 if it cannot start as it is set up."""
    try:
        return run(Settings(), KafkaSettings())  # pyright: ignore[reportCallIssue] - filled from the environment
    except CannotStart as error:
        why = str(error)
    except ValidationError as error:
        why = unusable(error, "EDGELOOP_INFERENCE_")
    print(f"edgeloop-inference: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
