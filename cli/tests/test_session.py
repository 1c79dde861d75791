"""What a run waits for."""

from edgeloop_cli.session import consumed
from edgeloop_contracts import topics
from edgeloop_drift.handlers import INPUTS as DRIFT
from edgeloop_registry.app import INPUTS as REGISTRY
from edgeloop_retraining.handlers import INPUTS as RETRAINING
from edgeloop_rollout.app import INPUTS as ROLLOUT
from edgeloop_trainer.app import INPUTS as TRAINER


def test_groups_are_waited_for_on_their_inputs_alone() -> None:
    """Somebody who sets a policy of a stream while it is played would stop the run, if services' groups were expected to reach it."""
    waited = consumed()
    inputs_of = {"drift": DRIFT, "retraining": RETRAINING, "trainer": TRAINER, "registry": REGISTRY, "rollout": ROLLOUT}
    for service, inputs in (inputs_of | {"adapter": (topics.DRIFT_PARTIALS,)}).items():
        assert set(waited[service]) == {topic.name for topic in inputs}
