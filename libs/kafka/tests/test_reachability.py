"""A cluster that cannot be reached is told of in one line that says what to do."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError
from edgeloop_kafka import KafkaSettings
from edgeloop_kafka.reachability import Reasons, UnreachableError, reach
from edgeloop_streaming import Context, run


def settings(**extra: str) -> KafkaSettings:
    return KafkaSettings(bootstrap="127.0.0.1:1", extra=extra)


@pytest.mark.parametrize(
    ("named", "hint"),
    [
        ("127.0.0.1:1", "is it running, and are EDGELOOP_KAFKA_BOOTSTRAP and EDGELOOP_KAFKA_SECURITY_PROTOCOL right?"),
        ("", ": is it running?"),
    ],
)
def test_nobody_there_is_told_with_variables_only_if_somebody_set_them(named: str, hint: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EDGELOOP_KAFKA_BOOTSTRAP", named)
    with pytest.raises(UnreachableError) as told:
        reach(settings(), timeout_s=0.5)
    assert str(told.value).startswith("Kafka at 127.0.0.1:1: ")
    assert str(told.value).endswith(hint)
    assert "refused" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_setting_that_does_not_exist():
    with pytest.raises(UnreachableError, match=r'"no\.such".*look at the EDGELOOP_KAFKA_\* settings'):
        reach(settings(**{"no.such": "1"}), timeout_s=0.5)


def test_refused_credentials_are_not_waited_for_and_outweigh_what_follows_from_them():
    reasons = Reasons(settings())
    for code in (KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION, KafkaError._TRANSPORT):
        reasons.note(KafkaError(code))
    assert reasons.hopeless
    assert "EDGELOOP_KAFKA_SASL_PASSWORD" in reasons.describe(KafkaError(KafkaError._TIMED_OUT))


def test_a_handshake_that_fails_is_not_waited_for():
    reasons = Reasons(settings())
    for told in ("Connection refused", "ssl://h:1/bootstrap: SSL handshake failed: connecting to a PLAINTEXT broker listener?"):
        assert not reasons.hopeless
        reasons.note(KafkaError(KafkaError._TRANSPORT, told))
    assert reasons.hopeless
    assert "EDGELOOP_KAFKA_SECURITY_PROTOCOL" in reasons.describe(KafkaError(KafkaError._TIMED_OUT))


def test_somebody_who_is_told_to_stop_does_not_wait():
    assert not reach(settings(), stopping=lambda: True, timeout_s=60)


def test_a_service_that_is_stopped_while_it_waits_for_kafka_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeloop_streaming.process.reach", lambda *_: False)
    assert run(lambda: pytest.fail("made"), Context(settings(), "toy")) == 0
