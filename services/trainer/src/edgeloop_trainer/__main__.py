"""``python -m edgeloop_trainer``: run the trainer."""

from __future__ import annotations

import sys


def main() -> int:
    """Entry point; the exit code is 2 if the settings are not usable."""
    # The fitting process imports this module too, and has no use for the rest.
    from edgeloop_kafka import KafkaSettings
    from edgeloop_signing.keys import load_signer
    from edgeloop_streaming import Context, run, setting_up

    from edgeloop_trainer.app import NAME, build
    from edgeloop_trainer.settings import Settings

    with setting_up(NAME, Settings):
        context, settings = Context(KafkaSettings(), NAME), Settings()
        signer = load_signer(settings.key_file, "EDGELOOP_TRAINER_KEY_FILE")
    return run(lambda: build(context, settings, signer), context)


if __name__ == "__main__":
    sys.exit(main())
