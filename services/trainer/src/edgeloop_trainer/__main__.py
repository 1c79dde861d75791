"""``python -m edgeloop_trainer``: run the trainer."""

from __future__ import annotations

import sys


def main() -> int:
    """Entry point; the exit code is 2 if the settings are not usable."""
    # The fit process imports this module, too, and needs none of these.
    from edgeloop_kafka import KafkaSettings
    from edgeloop_signing.keys import load_signer
    from edgeloop_streaming import Context, run, setting_up

    from edgeloop_trainer.app import build
    from edgeloop_trainer.settings import Settings
    from edgeloop_trainer.spec import SPEC

    with setting_up(SPEC.name, Settings):
        context, settings = Context(KafkaSettings(), SPEC.name), Settings()
        signer = load_signer(settings.key_file, "EDGELOOP_TRAINER_KEY_FILE")
    return run(lambda: build(context, settings, signer), context)


if __name__ == "__main__":
    sys.exit(main())
