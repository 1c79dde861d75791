"""``python -m edgeloop_registry``: run the registry."""

from __future__ import annotations

import sys

from edgeloop_kafka import KafkaSettings
from edgeloop_signing.keys import load_signer, load_trusted
from edgeloop_streaming import Context, run, setting_up

from edgeloop_registry.app import build
from edgeloop_registry.io.trusted_trainers import Trainers
from edgeloop_registry.settings import Settings
from edgeloop_registry.spec import SPEC

TRAINER_TRUST = "EDGELOOP_REGISTRY_TRAINER_TRUST_FILE"


def main() -> int:
    """Entry point; the exit code is 2 if the settings are not usable."""
    with setting_up(SPEC.name, Settings):
        context, settings = Context(KafkaSettings(), SPEC.name), Settings()
        signer = load_signer(settings.key_file, "EDGELOOP_REGISTRY_KEY_FILE")
        trainers = Trainers(load_trusted(settings.trainer_trust_file, TRAINER_TRUST), signer)
    return run(lambda: build(context, signer, trainers), context)


if __name__ == "__main__":
    sys.exit(main())
