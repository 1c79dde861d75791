"""Every topic, declared once: name, event types, key, partitions, retention, cleanup and producing service.

No other module writes a topic's name.
"""

from __future__ import annotations

from typing import Any

from edgeloop_contracts import events as e
from edgeloop_contracts import fleet_topics
from edgeloop_contracts.event import Event
from edgeloop_contracts.key_forms import Key
from edgeloop_contracts.keys import (
    AdapterKey,
    ChunkKey,
    DeviceKey,
    InputKey,
    LetterKey,
    SignalKey,
    StreamKey,
)
from edgeloop_contracts.state_kinds import KINDS
from edgeloop_contracts.topic import CLEANED_OFTEN, DAY, FOR_ANYBODY, FOREVER, Partitions, Topic

# The broker compresses model files again, since they cross the narrow links of devices.
_FOR_NARROW_LINKS = {"compression.type": "zstd"}

OBSERVATIONS_RAW = Topic[e.ObservationBatch, DeviceKey](
    name="observations.raw", kinds=(e.ObservationBatch,), producer="", key=Key.DEVICE, log_append_time=True, retention_ms=3 * DAY
)
OBSERVATION_ROWS_RAW = Topic[e.ObservationRow, DeviceKey](
    name="observations.rows.raw", kinds=(e.ObservationRow,), producer="", key=Key.DEVICE, log_append_time=True, retention_ms=3 * DAY
)
OBSERVATION_NAMED_RAW = Topic[e.NamedRow, DeviceKey](
    name="observations.named.raw", kinds=(e.NamedRow,), producer="", key=Key.DEVICE, log_append_time=True, retention_ms=3 * DAY
)
LABELS_RAW = Topic[e.Label, DeviceKey](
    name="labels.raw", kinds=(e.Label,), producer="", key=Key.DEVICE, log_append_time=True, retention_ms=3 * DAY
)

OBSERVATIONS = Topic[e.ObservationBatch, DeviceKey](
    name="observations", kinds=(e.ObservationBatch,), producer="ingestion", key=Key.DEVICE, config=dict(FOR_ANYBODY)
)
LABELS = Topic[e.Label, DeviceKey](name="labels", kinds=(e.Label,), producer="ingestion", key=Key.DEVICE, config=dict(FOR_ANYBODY))
DEVICES_DOUBTED = Topic[e.DeviceDoubted, DeviceKey](
    name="devices.doubted", kinds=(e.DeviceDoubted,), producer="ingestion", key=Key.DEVICE, retention_ms=30 * DAY
)

EXAMPLES = Topic[e.ExampleBatch, DeviceKey](
    name="examples", kinds=(e.ExampleBatch,), producer="labels", key=Key.DEVICE, retention_ms=30 * DAY, config=dict(FOR_ANYBODY)
)
LABEL_CONTRADICTIONS = Topic[e.LabelContradicted, DeviceKey](
    name="labels.contradictions", kinds=(e.LabelContradicted,), producer="labels", key=Key.DEVICE, config=dict(FOR_ANYBODY)
)

DRIFT_PARTIALS = Topic[e.DriftPartial, StreamKey](name="drift.partials", kinds=(e.DriftPartial,), producer="drift", key=Key.STREAM)
# Of streams whose policy has phases. One partition, so that the rollout reads all of a stream without reading every example.
ERROR_WINDOWS = Topic[e.ErrorWindow, StreamKey](
    name="error.windows", kinds=(e.ErrorWindow,), producer="drift", key=Key.STREAM, partitions=Partitions.ONE, config=dict(FOR_ANYBODY)
)
# Compacted because of DetectionProgress, keyed tenant/stream. A signal's key ends with its id, so that all signals remain.
DRIFT_SIGNALS = Topic[e.DriftSignal | e.DetectionProgress, SignalKey](
    name="drift.signals",
    kinds=(e.DriftSignal, e.DetectionProgress),
    producer="drift",
    key=Key.SIGNAL,
    compacted=True,
    config=dict(FOR_ANYBODY),
)

RETRAINING_COMMANDS = Topic[e.StartTraining, StreamKey](name="retraining.commands", kinds=(e.StartTraining,), producer="", key=Key.STREAM)
TRAINING_REQUESTS = Topic[e.TrainingRequest, StreamKey](
    name="training.requests",
    kinds=(e.TrainingRequest,),
    producer="retraining",
    key=Key.STREAM,
    retention_ms=FOREVER,
    config=dict(FOR_ANYBODY),
)
TRAINING_RUNS = Topic[e.TrainingRun, StreamKey](
    name="training.runs", kinds=(e.TrainingRun,), producer="trainer", key=Key.STREAM, retention_ms=FOREVER, config=dict(FOR_ANYBODY)
)

