"""Conditions that a run waits for."""

from edgeloop_cli.session import consumed
from edgeloop_contracts import topics
from edgeloop_contracts.services import SERVICES


def test_groups_are_waited_for_on_their_inputs_alone() -> None:
    """Somebody who sets a policy of a stream while it is played would stop the run, if services' groups were expected to reach it."""
    waited = consumed()
    assert waited == {name: tuple(topic.name for topic in spec.inputs) for name, spec in SERVICES.items() if spec.state is not None}
    assert not [name for name, inputs in waited.items() if topics.POLICIES.name in inputs]
