"""Records that succeed the newest of their key: each writer gets its own number."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from edgeloop_contracts import Policy, topics
from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context, OvertakenError
from edgeloop_streaming.transactions import DoubtError, TransactionalProducer
from support.broker import Cluster

pytestmark = pytest.mark.integration
KEY = "default/pumps"


def following(name: str, newest: Policy | None) -> Policy:
    return Policy(tenant="default", stream="pumps", name=name, version=newest.version + 1 if newest else 1)


def write(settings: KafkaSettings, name: str) -> Policy:
    return Context(settings, "test").key_updater(topics.POLICIES).update(KEY, lambda newest: following(name, newest))


def written(settings: KafkaSettings) -> list[Policy]:
    reader = Context(settings, "test").reader()
    ((partition, (begin, end)),) = reader.spans(topics.POLICIES).items()
    records = reader.read(topics.POLICIES, partition, begin, end)
    reader.close()
    return [record.event for record in records]


def test_writers_at_the_same_moment_get_numbers_one_after_the_other(cluster: Cluster) -> None:
    settings = cluster.settings()
    together = threading.Barrier(4)

    def one(name: str) -> Policy:
        together.wait()
        return write(settings, name)

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(one, "abcd"))
    assert [policy.version for policy in written(settings)] == [1, 2, 3, 4]
    assert sorted(told, key=lambda policy: policy.version) == written(settings)


def test_who_was_overtaken_between_reading_and_writing_reads_again(cluster: Cluster) -> None:
    settings, seen = cluster.settings(), []

    def follow(newest: Policy | None) -> Policy:
        seen.append(newest.version if newest else 0)
        if not seen[1:]:
            write(settings, "quicker")
        return following("slower", newest)

    Context(settings, "test").key_updater(topics.POLICIES).update(KEY, follow)
    assert seen == [0, 1]
    assert [(policy.name, policy.version) for policy in written(settings)] == [("quicker", 1), ("slower", 2)]


def test_what_was_written_though_nobody_could_tell_is_not_written_again(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, commit, calls = cluster.settings(), TransactionalProducer.commit, []

    def in_doubt(producer: TransactionalProducer) -> None:
        commit(producer)
        calls.append(producer)
        if not calls[1:]:
            raise DoubtError("the connection was cut")

    monkeypatch.setattr(TransactionalProducer, "commit", in_doubt)
    assert write(settings, "once") == following("once", None)
    assert len(written(settings)) == len(calls) == 1


def test_who_never_gets_a_turn_is_told_why(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = cluster.settings()

    def fails(_: TransactionalProducer) -> None:
        raise DoubtError("the broker is away")

    monkeypatch.setattr(TransactionalProducer, "commit", fails)
    with pytest.raises(OvertakenError, match="policies: the broker is away"):
        Context(settings, "test").key_updater(topics.POLICIES).update(KEY, lambda newest: following("never", newest), timeout=0)
