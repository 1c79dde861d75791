"""``python -m edgeloop_registry``: run the registry."""

from __future__ import annotations

import sys

from edgeloop_signing.keys import KeyProblem
from edgeloop_streaming import Context, KafkaSettings, run

from edgeloop_registry.app import NAME, build
from edgeloop_registry.settings import Settings


def main() -> int:
    """Entry point; the exit code is 2 if the settings are not usable."""
    context = Context(KafkaSettings(), NAME)
    try:
        service = build(Settings(), context)
    except KeyProblem as problem:
        context.log.error("no key", error=str(problem))
        return 2
    return run(lambda: service, context)


if __name__ == "__main__":
    sys.exit(main())
