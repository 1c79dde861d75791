"""The task: labelled rows in, adapters out."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from edgeloop_contracts import (
    AdapterFrame,
    DriftPartial,
    Feature,
    LearnerState,
    MemoryBlock,
    ModelAdapter,
    PartialKind,
    StreamDefinition,
    StreamTask,
    topics,
)
from edgeloop_mixture import serialization
from edgeloop_mixture.memory import MemoryRows
from edgeloop_mixture.rule import PATIENCE
from edgeloop_signing.keys import signed_by
from edgeloop_signing.statements import adapter_statement
from edgeloop_streaming import Send
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def adapters(sent: list[Send]) -> list[ModelAdapter]:
    return [send.event for send in sent if isinstance(send.event, ModelAdapter)]


def on_a_device(world: Any) -> ModelAdapter:
    """What a device that reads the topic from its beginning makes of it; fails unless the digest is that of what it holds."""
    by_key = world.published
    frame = serialization.frame_of(by_key[f"{world.key}/frame"])
    event = by_key[f"{world.key}/adapter"]
    serialization.adapter_of(event, frame)
    blocks = sorted((one for one in by_key.values() if isinstance(one, MemoryBlock)), key=lambda block: block.first)
    numbers = frame.numbers is not None
    memory = MemoryRows(len(frame.scaling.features), world.rule.horizon + 100, blocks[0].first, numbers=numbers)
    for block in blocks:
        assert block.first == memory.end
        memory.append(*serialization.rows_of(block, len(frame.scaling.features)))
    assert serialization.digest(event, frame, memory.window(event.memory_end, world.rule.horizon)) == event.digest
    return event


def test_the_first_answered_row_brings_an_adapter_of_the_rows_before_it(begun) -> None:
    (received,) = begun.label([1], version=1)
    sent = begun.deliver(received)
    assert [type(send.event) for send in sent] == [MemoryBlock, MemoryBlock, AdapterFrame, ModelAdapter]
    assert {(send.topic.name, send.partition) for send in sent} == {(topics.MODEL_ADAPTERS.name, 0)}
    assert {send.cause.id for send in sent} == {received.id}
    assert on_a_device(begun).number == 100
    frame = begun.published[f"{begun.key}/frame"]
    assert [member.version for member in frame.members] == [1]
    assert begun.count("idle") == 100
    assert begun.count("learned") == 1


def test_an_adapter_follows_after_so_many_labels_or_earlier_after_mistakes(begun) -> None:
    begun.deliver(*begun.label([1], version=1))
    numbers = [adapter.number for received in begun.label([1] * 119, version=1) for adapter in adapters(begun.deliver(received))]
    steps = [after - before for before, after in pairwise([100, *numbers])]
    assert all(10 <= step <= 20 for step in steps)
    assert min(steps) < 20
    assert on_a_device(begun).number == numbers[-1]


def test_a_policy_changes_how_often_adapters_come_while_it_learns_and_after_a_restart(begun) -> None:
    begun.deliver(*begun.label([1], version=1))
    begun.deliver(*begun.label([4], version=1))
    begun.policy(publish_every=3, publish_least=3)
    for restarted in (False, True):
        numbers = [adapter.number for received in begun.label([1] * 12, version=1) for adapter in adapters(begun.deliver(received))]
        assert {after - before for before, after in pairwise(numbers)} == {3}
        assert on_a_device(begun).number == numbers[-1]
        if not restarted:
            begun.restart()


def test_a_policy_that_makes_no_sense_changes_nothing(begun) -> None:
    begun.policy(publish_every=0)
    begun.deliver(*begun.label([1], version=1))
    numbers = [adapter.number for received in begun.label([1] * 60, version=1) for adapter in adapters(begun.deliver(received))]
    assert all(10 <= after - before <= 20 for before, after in pairwise([100, *numbers]))


def test_how_far_the_newest_adapter_is_behind_the_labels_is_told(begun) -> None:
    def told(name: str) -> float | None:
        return begun.registry.get_sample_value(f"edgeloop_adapter_{name}", {"tenant": "default", "stream": "pumps"})

    assert (told("labelled_rows"), told("newest")) == (100, None)
    begun.deliver(*begun.label([5] * 10, version=1))
    assert told("labelled_rows") == 150
    assert told("newest") == begun.history[-1].number > 100
    assert told("alone") == 0


def test_rows_without_an_answer_count_and_teach_nothing(begun) -> None:
    begun.deliver(*begun.label([30], version=1))
    begun.deliver(*begun.label([30]))
    (adapter,) = adapters(begun.deliver(*begun.label([30], version=1)))
    assert (begun.count("learned"), begun.count("unanswered")) == (60, 30)
    assert adapter.number > 160
    assert adapter.memory_end == adapter.number - 30


def test_without_earlier_rows_it_begins_once_there_are_two(world) -> None:
    world.version(1)
    assert world.deliver(*world.label([1, 1], version=1)) == []
    world.deliver(*world.label([4], version=1))
    assert world.history[0].number == 2
    assert (world.count("idle"), world.count("learned")) == (2, 4)


def test_several_adapters_of_one_transaction_are_kept_and_the_newest_is_sent(begun) -> None:
    sent = begun.deliver(*begun.label([150], version=1))
    assert len(adapters(sent)) == 1
    assert len(begun.history) > 5
    assert on_a_device(begun).digest == begun.history[-1].digest


def test_what_is_sent_is_signed_with_the_services_key_for_its_tenant_stream_and_number(begun, signer) -> None:
    (received,) = begun.label([1], version=1)
    (sent,) = adapters(begun.deliver(received))
    assert sent.key_id == signer.key_id
    assert signed_by([signer.key.public_key()], adapter_statement(sent), sent.signature)
    for other in (replace(sent, stream="fans"), replace(sent, tenant="other"), replace(sent, number=101), replace(sent, digest="0" * 64)):
        assert not signed_by([signer.key.public_key()], adapter_statement(other), sent.signature)


@given(st.sets(st.integers(1, 299)), st.integers(1, 7), st.integers(0, 60), st.sampled_from([0, 50, 280]))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_rows_give_the_same_adapters_whatever_batches_transactions_and_restarts(make_world, cuts, together, restart, late) -> None:
    def answered_by(world: Any) -> Any:
        return lambda row: max(0, (row - late) // 20 * 20)

    def play(cuts: set[int], together: int, restart: int) -> Any:
        world = make_world()
        world.deliver(*world.label([25] * 4))
        world.version(1)
        world.version(2)
        halves = [cut for cut in sorted({*cuts, 150}) if 0 < cut < 300]
        sizes = [(first, end - first) for first, end in pairwise([0, *halves, 300])]
        records = [one for first, size in sizes for one in world.label([size], 1 + (first >= 150), answered_by(world))]
        for number, first in enumerate(range(0, len(records), together)):
            world.deliver(*records[first : first + together])
            if restart and number % restart == 0:
                world.restart()
        return world

    world, plain = play(cuts, together, restart), play(set(), 1, 0)
    assert world.history == plain.history
    assert on_a_device(world) == on_a_device(plain)
    state, expected = (one.driver.state.get(LearnerState, one.key) for one in (world, plain))
    assert replace(state, last_offset=0, marks=()) == replace(expected, last_offset=0, marks=())


NUMBERS = {"high": "4.5", "low": "-1.5"}.__getitem__


def numbers(world: Any) -> Any:
    """A stream of numbers, with a hundred rows before its first version."""
    features = tuple(Feature(name=f"f{number}") for number in range(4))
    definition = StreamDefinition(
        tenant="default", stream=world.stream, version=1, features=features, task=StreamTask.REGRESSION, tolerance=0.5
    )
    world.driver.broker.publisher("registry").publish(topics.STREAMS, world.key, definition)
    world.deliver(*world.label([25] * 4, name=NUMBERS))
    world.version(1, classes=())
    return world


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_killed_in_mid_stream_it_goes_on_to_the_bit(make_world, kind) -> None:
    def play(*, kill: bool) -> Any:
        world, name = make_world(), str
        if kind == "numbers":
            world, name = numbers(world), NUMBERS
        else:
            world.deliver(*world.label([25] * 4))
            world.version(1)
        for received in world.label([17] * 30, version=1, adapter=lambda row: row // 20 * 20, name=name, said=name):
            world.deliver(received)
            if kill:
                world.restart()
        return world

    killed, whole = play(kill=True), play(kill=False)
    assert killed.transactions == whole.transactions
    assert killed.driver.stored == whole.driver.stored
    on_a_device(killed)


def test_applied_twice_changes_nothing(begun) -> None:
    begun.deliver(*begun.label([60], version=1))
    before = begun.driver.state.get(LearnerState, begun.key)
    assert begun.driver.repeat() == []
    assert begun.driver.state.get(LearnerState, begun.key) == before


def test_a_late_label_is_learned_from_as_its_row_was_answered(make_world) -> None:
    """Rows that a memory holds by now had not come when the row was answered: with them, the memory seems to know the label."""

    def play(adapter: int) -> Any:
        world = make_world()
        world.deliver(*world.label([25] * 4))
        world.version(1)
        world.deliver(*world.label([60], version=1, adapter=100))
        world.deliver(*world.label([60], version=1, adapter=adapter))
        return world.history[-1]

    late, soon = play(100), play(160)
    assert late.digest != soon.digest
    assert play(100) == late


def test_a_label_that_names_no_known_adapter_is_learned_from_with_the_oldest(make_world) -> None:
    def play(adapter: int) -> Any:
        world = make_world()
        world.deliver(*world.label([25] * 4))
        world.version(1)
        world.deliver(*world.label([60], version=1, adapter=adapter))
        return world.history[-1]

    assert play(12_345) == play(100) == play(0)


def test_a_newer_version_joins_at_the_first_row_that_it_answered(begun) -> None:
    begun.deliver(*begun.label([40], version=1))
    begun.version(2)
    assert [member.version for member in begun.published[f"{begun.key}/frame"].members] == [1]
    begun.deliver(*begun.label([40], version=2))
    frame = begun.published[f"{begun.key}/frame"]
    assert [member.version for member in frame.members] == [1, 2]
    assert frame.number == 140
    assert on_a_device(begun).frame == 140
    kept = [event.number for _, event in begun.driver.state.items(AdapterFrame)]
    assert kept == [100, 140]


def test_a_frame_is_sent_once(begun) -> None:
    sent = [send for received in begun.label([20] * 6, version=1) for send in begun.deliver(received)]
    assert sum(isinstance(send.event, AdapterFrame) for send in sent) == 1


def test_a_version_that_nobody_knows_holds_nothing_up(begun) -> None:
    begun.deliver(*begun.label([40], version=1))
    begun.deliver(*begun.label([40], version=77))
    assert [member.version for member in begun.published[f"{begun.key}/frame"].members] == [1]
    assert begun.count("learned") == 80


@pytest.mark.parametrize("file", [b"no model", b""])
def test_a_file_that_is_no_model_does_not_join(begun, file) -> None:
    begun.deliver(*begun.label([40], version=1))
    begun.version(2, file=file)
    begun.deliver(*begun.label([40], version=2))
    assert [member.version for member in begun.published[f"{begun.key}/frame"].members] == [1]
    assert begun.registry.get_sample_value("edgeloop_adapter_refused_versions_total") == 1


def test_a_stream_whose_first_version_is_no_model_goes_without_a_mixture(world) -> None:
    world.deliver(*world.label([25] * 4))
    world.version(1, file=b"no model")
    for received in world.label([30] * 3, version=1):
        assert world.deliver(received) == []
    world.restart()
    assert world.deliver(*world.label([30], version=1)) == []
    assert world.driver.state.get(LearnerState, world.key).unsuited
    assert (world.count("idle"), world.driver.state.get(LearnerState, world.key).rows) == (220, 220)


def test_a_new_class_makes_a_new_frame(begun) -> None:
    begun.deliver(*begun.label([40], version=1))
    begun.deliver(*begun.label([40], version=1, name=lambda label: "broken" if label == "low" else label))
    frame = begun.published[f"{begun.key}/frame"]
    assert frame.classes == ("low", "high", "broken")
    assert on_a_device(begun).frame == frame.number
    begun.restart()
    begun.deliver(*begun.label([40], version=1))
    on_a_device(begun)


def test_it_begins_with_the_classes_that_the_definition_names(begun) -> None:
    definition = StreamDefinition(tenant="default", stream=begun.stream, version=1, classes=("low", "broken"))
    begun.driver.broker.publisher("registry").publish(topics.STREAMS, begun.key, definition)
    begun.deliver(*begun.label([1], version=1))
    assert begun.published[f"{begun.key}/frame"].classes == ("low", "high", "broken")


def test_a_stream_of_more_classes_than_a_mixture_holds_goes_without_one(begun) -> None:
    definition = StreamDefinition(tenant="default", stream=begun.stream, version=1, classes=tuple(f"c{number}" for number in range(256)))
    begun.driver.broker.publisher("registry").publish(topics.STREAMS, begun.key, definition)
    assert begun.deliver(*begun.label([30], version=1)) == []
    assert begun.driver.state.get(LearnerState, begun.key).unsuited


def test_a_stream_of_numbers_has_adapters_too(world) -> None:
    numbers(world).deliver(*world.label([1], version=1, name=NUMBERS, said=NUMBERS))
    frame = serialization.frame_of(world.published[f"{world.key}/frame"])
    assert frame.numbers is not None
    assert (frame.classes, frame.numbers.tolerance) == ((), 0.5)
    world.version(2, classes=())
    sent = [world.deliver(one) for one in world.label([20] * 6, version=2, name=NUMBERS, said=NUMBERS)]
    assert all(adapters(one) for one in sent)
    assert [member.version for member in world.published[f"{world.key}/frame"].members] == [1, 2]
    event = on_a_device(world)
    weights = serialization.adapter_of(event, serialization.frame_of(world.published[f"{world.key}/frame"])).weights
    assert weights[:-1].sum() == pytest.approx(1)
    assert weights[0] < world.rule.first  # its first version knows half of the truth


def test_what_is_no_number_is_counted_and_not_learned_and_a_version_of_classes_does_not_join(world) -> None:
    numbers(world).deliver(*world.label([10], version=1, name=NUMBERS, said=NUMBERS))
    world.version(2)
    world.deliver(*world.label([5], version=1))
    world.deliver(*world.label([30], version=2, name=NUMBERS, said=NUMBERS))
    assert (world.count("learned"), world.count("unfit")) == (40, 5)
    assert [member.version for member in world.published[f"{world.key}/frame"].members] == [1]


def test_a_first_version_that_does_not_answer_as_the_definition_says_begins_no_mixture(world) -> None:
    world.deliver(*world.label([25] * 4, name=NUMBERS))
    world.version(1, classes=())
    assert world.deliver(*world.label([30], version=1, name=NUMBERS, said=NUMBERS)) == []  # no definition: labels are classes
    assert world.driver.state.get(LearnerState, world.key).unsuited


def test_a_class_too_many_is_counted_and_not_learned(make_world) -> None:
    world = make_world()
    world.deliver(*world.label([25] * 4))
    world.version(1)
    names = iter(range(1_000))
    world.deliver(*world.label([260], version=1, name=lambda _: f"c{next(names)}"))
    world.deliver(*world.label([40], version=1))
    assert len(world.published[f"{world.key}/frame"].classes) == 256
    assert world.count("unfit") == 260 - 254
    on_a_device(world)


def test_corrections_and_features_are_no_rows_of_the_order(begun) -> None:
    plain = [begun.label([30], version=1)[0], begun.label([30], version=1)[0]]
    begun.deliver(plain[0])
    # A contradicted label comes as a batch that corrects, for which there is no partial; it lies between the others.
    features = DriftPartial(tenant="default", device_id="", stream=begun.stream, kind=PartialKind.FEATURES, count=9, model_version=1)
    assert begun.deliver(begun.driver.receive(topics.DRIFT_PARTIALS, features, begun.key)) == []
    begun.deliver(plain[1])
    assert begun.driver.state.get(LearnerState, begun.key).rows == 160
    assert begun.count("learned") == 60


def test_rows_of_another_width_are_counted_and_not_learned(begun) -> None:
    begun.deliver(*begun.label([40], version=1))
    (received,) = begun.label([10], version=1)
    log = begun.driver.broker
    batch = log.reader().read(topics.EXAMPLES, 0, received.event.offset, received.event.offset + 1)[0].event
    wide = replace(batch, features=np.zeros((10, 9), np.float32).tobytes())
    begun.deliver(begun.write(wide, 0))
    assert begun.count("unfit") == 10
    assert begun.driver.state.get(LearnerState, begun.key).rows == 150


def test_deleted_rows_are_counted_and_the_order_goes_on(begun) -> None:
    begun.deliver(*begun.label([40], version=1))
    (gone,) = begun.label([10], version=1)
    begun.driver.broker.delete_before(topics.EXAMPLES, 0, gone.event.offset + 1)
    begun.deliver(gone)
    begun.deliver(*begun.label([30], version=1))
    assert (begun.count("gone"), begun.count("learned")) == (10, 70)
    assert begun.history[-1].number > 150


def test_it_begins_with_the_rows_that_are_left(world) -> None:
    records = world.label([500] * 8)
    world.deliver(*records)
    world.version(1)
    for partition in (0, 1):
        world.driver.broker.delete_before(topics.EXAMPLES, partition, records[4].event.offset)
    world.deliver(*world.label([1], version=1))
    assert (world.history[0].number, world.history[0].memory_end) == (4_000, 2_000)


def test_two_streams_learn_apart(make_world) -> None:
    world = make_world()
    world.deliver(*world.label([25] * 4))
    world.version(1)
    world.stream, world.key, world.indexes = "fans", "default/fans", {0: 0, 1: 0}
    world.deliver(*world.label([25] * 4))
    world.version(1)
    world.deliver(*world.label([40], version=1))
    assert {key.split("/")[1] for key in world.published} == {"fans"}


def test_switched_off_it_counts_only_and_goes_on_when_switched_on(make_world) -> None:
    world = make_world(rule=None)
    world.deliver(*world.label([25] * 4))
    world.version(1)
    assert world.deliver(*world.label([40], version=1)) == []
    assert world.count("idle") == 140
    world.rule = make_world().rule
    world.restart()
    world.deliver(*world.label([1], version=1))
    assert world.history[0].number == 140


def test_the_state_holds_as_many_adapters_and_rows_as_late_labels_need(make_world) -> None:
    world = make_world()
    world.deliver(*world.label([25] * 4))
    world.version(1)
    for received in world.label([500] * 12, version=1):
        world.deliver(received)
    blocks = [event for _, event in world.driver.state.items(MemoryBlock)]
    assert sum(len(block.labels) for block in blocks) >= world.rule.horizon + PATIENCE
    assert len(blocks) <= (world.rule.horizon + PATIENCE) // serialization.BLOCK + 2
    assert len(world.published) <= world.rule.horizon // serialization.BLOCK + 4
    world.restart()
    world.deliver(*world.label([50], version=1))
    on_a_device(world)
