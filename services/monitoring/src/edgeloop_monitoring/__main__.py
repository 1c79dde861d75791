"""``edgeloop-monitoring``: windowed views of the fleet, and alerts."""

from __future__ import annotations

import asyncio
import sys

from edgeloop_errors import FatalError
from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context, StopSignal, setting_up

from edgeloop_monitoring.app import Service
from edgeloop_monitoring.settings import Settings
from edgeloop_monitoring.spec import SPEC


def main() -> int:
    """Entry point; gives back the exit code."""
    with setting_up(SPEC.name, Settings):
        context, settings = Context(KafkaSettings(), SPEC.name), Settings()
    stop = StopSignal()
    stop.listen()
    try:
        context.refuse_earlier_release()
        return asyncio.run(Service(context, settings).run(stop))
    except FatalError as error:
        context.log.error("stopped", error=str(error))
        return error.exit_code
    except LookupError as error:
        context.log.error("stopped", error=str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
