"""State is a fold of its topic."""

from edgeloop_contracts import Cause, Checkpoint, Label, OffsetRange, SeenRows
from edgeloop_kafka.causation import event_headers, identify, trace_of
from edgeloop_kafka.settings import librdkafka_settings
from edgeloop_streaming import State
from edgeloop_streaming.state_recovery import agreement
from hypothesis import given
from hypothesis import strategies as st

commands = st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 3)))


@given(st.lists(commands))
def test_folding_the_drained_changes_gives_the_same_state(transactions) -> None:
    state, topic = State(), {}
    for transaction in transactions:
        for key, value in transaction:
            if value is None:
                state.delete(SeenRows, key)
            else:
                state.put(key, SeenRows(boot_epoch=value))
        topic.update(state.drain())
    rebuilt = State()
    for key, event in topic.items():
        rebuilt.restore(key, event)
    assert list(rebuilt.items(SeenRows)) == list(state.items(SeenRows))


def test_putting_what_is_there_already_writes_nothing() -> None:
    state = State()
    state.put("a", SeenRows(boot_epoch=1))
    state.drain()
    state.put("a", SeenRows(boot_epoch=1))
    assert state.drain() == []


def test_kinds_do_not_mix() -> None:
    state = State()
    state.put("a", SeenRows())
    assert state.get(Label, "a") is None


def test_a_checkpoint_agrees_only_with_the_same_offsets() -> None:
    checkpoint = Checkpoint(ranges=(OffsetRange(topic="x", end=4),))
    assert agreement(checkpoint, {"x": 4}, ["x", "y"]) == ""
    assert "x" in agreement(checkpoint, {"x": 5}, ["x", "y"])
    assert "y" in agreement(checkpoint, {"x": 4, "y": 0}, ["x", "y"])
    assert agreement(Checkpoint(), {}, ["x"]) == ""


def headers(cause=None, time_ms=0, source="labels"):
    return event_headers(
        Label(tenant="default", stream="", device_id="", label="a"),
        source=source,
        key="k",
        body=b"body",
        cause=cause,
        trace="",
        time_ms=time_ms,
    )


def test_an_events_id_depends_on_its_inputs_and_not_on_time() -> None:
    assert headers(time_ms=1)["ce_id"] == headers(time_ms=2)["ce_id"]
    assert headers()["ce_id"] != headers(source="drift")["ce_id"]
    assert headers()["ce_id"] != headers(cause=Cause(id="other"))["ce_id"]


def test_an_event_names_its_cause_and_joins_its_chain() -> None:
    cause = Cause(id="c", correlation="chain", at="topic/1/2")
    sent = headers(cause=cause)
    assert (sent["ce_causationid"], sent["ce_causationat"], sent["ce_correlationid"]) == (b"c", b"topic/1/2", b"chain")
    assert identify(sent, "x/0/0") == (sent["ce_id"].decode(), "chain")


def test_the_trace_of_a_record_goes_on_in_what_it_causes() -> None:
    given_trace = {"traceparent": b"00-" + b"ab" * 16 + b"-" + b"cd" * 8 + b"-01"}
    assert trace_of(given_trace, "x") == "ab" * 16
    assert trace_of({"traceparent": b"rubbish"}, "x") == trace_of({}, "x")


def test_kafka_settings_are_passed_on_as_librdkafka_names_them() -> None:
    assert librdkafka_settings({"EDGELOOP_KAFKA_SSL_CA_LOCATION": "/ca"}) == {"ssl.ca.location": "/ca"}


def test_ids_that_are_no_text_stay_apart() -> None:
    first, second = (identify({"ce_id": bytes([0xF0 + i]) * 16}, "x/0/0")[0] for i in range(2))
    assert (first, second) == ("f0" * 16, "f1" * 16)
