"""Reachability of a cluster; if it fails, one line with the reason and the remedy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from edgeloop_errors import FatalError

from edgeloop_kafka.settings import KafkaSettings, from_a_variable

REACH_S = 20.0
_CREDENTIALS = "look at EDGELOOP_KAFKA_SASL_USERNAME, EDGELOOP_KAFKA_SASL_PASSWORD and EDGELOOP_KAFKA_SASL_MECHANISM"
_RIGHTS = "`edgeloop topics --acls` prints the rights that are needed"
_TODO = {
    KafkaError._AUTHENTICATION: _CREDENTIALS,
    KafkaError.SASL_AUTHENTICATION_FAILED: _CREDENTIALS,
    KafkaError._SSL: "look at EDGELOOP_KAFKA_SECURITY_PROTOCOL and the EDGELOOP_KAFKA_SSL_* settings",
    KafkaError._RESOLVE: "look at EDGELOOP_KAFKA_BOOTSTRAP",
    KafkaError._INVALID_ARG: "look at the EDGELOOP_KAFKA_* settings",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _RIGHTS,
    KafkaError.GROUP_AUTHORIZATION_FAILED: _RIGHTS,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _RIGHTS,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: _RIGHTS,
    KafkaError._UNKNOWN_TOPIC: "`edgeloop topics --apply` makes the topics",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "`edgeloop topics --apply` makes the topics",
}
_HOPELESS = frozenset({KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._SSL})
_VAGUE = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT})


class UnreachableError(FatalError):
    """The cluster cannot be used; the message gives reason and remedy."""


class Reasons:
    """The most informative error of a client, collected from its ``error_cb``.

    Parameters
    ----------
    settings
        Of the client.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._place = settings.bootstrap
        self._else = _guess(settings)
        self._found: KafkaError | None = None

    def note(self, error: KafkaError) -> None:
        """Note an error that the client reports."""
        if self._found is None or (_code(error) in _TODO and not self.hopeless) or self._found.code() in _VAGUE:
            self._found = error

    @property
    def hopeless(self) -> bool:
        """Whether waiting cannot help."""
        return self._found is not None and _code(self._found) in _HOPELESS

    def describe(self, error: KafkaError) -> str:
        """One line for a person: the error of a request, and the remedy."""
        reason = error if self._found is None or error.code() in _TODO else self._found
        return f"Kafka at {self._place}: {reason.str()}: {_TODO.get(_code(reason), self._else)}"


def describe(settings: KafkaSettings, error: KafkaException) -> str:
    """One line about an error of any client."""
    return Reasons(settings).describe(_error_of(error))


def reach(settings: KafkaSettings, stopping: Callable[[], bool] = lambda: False, timeout_s: float = REACH_S) -> bool:
    """Wait until the cluster answers; whether it does, or ``stopping()`` came first.

    Raises
    ------
    UnreachableError
        It does not within ``timeout_s``, or it refuses the credentials.
    """
    reasons = Reasons(settings)
    end = time.monotonic() + timeout_s
    configuration: dict[str, Any] = {**settings.librdkafka(), "error_cb": reasons.note}
    try:
        client = AdminClient(configuration)
    except KafkaException as error:
        raise UnreachableError(reasons.describe(_error_of(error))) from error
    while not stopping():
        try:
            client.list_topics(timeout=1.0)
        except KafkaException as error:
            client.poll(0)
            if reasons.hopeless or time.monotonic() > end:
                raise UnreachableError(reasons.describe(_error_of(error))) from error
        else:
            return True
    return False


def _guess(settings: KafkaSettings) -> str:
    """Advice for an error without one; names variables only if they give, or should give, the address."""
    if from_a_variable("bootstrap", "EDGELOOP_KAFKA_BOOTSTRAP", settings.bootstrap):
        return "is it running, and are EDGELOOP_KAFKA_BOOTSTRAP and EDGELOOP_KAFKA_SECURITY_PROTOCOL right?"
    return "is it running?"


def _code(error: KafkaError) -> int:
    """Code of an error; a failed handshake, which the client reports as a lost connection, has its own."""
    return KafkaError._SSL if "SSL handshake failed" in error.str() else error.code()


def _error_of(error: KafkaException) -> KafkaError:
    return error.args[0]