MODEL_CHUNKS = Topic[e.ModelChunk, ChunkKey](
    name="model.chunks", kinds=(e.ModelChunk,), producer="trainer", key=Key.CHUNK, compacted=True, config=dict(_FOR_NARROW_LINKS)
)
MODEL_CANDIDATES = Topic[e.ModelCandidate, StreamKey](
    name="model.candidates", kinds=(e.ModelCandidate,), producer="trainer", key=Key.STREAM, partitions=Partitions.ONE, retention_ms=FOREVER
)
MODEL_COMMANDS = Topic[e.RegisterStream, StreamKey](
    name="model.commands", kinds=(e.RegisterStream,), producer="", key=Key.STREAM, partitions=Partitions.ONE
)
MODEL_EVENTS = Topic[e.ModelVersion | e.CandidateRefused, StreamKey](
    name="model.events",
    kinds=(e.ModelVersion, e.CandidateRefused),
    producer="registry",
    key=Key.STREAM,
    partitions=Partitions.ONE,
    retention_ms=FOREVER,
    config=dict(FOR_ANYBODY),
)
MODEL_ADAPTERS = Topic[e.AdapterFrame | e.ModelAdapter | e.MemoryBlock, AdapterKey](
    name="model.adapters",
    kinds=(e.AdapterFrame, e.ModelAdapter, e.MemoryBlock),
    producer="adapter",
    key=Key.ADAPTER,
    compacted=True,
    config=dict(CLEANED_OFTEN),
)
STREAMS = Topic[e.StreamDefinition, StreamKey](
    name="streams",
    kinds=(e.StreamDefinition,),
    producer="registry",
    key=Key.STREAM,
    partitions=Partitions.ONE,
    compacted=True,
    config=dict(FOR_ANYBODY),
)

# Written by `edgeloop policy`; the newest one of a stream counts.
POLICIES = Topic[e.Policy, StreamKey](
    name="policies", kinds=(e.Policy,), producer="", key=Key.POLICY, partitions=Partitions.ONE, compacted=True, config=dict(FOR_ANYBODY)
)

ROLLOUT_ASSIGNMENTS = Topic[e.Assignment, DeviceKey](
    name="rollout.assignments", kinds=(e.Assignment,), producer="rollout", key=Key.DEVICE, compacted=True, config=dict(FOR_ANYBODY)
)
ROLLOUT_COMMANDS = Topic[e.RolloutCommand, StreamKey](
    name="rollout.commands",
    kinds=(e.RolloutCommand,),
    producer="",
    key=Key.STREAM,
    partitions=Partitions.ONE,
    log_append_time=True,
    retention_ms=FOREVER,
)
ROLLOUT_EVENTS = Topic[e.RolloutEvent, StreamKey](
    name="rollout.events",
    kinds=(e.RolloutEvent,),
    producer="rollout",
    key=Key.POLICY,
    partitions=Partitions.ONE,
    retention_ms=FOREVER,
    config=dict(FOR_ANYBODY),
)
FLEET_REPORTED = Topic[e.DeviceReport, DeviceKey](
    name="fleet.reported",
    kinds=(e.DeviceReport,),
    producer="inference",
    key=Key.DEVICE,
    partitions=Partitions.ONE,
    compacted=True,
    log_append_time=True,
    config=dict(FOR_ANYBODY),
)

FLEET_ANSWERS = fleet_topics.FLEET_ANSWERS
FLEET_COMMANDS = fleet_topics.FLEET_COMMANDS
FLEET_CONFIG = fleet_topics.FLEET_CONFIG
FLEET_DEVICES = fleet_topics.FLEET_DEVICES
FLEET_ENROLMENTS = fleet_topics.FLEET_ENROLMENTS
FLEET_ERRORS = fleet_topics.FLEET_ERRORS
FLEET_HEALTH = fleet_topics.FLEET_HEALTH
FLEET_HEARTBEATS = fleet_topics.FLEET_HEARTBEATS

ALERTS = Topic[e.Alert, StreamKey](
    name="alerts",
    kinds=(e.Alert,),
    producer="monitoring",
    key=Key.STREAM,
    partitions=Partitions.ONE,
    retention_ms=30 * DAY,
    config=dict(FOR_ANYBODY),
)

