"""``python -m edgeloop_inference``: settings, build, run."""

from __future__ import annotations

import sys
import time

from edgeloop_streaming import Context, HealthServer, KafkaSettings, Stop
from pydantic import ValidationError

from edgeloop_inference.app import DataInUse, Device
from edgeloop_inference.adapters.server import PortTaken
from edgeloop_inference.adapters.trust import TrustError
from edgeloop_inference.settings import Settings


def main() -> int:
    """Run a device until it is told to stop; give back the exit code, 2 if it cannot start as it is set up."""
    stop = Stop()
    stop.listen()
    try:
        settings = Settings()  # pyright: ignore[reportCallIssue] - from the environment
        context = Context(KafkaSettings(), "inference")
        device = Device(settings, context, context.metrics, context.log.bind(device=settings.device))
    except (PortTaken, DataInUse, TrustError) as error:
        print(f"edgeloop-inference: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        names = "; ".join(f"EDGELOOP_INFERENCE_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        print(f"edgeloop-inference: settings: {names}", file=sys.stderr)
        return 2
    http = HealthServer(context.settings.http_host, context.settings.http_port, context.metrics, lambda: True, lambda: device.ready)
    if context.settings.http_port:
        http.start()
    device.start()
    context.log.info("serving", device=settings.device, port=device.port)
    while not stop():
        time.sleep(0.1)
    device.stop()
    context.log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
