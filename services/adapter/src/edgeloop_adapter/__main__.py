"""``python -m edgeloop_adapter``: run the adapter service."""

from __future__ import annotations

import sys

from edgeloop_kafka import KafkaSettings
from edgeloop_signing.keys import load_signer
from edgeloop_streaming import Context, run, setting_up

from edgeloop_adapter.app import build
from edgeloop_adapter.settings import Settings
from edgeloop_adapter.spec import SPEC


def main() -> int:
    """Entry point; the exit code is 2 if the settings are not usable."""
    with setting_up(SPEC.name, Settings):
        context, settings = Context(KafkaSettings(), SPEC.name), Settings()
        signer = load_signer(settings.key_file, "EDGELOOP_ADAPTER_KEY_FILE")
    return run(lambda: build(context, settings, signer), context)


if __name__ == "__main__":
    sys.exit(main())