# Written by `edgeloop skip`; a service reads it only while it is halted.
SKIPS = Topic[e.Skip, InputKey](name="skips", kinds=(e.Skip,), producer="", key=Key.INPUT, partitions=Partitions.ONE, compacted=True)
# Each service writes its own gaps, in the transaction that passes over them.
GAPS = Topic[e.Gap, InputKey](name="gaps", kinds=(e.Gap,), producer="", key=Key.INPUT, partitions=Partitions.ONE, retention_ms=FOREVER)

PUBLIC: tuple[Topic[Any, Any], ...] = (
    OBSERVATIONS_RAW,
    OBSERVATION_ROWS_RAW,
    OBSERVATION_NAMED_RAW,
    LABELS_RAW,
    OBSERVATIONS,
    LABELS,
    DEVICES_DOUBTED,
    EXAMPLES,
    LABEL_CONTRADICTIONS,
    DRIFT_PARTIALS,
    ERROR_WINDOWS,
    DRIFT_SIGNALS,
    RETRAINING_COMMANDS,
    TRAINING_REQUESTS,
    TRAINING_RUNS,
    MODEL_CHUNKS,
    MODEL_CANDIDATES,
    MODEL_COMMANDS,
    MODEL_EVENTS,
    MODEL_ADAPTERS,
    STREAMS,
    POLICIES,
    ROLLOUT_ASSIGNMENTS,
    ROLLOUT_COMMANDS,
    ROLLOUT_EVENTS,
    FLEET_REPORTED,
    FLEET_COMMANDS,
    FLEET_ENROLMENTS,
    FLEET_HEARTBEATS,
    FLEET_ERRORS,
    FLEET_DEVICES,
    FLEET_HEALTH,
    FLEET_CONFIG,
    FLEET_ANSWERS,
    ALERTS,
    SKIPS,
    GAPS,
)

FACTS: tuple[Topic[Any, Any], ...] = tuple(topic for topic in PUBLIC if topic.config.get("compression.type") == "uncompressed")
"""Topics for other programs: events and current facts, without the internal traffic of our services."""

CHECKPOINT_KEY = "Checkpoint/"  # key of the checkpoint in each state topic

STATE_KINDS: dict[str, tuple[Partitions, tuple[type[Event], ...]]] = {
    service: (Partitions(partitions), kinds) for service, (partitions, kinds) in KINDS.items()
}
"""Records of each state topic besides the checkpoint, by service; from the services' specifications."""


def state(service: str) -> Topic[Any, str]:
    """State topic of ``service``, from which it rebuilds its memory."""
    partitions, kinds = STATE_KINDS[service]
    return Topic[Any, str](
        name=f"{service}.state",
        kinds=(e.Checkpoint, *kinds),
        producer=service,
        key=Key.STATE,
        partitions=partitions,
        compacted=True,
        config=dict(CLEANED_OFTEN),
    )


def dead_letters(service: str) -> Topic[e.DeadLetter, str]:
    """Topic of the dead letters of ``service``."""
    partitions, _ = STATE_KINDS[service]
    return Topic[e.DeadLetter, str](
        name=f"deadletters.{service}",
        kinds=(e.DeadLetter,),
        producer=service,
        key=Key.ORIGINAL,
        partitions=partitions,
        retention_ms=30 * DAY,
        max_bytes=3 << 20,
    )


def redrive(service: str) -> Topic[e.Redrive, LetterKey]:
    """Topic of the redriven records of ``service``. It is kept longer than the dead letters, since it marks those that were redriven."""
    partitions, _ = STATE_KINDS[service]
    return Topic[e.Redrive, LetterKey](
        name=f"redrive.{service}",
        kinds=(e.Redrive,),
        producer="",
        key=Key.LETTER,
        partitions=partitions,
        log_append_time=True,
        retention_ms=60 * DAY,
        max_bytes=3 << 20,
    )


def all_topics() -> tuple[Topic[Any, Any], ...]:
    """All topics, in the order of their creation."""
    own = tuple(make(service) for service in STATE_KINDS for make in (state, dead_letters, redrive))
    return PUBLIC + own


def by_name(name: str) -> Topic[Any, Any]:
    """The topic called ``name``.

    Raises
    ------
    KeyError
        No topic has that name; the message lists all names.
    """
    for topic in all_topics():
        if topic.name == name:
            return topic
    known = ", ".join(sorted(topic.name for topic in all_topics()))
    raise KeyError(f"no topic is called {name!r}; there are: {known}")
