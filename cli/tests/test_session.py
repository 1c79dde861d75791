"""Conditions that a run waits for."""

from edgeloop_cli.session import consumed
from edgeloop_contracts import topics
from edgeloop_contracts.services import SERVICES


def test_groups_are_waited_for_on_their_inputs_alone() -> None:
    """A group that reads a topic as a table commits no offsets in it: a policy set while a stream is played would stop the run."""
    waited = consumed()
    assert waited == {name: tuple(topic.name for topic in spec.inputs) for name, spec in SERVICES.items() if spec.state is not None}
    assert [name for name, inputs in waited.items() if topics.POLICIES.name in inputs] == ["rollout"]  # the only one that handles policies
