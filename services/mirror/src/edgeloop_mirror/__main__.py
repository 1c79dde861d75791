"""``edgeloop-mirror``: a copy of training runs and versions in MLflow."""

from __future__ import annotations

import sys

from edgeloop_errors import FatalError
from edgeloop_kafka import KafkaSettings, reach
from edgeloop_streaming import Context, StopSignal, setting_up

from edgeloop_mirror.app import run
from edgeloop_mirror.io.mlflow_environment import set_defaults
from edgeloop_mirror.settings import Settings
from edgeloop_mirror.spec import SPEC


def main() -> int:
    """Entry point; returns the exit code."""
    with setting_up(SPEC.name, Settings):
        context, settings = Context(KafkaSettings(), SPEC.name), Settings()
        if not settings.tracking_uri:
            raise ValueError("MLFLOW_TRACKING_URI: expected the address of MLflow, given nothing")
    stop = StopSignal()
    stop.listen()
    set_defaults()
    from edgeloop_mirror.io.mlflow_tracking import MlflowTracking  # reads the environment

    try:
        if reach(context.settings, stop):
            context.refuse_earlier_release()
            run(context, settings, MlflowTracking(settings.tracking_uri), stop)
    except FatalError as error:
        context.log.error("stopped", error=str(error))
        return error.exit_code
    except LookupError as error:
        context.log.error("stopped", error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
