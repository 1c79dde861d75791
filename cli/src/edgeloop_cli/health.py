"""Health of processes, Kafka, schema registry and topics."""

from __future__ import annotations

import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeloop_local.readiness import http_answers

from edgeloop_cli import connection, inventory
from edgeloop_cli.inventory import STARTING, STOPPING, Entry, Running
from edgeloop_cli.topics_access import HALTING

if TYPE_CHECKING:
    from edgeloop_contracts import Alert
    from edgeloop_kafka.subjects import Foreign
    from edgeloop_readers.dead_letter_reader import Counts
    from edgeloop_streaming import Context

WORKS = "works"
FEW = 3
PAGE_S = 3.0
COUNT_S = 10.0
# A device without a model is not ready, and works all the same.
_PATHS = {"service": "/readyz", "device": "/healthz"}
_LAGS = ("edgeloop_consumer_lag", "edgeloop_inference_outbox_rows")
_HALTED = "edgeloop_halted_dead_letters"
_KEEPS = "edgeloop_inference_outbox_healthy"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class ProcessHealth:
    """One thing that runs, as it is now.

    Attributes
    ----------
    entry
        What it is.
    state
        ``works``, or what else it does.
    lag
        Records that a service has not handled yet, or rows that a device has not sent yet; ``None`` where it does not tell.
    """

    entry: Entry
    state: str
    lag: int | None


@dataclass(slots=True)
class Health:
    """Everything at one moment.

    Attributes
    ----------
    commands
        What was started here, and by which command.
    processes
        All that they run.
    cluster
        Kafka's address; empty where there is none.
    unanswered
        What could not be asked, in a line each.
    dead
        Dead letters by service, the redriven ones left out; and whether all were counted.
    alerts
        Alerts that are raised, by their keys.
    halted
        Partitions that a service cannot read on, as records are gone that it has not handled.
    foreign
        Subjects whose newest schema is not this release's; what is written with a harmful one is lost to the loop.
    """

    commands: list[Running] = field(default_factory=list[Running])
    processes: list[ProcessHealth] = field(default_factory=list[ProcessHealth])
    cluster: str = ""
    unanswered: list[str] = field(default_factory=list[str])
    dead: dict[str, int] = field(default_factory=dict[str, int])
    all_counted: bool = True
    alerts: dict[str, Alert] = field(default_factory=dict[str, "Alert"])
    halted: list[str] = field(default_factory=list[str])
    foreign: list[Foreign] = field(default_factory=list["Foreign"])

    @property
    def runs(self) -> bool:
        """Whether anything does."""
        return bool(self.commands or self.cluster)

    @property
    def starting(self) -> bool:
        """Whether a command is still starting what it runs."""
        return any(each.state == STARTING for each in self.commands)

    @property
    def broken(self) -> list[str]:
        """Faults, in words; a process that starts or stops is no fault."""
        names = [f"{looked.entry.name} ({looked.state})" for looked in self.processes if looked.state not in (WORKS, STARTING, STOPPING)]
        if self.starting:
            return names
        harmful = [one.subject for one in self.foreign if one.harmful]
        more = f" and {len(harmful) - FEW} more" if len(harmful) > FEW else ""
        foreign = [f"records written with the newest schema of {', '.join(harmful[:FEW])}{more} are dead letters"] if harmful else []
        return [*names, *(f"{each}; `edgeloop skip` goes on" for each in self.halted), *self.unanswered, *foreign]


def check(data_dir: Path) -> Health:
    """Ask everything that runs on a data directory, or on the cluster that the environment names."""
    found = Health(commands=inventory.read(data_dir))
    entries = [(command, entry) for command in found.commands for entry in command.entries]
    with ThreadPoolExecutor(8) as pool:
        found.processes = list(pool.map(lambda pair: _process_health(*pair), entries))
    cluster = connection.running(data_dir)
    if cluster is None:
        if found.commands:
            found.unanswered.append("Kafka and the schema registry do not answer")
        return found
    found.cluster = cluster.bootstrap
    _ask(found, cluster.context("cli"))
    return found


def _process_health(command: Running, entry: Entry) -> ProcessHealth:
    state = _state(entry)
    if state != WORKS and command.state in (STARTING, STOPPING):
        state = command.state
    figures = _figures(entry) if entry.metrics and state == WORKS else {}
    lags = [value for name in _LAGS for value in figures.get(name, ())]
    if 0.0 in figures.get(_KEEPS, ()):
        state = "cannot keep its rows"
    if figures.get(_HALTED):
        state = "halted: too many records become dead letters"
    return ProcessHealth(entry, state, int(sum(lags)) if lags else None)


def _state(entry: Entry) -> str:
    if entry.process is None:
        return "being started again" if entry.restarts or entry.ends else "gone"
    if entry.process.find() is None:
        return "gone"
    path = _PATHS.get(entry.kind)
    if path is None or http_answers(entry.http_port, path, timeout=PAGE_S):
        return WORKS
    return "not ready" if http_answers(entry.http_port, "/healthz", timeout=PAGE_S) else "does not answer"


def _figures(entry: Entry) -> dict[str, list[float]]:
    """A process's own metrics, by name."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        with _DIRECT.open(entry.metrics, timeout=PAGE_S) as page:
            families = list(text_string_to_metric_families(page.read().decode()))
    except (OSError, ValueError):
        return {}
    return {family.name: [sample.value for sample in family.samples] for family in families}


def _ask(found: Health, context: Context) -> None:
    """Ask Kafka and the registry; each thing by itself, so that one that fails hides no other."""
    from edgeloop_errors import EdgeloopError
    from edgeloop_kafka.reachability import describe
    from edgeloop_readers.dead_letter_reader import count_dead_letters
    from edgeloop_readers.halted_groups import Groups
    from edgeloop_readers.topic_scan import ClientError

    def count() -> None:
        counts: Counts = count_dead_letters(context.settings, context.codec, timeout_s=COUNT_S)
        found.all_counted = counts.complete
        for each in counts.counts:
            if each.waiting:
                found.dead[each.service] = found.dead.get(each.service, 0) + each.waiting

    def halts() -> None:
        halted = Groups(context.settings).halted(HALTING)
        found.halted = [f"{each.service} is halted: records are gone that it has not handled: {each.lost}" for each in halted]

    def alerts() -> None:
        found.alerts = raised(context)

    def schemas() -> None:
        from edgeloop_kafka.earlier_release import refuse_earlier_release
        from edgeloop_kafka.subjects import foreign

        refuse_earlier_release(context.schemas, context.settings.topic_prefix)
        found.foreign = foreign(context.schemas, context.settings.topic_prefix)

    for what, ask in (("dead letters", count), ("halted partitions", halts), ("alerts", alerts), ("schemas", schemas)):
        try:
            ask()
        except LookupError:
            continue  # topics that are not there yet hold nothing
        except ClientError as error:
            found.unanswered.append(f"{what}: {describe(context.settings, error)}")
        except (EdgeloopError, TimeoutError) as error:
            found.unanswered.append(f"{what}: {error}")


def raised(context: Context) -> dict[str, Alert]:
    """Alerts that were raised and not cleared, by what tells them apart.

    Raises
    ------
    LookupError
        The topic does not exist.
    """
    from edgeloop_contracts import AlertStatus, topics

    found: dict[str, Alert] = {}

    def take(record: Any) -> None:
        alert = record.event
        if alert.status is AlertStatus.RAISED:
            found[alert.alert_id] = alert
        else:
            found.pop(alert.alert_id, None)

    follower = context.follower([topics.ALERTS])
    try:
        follower.refresh(take)
    finally:
        follower.close()
    return found
