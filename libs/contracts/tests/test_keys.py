"""Keys format and parse what they name, and stay the texts that they are."""

from __future__ import annotations

import copy
import pickle

import pytest
from edgeloop_contracts import DeviceKey, DriftSignal, Gap, Label, ModelAdapter, ModelChunk, Policy, StreamKey, topics
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.text(st.characters(exclude_characters="/", categories=["L", "N", "P"]), min_size=1, max_size=9)


@given(NAMES, NAMES, NAMES)
def test_a_key_is_parsed_as_it_was_made(tenant: str, stream: str, device: str) -> None:
    names = (tenant, stream, device)
    key = DeviceKey(tenant, stream, device)
    assert key == "/".join(names) and key.names == (tenant, stream, device)
    assert DeviceKey.parse(str(key)) == key
    assert key.stream_key == StreamKey(tenant, stream) == StreamKey.parse("/".join(names[:2]))
    assert (key.tenant, key.stream, key.device_id) == (key.stream_key.tenant, key.stream_key.stream, device)


@pytest.mark.parametrize("key", [StreamKey("acme", "pumps"), DeviceKey("acme", "pumps", "p1")])
def test_a_copied_key_is_still_a_key(key: StreamKey | DeviceKey) -> None:
    for again in (pickle.loads(pickle.dumps(key)), copy.deepcopy(key)):
        assert again == key and type(again) is type(key)


@pytest.mark.parametrize("text", ["", "acme", "acme/", "/pumps", "acme/pumps/p1/2", "acme//p1"])
def test_a_text_of_another_form_is_no_key(text: str) -> None:
    for kind in (StreamKey, DeviceKey):
        with pytest.raises(ValueError, match=r"key: expected tenant/stream"):
            kind.parse(text)


def test_a_topic_tells_the_key_of_its_events() -> None:
    assert topics.LABELS.key_of(Label(tenant="acme", stream="pumps", device_id="p1")) == "acme/pumps/p1"
    assert topics.MODEL_CHUNKS.key_of(ModelChunk(digest="ab", index=3)) == "ab/3"
    assert topics.DRIFT_SIGNALS.key_of(DriftSignal(tenant="acme", stream="pumps", signal_id="s")) == "acme/pumps/s"
    assert topics.POLICIES.key_of(Policy(tenant="acme", stream="")) == "acme/"
    assert topics.GAPS.key_of(Gap(service="drift", topic="examples", partition=2)) == "drift/examples/2"


def test_a_topic_whose_events_do_not_tell_their_keys_says_so() -> None:
    with pytest.raises(TypeError, match=r"model.adapters: keys are tenant/stream/frame"):
        topics.MODEL_ADAPTERS.key_of(ModelAdapter(tenant="acme", stream="pumps"))
