"""``edgeloop-mirror``: every training run and every version in MLflow, too."""

from __future__ import annotations

import sys

from edgeloop_signing.keys import KeyProblem
from edgeloop_streaming import Context, KafkaSettings, Stop, Unreachable, reach

from edgeloop_mirror.adapters.mlflow_environment import set_defaults
from edgeloop_mirror.app import NAME, run
from edgeloop_mirror.settings import Settings

NOT_SET = 2


def main() -> int:
    """Entry point; gives back the exit code."""
    stop = Stop()
    stop.listen()
    context, settings = Context(KafkaSettings(), NAME), Settings()
    if not settings.tracking_uri:
        context.log.error("stopped", error="MLFLOW_TRACKING_URI says where MLflow is; it is not set")
        return NOT_SET
    set_defaults()
    try:
        from edgeloop_mirror.adapters.mlflow_tracking import MlflowTracking
    except ImportError as error:
        context.log.error("stopped", error=f"{error}: pip install 'edgeloop-mirror[mlflow]'")
        return NOT_SET
    try:
        reach(context.settings, stop)
        run(context, settings, MlflowTracking(settings.tracking_uri), stop)
    except KeyProblem as problem:
        context.log.error("stopped", error=f"EDGELOOP_MIRROR_TRUST_FILE: {problem}")
        return NOT_SET
    except (Unreachable, LookupError) as error:
        context.log.error("stopped", error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
