"""The events of edgeloop, generated from ``schemas/**/*.avsc`` by ``make generate``. Do not edit."""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

from edgeloop_contracts.rows import PerRow, RowColumns, check_consecutive, joined, longest, not_empty, number_of, packed

__all__ = [
    "AdapterFrame",
    "AdapterMember",
    "AdapterPolicy",
    "Admission",
    "Alert",
    "AlertKind",
    "AlertStatus",
    "Assignment",
    "AtGate",
    "AwaitingRegistry",
    "BlockState",
    "CampaignState",
    "CandidateRefused",
    "Cause",
    "Challenger",
    "ChangeDevice",
    "Checkpoint",
    "CommandAccepted",
    "ConfigScope",
    "DeadLetter",
    "DetectionPolicy",
    "DetectionProgress",
    "DetectorState",
    "Device",
    "DeviceAction",
    "DeviceConfig",
    "DeviceDoubted",
    "DeviceError",
    "DeviceHealth",
    "DeviceReport",
    "DeviceStatus",
    "DriftPartial",
    "DriftSignal",
    "EnrolDevice",
    "Enrolment",
    "EnrolmentMode",
    "EnrolmentRefused",
    "EnrolmentRequest",
    "ErrorCount",
    "ErrorWindow",
    "ExampleBatch",
    "Feature",
    "FleetConfig",
    "FleetPolicy",
    "FleetTick",
    "FleetToken",
    "Gap",
    "GateKind",
    "GateState",
    "GateTally",
    "Health",
    "HeardProcess",
    "Heartbeat",
    "IssueToken",
    "JoinState",
    "KnownKey",
    "Label",
    "LabelContradicted",
    "LabelledRows",
    "LearnerState",
    "Manifest",
    "Mask",
    "MemberProcesses",
    "MemoryBlock",
    "ModelAdapter",
    "ModelCandidate",
    "ModelChunk",
    "ModelFile",
    "ModelVersion",
    "NamedRow",
    "ObservationBatch",
    "ObservationRow",
    "Occasion",
    "OffsetRange",
    "PartialKind",
    "Policy",
    "Position",
    "Range",
    "Redrive",
    "Reference",
    "RefusalReason",
    "RegisterStream",
    "RegistryState",
    "RetrainingPolicy",
    "RolloutApproval",
    "RolloutCommand",
    "RolloutComparison",
    "RolloutCounts",
    "RolloutDevice",
    "RolloutEvent",
    "RolloutFact",
    "RolloutFinding",
    "RolloutOrder",
    "RolloutPolicy",
    "RolloutStage",
    "RolloutState",
    "RolloutTarget",
    "RolloutVersion",
    "RowMark",
    "RowPage",
    "RunStatus",
    "RunningRollout",
    "SeenCommand",
    "SeenContents",
    "SeenEpochs",
    "SeenRows",
    "SeenSamples",
    "ServedStream",
    "SetAdmission",
    "SetConfig",
    "SignalKind",
    "SignedStatement",
    "Skip",
    "StartTraining",
    "StreamDefinition",
    "StreamTask",
    "TrainingPolicy",
    "TrainingRequest",
    "TrainingRun",
    "Vitals",
    "WaitingAlarm",
    "WaitingLabel",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """An ONNX file: its digest, and the place of its chunks.

    Attributes
    ----------
    digest
        SHA-256 of the file, hex.
    size
        Bytes.
    chunks
        Number of chunks.
    partition
        Partition of model.chunks that holds them.
    offset
        Offset from which they can be read.
    """

    digest: str = ""
    size: int = 0
    chunks: int = 0
    partition: int = 0
    offset: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "digest": self.digest,
            "size": self.size,
            "chunks": self.chunks,
            "partition": self.partition,
            "offset": self.offset,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            digest=fields["digest"],
            size=fields["size"],
            chunks=fields["chunks"],
            partition=fields["partition"],
            offset=fields["offset"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.chunks <= 0x7FFF_FFFF:
            return "chunks"
        if not -0x8000_0000 <= self.partition <= 0x7FFF_FFFF:
            return "partition"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatement:
    """A statement with its signature.

    Attributes
    ----------
    statement
        Signed bytes: canonical JSON of all that a device must know before it loads a model.
    signature
        Ed25519 over the statement.
    key_id
        SHA-256 of the public key, hex, first 16.
    """

    statement: bytes = b""
    signature: bytes = b""
    key_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "statement": self.statement,
            "signature": self.signature,
            "key_id": self.key_id,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            statement=fields["statement"],
            signature=fields["signature"],
            key_id=fields["key_id"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterMember:
    """A version that takes part in a mixture, with all that a device needs to fetch and verify it.

    Attributes
    ----------
    version
        Version.
    file
        The model's file.
    classes
        Class names in the order of its probabilities.
    signed
        The registry's signed statement about the version.
    """

    version: int = 0
    file: ModelFile = field(default_factory=lambda: ModelFile())
    classes: tuple[str, ...] = ()
    signed: SignedStatement = field(default_factory=lambda: SignedStatement())

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "file": self.file.as_dict(),
            "classes": list(self.classes),
            "signed": self.signed.as_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            version=fields["version"],
            file=ModelFile.from_dict(fields["file"]),
            classes=tuple(fields["classes"]),
            signed=SignedStatement.from_dict(fields["signed"]),
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
            return "version"
        if fault := self.file.fault():
            return f"file.{fault}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterFrame:
    """The composition of a mixture: its members, its classes and the scaling of rows. It changes seldom. Compacted
    by tenant/stream/frame.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    number
        Number of labelled rows of the stream at the start of this frame. It identifies the frame.
    members
        Members, oldest first. The first one is the stream's first version and is never dropped.
    classes
        Classes of the mixture, in the order of its probabilities; new ones are appended. None for numbers.
    width
        Features of a row.
    features
        Columns that the linear part and the memories read, most informative first. A column below width is
        the feature itself. Any other column is 1 if feature (column mod width) is category (column / width,
        rounded down) - 1, else 0.
    means
        Mean of each column, little-endian float32.
    gains
        1 / standard deviation of each column, little-endian float32.
    scales
        Weight of each column in a distance: memory steps for one standard deviation, little-endian float32.
    centre
        Regression: the label that counts as 0, the median of the labels at the start of the mixture.
    deviation
        Regression: the distance that counts as 1, half the interquartile range of those labels.
    tolerance
        Regression: largest distance of a right answer from the label. 0 for classification.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"AdapterFrame","namespace":"edgeloop.adapter","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"number","type":"long","default":0},{"name":"members","type":{"type":"array","items":{"type":"record","name":"AdapterMember","fields":[{"name":"version","type":"int","default":0},{"name":"file","type":{"type":"record","name":"ModelFile","namespace":"edgeloop.model","fields":[{"name":"digest","type":"string","default":""},{"name":"size","type":"long","default":0},{"name":"chunks","type":"int","default":0},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0}]},"default":{"digest":"","size":0,"chunks":0,"partition":0,"offset":0}},{"name":"classes","type":{"type":"array","items":"string"},"default":[]},{"name":"signed","type":{"type":"record","name":"SignedStatement","namespace":"edgeloop.model","fields":[{"name":"statement","type":"bytes","default":""},{"name":"signature","type":"bytes","default":""},{"name":"key_id","type":"string","default":""}]},"default":{"statement":"","signature":"","key_id":""}}]}},"default":[]},{"name":"classes","type":{"type":"array","items":"string"},"default":[]},{"name":"width","type":"int","default":0},{"name":"features","type":{"type":"array","items":"int"},"default":[]},{"name":"means","type":"bytes","default":""},{"name":"gains","type":"bytes","default":""},{"name":"scales","type":"bytes","default":""},{"name":"centre","type":"double","default":0.0},{"name":"deviation","type":"double","default":0.0},{"name":"tolerance","type":"double","default":0.0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.adapter.AdapterFrame"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    number: int = 0
    members: tuple[AdapterMember, ...] = ()
    classes: tuple[str, ...] = ()
    width: int = 0
    features: tuple[int, ...] = ()
    means: bytes = b""
    gains: bytes = b""
    scales: bytes = b""
    centre: float = 0.0
    deviation: float = 0.0
    tolerance: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "number": self.number,
            "members": [x.as_dict() for x in self.members],
            "classes": list(self.classes),
            "width": self.width,
            "features": list(self.features),
            "means": self.means,
            "gains": self.gains,
            "scales": self.scales,
            "centre": self.centre,
            "deviation": self.deviation,
            "tolerance": self.tolerance,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            number=fields["number"],
            members=tuple(AdapterMember.from_dict(x) for x in fields["members"]),
            classes=tuple(fields["classes"]),
            width=fields["width"],
            features=tuple(fields["features"]),
            means=fields["means"],
            gains=fields["gains"],
            scales=fields["scales"],
            centre=fields["centre"],
            deviation=fields["deviation"],
            tolerance=fields["tolerance"],
        )

    def fault(self) -> str:
        for x in self.members:
            if fault := x.fault():
                return f"members.{fault}"
        if not -0x8000_0000 <= self.width <= 0x7FFF_FFFF:
            return "width"
        for x in self.features:
            if not -0x8000_0000 <= x <= 0x7FFF_FFFF:
                return "features"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMark:
    """The stream's row count at a place in drift.partials.

    Attributes
    ----------
    row
        Labelled rows before the partial.
    offset
        Offset of the partial.
    """

    row: int = 0
    offset: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "offset": self.offset,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            row=fields["row"],
            offset=fields["offset"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerState:
    """The learning state of a stream's mixture.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    rows
        Labelled rows folded.
    last_offset
        Offset in drift.partials of the newest partial folded, null before the first; a partial at or before
        it is a repeat.
    frame
        Current frame; null without a mixture.
    unsuited
        Whether no mixture is possible: too many classes, or a first version that cannot take part.
    published
        Number of the newest adapter.
    mistakes
        Wrong answers among the labels since that adapter.
    weights
        Little-endian float64.
    bias
        Little-endian float64.
    coefficients
        Little-endian float64.
    comparison
        Comparison of the mixture with the first version: its current deficit, its long-run gain, and the gain
        of switching; little-endian float64.
    memory_end
        Rows stored in the memories so far.
    alone
        As in ModelAdapter.
    scaling
        Number of the first frame with this scaling.
    marks
        About one mark per thousand rows, oldest first. The order of older rows is read again from a mark.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"LearnerState","namespace":"edgeloop.adapter","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"rows","type":"long","default":0},{"name":"last_offset","type":["null","long"],"default":null},{"name":"frame","type":["null","long"],"default":null},{"name":"unsuited","type":"boolean","default":false},{"name":"published","type":"long","default":0},{"name":"mistakes","type":"int","default":0},{"name":"weights","type":"bytes","default":""},{"name":"bias","type":"bytes","default":""},{"name":"coefficients","type":"bytes","default":""},{"name":"comparison","type":"bytes","default":""},{"name":"memory_end","type":"long","default":0},{"name":"alone","type":"int","default":0},{"name":"scaling","type":"long","default":0},{"name":"marks","type":{"type":"array","items":{"type":"record","name":"RowMark","namespace":"edgeloop.training","fields":[{"name":"row","type":"long","default":0},{"name":"offset","type":"long","default":0}]}},"default":[]}]}'
    FULLNAME: ClassVar[str] = "edgeloop.adapter.LearnerState"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str = "default"
    stream: str = ""
    rows: int = 0
    last_offset: int | None = None
    frame: int | None = None
    unsuited: bool = False
    published: int = 0
    mistakes: int = 0
    weights: bytes = b""
    bias: bytes = b""
    coefficients: bytes = b""
    comparison: bytes = b""
    memory_end: int = 0
    alone: int = 0
    scaling: int = 0
    marks: tuple[RowMark, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "rows": self.rows,
            "last_offset": self.last_offset,
            "frame": self.frame,
            "unsuited": self.unsuited,
            "published": self.published,
            "mistakes": self.mistakes,
            "weights": self.weights,
            "bias": self.bias,
            "coefficients": self.coefficients,
            "comparison": self.comparison,
            "memory_end": self.memory_end,
            "alone": self.alone,
            "scaling": self.scaling,
            "marks": [x.as_dict() for x in self.marks],
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            rows=fields["rows"],
            last_offset=fields["last_offset"],
            frame=fields["frame"],
            unsuited=fields["unsuited"],
            published=fields["published"],
            mistakes=fields["mistakes"],
            weights=fields["weights"],
            bias=fields["bias"],
            coefficients=fields["coefficients"],
            comparison=fields["comparison"],
            memory_end=fields["memory_end"],
            alone=fields["alone"],
            scaling=fields["scaling"],
            marks=tuple(RowMark.from_dict(x) for x in fields["marks"]),
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.mistakes <= 0x7FFF_FFFF:
            return "mistakes"
        if not -0x8000_0000 <= self.alone <= 0x7FFF_FFFF:
            return "alone"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBlock:
    """Consecutive rows of a mixture's memories. Compacted by tenant/stream/block/slot; a slot is used again once
    its rows have left the memories.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    frame
        Number of the first frame with this scaling.
    first
        Number of the first row, from 0.
    rows
        One signed byte a feature, row by row: scaled, rounded, from -64 to 63.
    labels
        One byte a row: the number of its class. Empty for regression.
    numbers
        Regression: label of each row, as its distance from the centre in deviations, little-endian float32.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"MemoryBlock","namespace":"edgeloop.adapter","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"frame","type":"long","default":0},{"name":"first","type":"long","default":0},{"name":"rows","type":"bytes","default":""},{"name":"labels","type":"bytes","default":""},{"name":"numbers","type":"bytes","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.adapter.MemoryBlock"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    frame: int = 0
    first: int = 0
    rows: bytes = b""
    labels: bytes = b""
    numbers: bytes = b""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "frame": self.frame,
            "first": self.first,
            "rows": self.rows,
            "labels": self.labels,
            "numbers": self.numbers,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            frame=fields["frame"],
            first=fields["first"],
            rows=fields["rows"],
            labels=fields["labels"],
            numbers=fields["numbers"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAdapter:
    """The weights that a stream's mixture has learned from labels up to one row. It replaces the previous adapter.
    Compacted by tenant/stream/adapter.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    number
        Number of labelled rows of the stream that it has learned from. It identifies the adapter.
    frame
        Frame of the adapter.
    weights
        Weight of each expert, little-endian float64: the frame's members, the linear part, the memories, the
        bias.
    bias
        Bias of each class, little-endian float64.
    coefficients
        Of the linear part, little-endian float32 [classes, features + 1], the constant last.
    memory_end
        Rows stored in the memories so far. The newest of them are in the memory blocks.
    alone
        Version that answers alone because the mixture was worse; 0 if the mixture answers.
    doubted
        True if the mixture was worse than the first version over the newest labels. The long run decides if
        it counts.
    digest
        SHA-256 over everything that determines an answer, hex: frame, weights, rows of the memories.
    signature
        Ed25519 over canonical JSON of digest, kind (adapter), number, stream, tenant.
    key_id
        SHA-256 of the public key, hex, first 16.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"ModelAdapter","namespace":"edgeloop.adapter","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"number","type":"long","default":0},{"name":"frame","type":"long","default":0},{"name":"weights","type":"bytes","default":""},{"name":"bias","type":"bytes","default":""},{"name":"coefficients","type":"bytes","default":""},{"name":"memory_end","type":"long","default":0},{"name":"alone","type":"int","default":0},{"name":"doubted","type":"boolean","default":false},{"name":"digest","type":"string","default":""},{"name":"signature","type":"bytes","default":""},{"name":"key_id","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.adapter.ModelAdapter"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    number: int = 0
    frame: int = 0
    weights: bytes = b""
    bias: bytes = b""
    coefficients: bytes = b""
    memory_end: int = 0
    alone: int = 0
    doubted: bool = False
    digest: str = ""
    signature: bytes = b""
    key_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "number": self.number,
            "frame": self.frame,
            "weights": self.weights,
            "bias": self.bias,
            "coefficients": self.coefficients,
            "memory_end": self.memory_end,
            "alone": self.alone,
            "doubted": self.doubted,
            "digest": self.digest,
            "signature": self.signature,
            "key_id": self.key_id,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            number=fields["number"],
            frame=fields["frame"],
            weights=fields["weights"],
            bias=fields["bias"],
            coefficients=fields["coefficients"],
            memory_end=fields["memory_end"],
            alone=fields["alone"],
            doubted=fields["doubted"],
            digest=fields["digest"],
            signature=fields["signature"],
            key_id=fields["key_id"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.alone <= 0x7FFF_FFFF:
            return "alone"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that could not be handled, with its original bytes.

    Attributes
    ----------
    service
        Service that could not handle the record.
    topic
        Topic.
    partition
        Partition.
    offset
        Offset.
    timestamp
        Record time, ms.
    key
        Original key.
    value
        Original value; null for a tombstone.
    headers
        Original headers.
    reason
        Typed reason, such as NOT_AVRO, UNKNOWN_SCHEMA, WRONG_TYPE, TOO_LARGE, INVALID.
    message
        What, where, expected and given.
    cut
        True if key, value and headers were too large for a dead letter. It then holds only their beginnings,
        and cannot be redriven.
    value_size
        Bytes of the original value; null for a tombstone.
    redriven
        Place of the earlier dead letter that the record was redriven from; null for none.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"DeadLetter","namespace":"edgeloop.deadletter","fields":[{"name":"service","type":"string","default":""},{"name":"topic","type":"string","default":""},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0},{"name":"timestamp","type":"long","default":0},{"name":"key","type":"bytes","default":""},{"name":"value","type":["null","bytes"],"default":null},{"name":"headers","type":{"type":"map","values":"bytes"},"default":{}},{"name":"reason","type":"string","default":""},{"name":"message","type":"string","default":""},{"name":"cut","type":"boolean","default":false},{"name":"value_size","type":["null","long"],"default":null},{"name":"redriven","type":["null","string"],"default":null}]}'
    FULLNAME: ClassVar[str] = "edgeloop.deadletter.DeadLetter"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    service: str = ""
    topic: str = ""
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    key: bytes = b""
    value: bytes | None = None
    headers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    reason: str = ""
    message: str = ""
    cut: bool = False
    value_size: int | None = None
    redriven: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp": self.timestamp,
            "key": self.key,
            "value": self.value,
            "headers": dict(self.headers),
            "reason": self.reason,
            "message": self.message,
            "cut": self.cut,
            "value_size": self.value_size,
            "redriven": self.redriven,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            service=fields["service"],
            topic=fields["topic"],
            partition=fields["partition"],
            offset=fields["offset"],
            timestamp=fields["timestamp"],
            key=fields["key"],
            value=fields["value"],
            headers=fields["headers"],
            reason=fields["reason"],
            message=fields["message"],
            cut=fields["cut"],
            value_size=fields["value_size"],
            redriven=fields["redriven"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.partition <= 0x7FFF_FFFF:
            return "partition"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """A dead letter's original record, returned to the service that could not handle it. It also marks the letter
    as redriven.

    Attributes
    ----------
    letter
        Place of the dead letter: topic/partition/offset.
    service
        Service that has to handle the record.
    topic
        Original topic.
    partition
        Original partition.
    offset
        Original offset.
    timestamp
        Original record time, ms.
    key
        Original key.
    value
        Original value.
    headers
        Original headers.
    reason
        Reason of the dead letter.
    who
        Person who redrove it.
    why
        Reason given by the person.
    run
        Id of the run of `edgeloop redrive`.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"Redrive","namespace":"edgeloop.deadletter","fields":[{"name":"letter","type":"string","default":""},{"name":"service","type":"string","default":""},{"name":"topic","type":"string","default":""},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0},{"name":"timestamp","type":"long","default":0},{"name":"key","type":"bytes","default":""},{"name":"value","type":"bytes","default":""},{"name":"headers","type":{"type":"map","values":"bytes"},"default":{}},{"name":"reason","type":"string","default":""},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""},{"name":"run","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.deadletter.Redrive"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    letter: str = ""
    service: str = ""
    topic: str = ""
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    key: bytes = b""
    value: bytes = b""
    headers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    reason: str = ""
    who: str = ""
    why: str = ""
    run: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "letter": self.letter,
            "service": self.service,
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp": self.timestamp,
            "key": self.key,
            "value": self.value,
            "headers": dict(self.headers),
            "reason": self.reason,
            "who": self.who,
            "why": self.why,
            "run": self.run,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            letter=fields["letter"],
            service=fields["service"],
            topic=fields["topic"],
            partition=fields["partition"],
            offset=fields["offset"],
            timestamp=fields["timestamp"],
            key=fields["key"],
            value=fields["value"],
            headers=fields["headers"],
            reason=fields["reason"],
            who=fields["who"],
            why=fields["why"],
            run=fields["run"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.partition <= 0x7FFF_FFFF:
            return "partition"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockState:
    """Rows of one device that do not yet fill a block of the input detectors.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    boot_epoch
        Number of the device's outbox, 1 for the first. A new outbox starts a new epoch and numbers its rows
        from 0 again.
    first_seq
        Sequence number of the first row of the block.
    next_seq
        Sequence number after the newest row counted. Earlier rows are ignored.
    count
        Rows so far.
    sums
        Sum of each feature.
    present
        Rows that have each feature.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"BlockState","namespace":"edgeloop.drift","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"boot_epoch","type":"long","default":0},{"name":"first_seq","type":"long","default":0},{"name":"next_seq","type":"long","default":0},{"name":"count","type":"int","default":0},{"name":"sums","type":{"type":"array","items":"double"},"default":[]},{"name":"present","type":{"type":"array","items":"int"},"default":[]}]}'
    FULLNAME: ClassVar[str] = "edgeloop.drift.BlockState"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str = "default"
    stream: str = ""
    device_id: str = ""
    boot_epoch: int = 0
    first_seq: int = 0
    next_seq: int = 0
    count: int = 0
    sums: tuple[float, ...] = ()
    present: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "boot_epoch": self.boot_epoch,
            "first_seq": self.first_seq,
            "next_seq": self.next_seq,
            "count": self.count,
            "sums": list(self.sums),
            "present": list(self.present),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            boot_epoch=fields["boot_epoch"],
            first_seq=fields["first_seq"],
            next_seq=fields["next_seq"],
            count=fields["count"],
            sums=tuple(fields["sums"]),
            present=tuple(fields["present"]),
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.count <= 0x7FFF_FFFF:
            return "count"
        for x in self.present:
            if not -0x8000_0000 <= x <= 0x7FFF_FFFF:
                return "present"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionProgress:
    """Progress of detection in a stream: every ERROR_RATE signal of these rows precedes this record in its
    partition.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    row
        Labelled rows of the stream that detection has processed.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"DetectionProgress","namespace":"edgeloop.drift","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"row","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.drift.DetectionProgress"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    row: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "row": self.row,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            row=fields["row"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Position of a pooled stream in one partition of examples.

    Attributes
    ----------
    partition
        Partition of the examples topic.
    offset
        Offset of the batch that holds the next example, or the offset after the last whole batch.
    index
        Index of the next example of the stream in this partition.
    """

    partition: int = 0
    offset: int = 0
    index: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "partition": self.partition,
            "offset": self.offset,
            "index": self.index,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            partition=fields["partition"],
            offset=fields["offset"],
            index=fields["index"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.partition <= 0x7FFF_FFFF:
            return "partition"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorState:
    """Snapshot of the error detectors or of the input detectors of one stream. Each group has its own record, so
    that labelled rows do not rewrite the input detectors.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    rows
        Labelled rows folded.
    observed
        Observed rows folded.
    model_version
        Newest version with answers so far.
    positions
        Error detectors: position in each partition of examples. Input detectors: batch and first row of the
        newest block of each partition of observations.
    detectors
        Name of a detector or number of a feature → its state in the detector codec.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"DetectorState","namespace":"edgeloop.drift","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"rows","type":"long","default":0},{"name":"observed","type":"long","default":0},{"name":"model_version","type":"int","default":0},{"name":"positions","type":{"type":"array","items":{"type":"record","name":"Position","fields":[{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0},{"name":"index","type":"long","default":0}]}},"default":[]},{"name":"detectors","type":{"type":"map","values":"bytes"},"default":{}}]}'
    FULLNAME: ClassVar[str] = "edgeloop.drift.DetectorState"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str = "default"
    stream: str = ""
    rows: int = 0
    observed: int = 0
    model_version: int = 0
    positions: tuple[Position, ...] = ()
    detectors: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "rows": self.rows,
            "observed": self.observed,
            "model_version": self.model_version,
            "positions": [x.as_dict() for x in self.positions],
            "detectors": dict(self.detectors),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            rows=fields["rows"],
            observed=fields["observed"],
            model_version=fields["model_version"],
            positions=tuple(Position.from_dict(x) for x in fields["positions"]),
            detectors=fields["detectors"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.model_version <= 0x7FFF_FFFF:
            return "model_version"
        for x in self.positions:
            if fault := x.fault():
                return f"positions.{fault}"
        return ""


class PartialKind(StrEnum):
    """Content of the partial."""

    ERRORS = "ERRORS"
    FEATURES = "FEATURES"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPartial:
    """Contribution of one device's consecutive rows to the pooled detectors of their stream. Keyed by
    tenant/stream, so that the order of partials is the pooled order of rows.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    model_version
        Version that answered the rows.
    kind
        ERRORS: labelled rows of examples. FEATURES: one block of unlabelled rows of observations.
    partition
        Partition of the input batch.
    offset
        Offset of the input batch.
    first_index
        ERRORS: index of the first example; FEATURES: sequence number of the first row.
    count
        Rows in the partial.
    errors
        ERRORS: one byte a row, 1 for a wrong answer, 0 for a right one, 2 if no model answered.
    sums
        FEATURES: sum of each feature over the rows with a value.
    present
        FEATURES: rows with a value of each feature.
    left
        ERRORS: examples of the input batch after these, which follow in the next partial.
    errors_alone
        ERRORS: as errors, for the version without its adapter. Empty if the same for all rows.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"DriftPartial","namespace":"edgeloop.drift","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"model_version","type":"int","default":0},{"name":"kind","type":{"type":"enum","name":"PartialKind","symbols":["ERRORS","FEATURES"],"default":"ERRORS"},"default":"ERRORS"},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0},{"name":"first_index","type":"long","default":0},{"name":"count","type":"int","default":0},{"name":"errors","type":"bytes","default":""},{"name":"sums","type":{"type":"array","items":"double"},"default":[]},{"name":"present","type":{"type":"array","items":"int"},"default":[]},{"name":"left","type":"int","default":0},{"name":"errors_alone","type":"bytes","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.drift.DriftPartial"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    device_id: str
    model_version: int = 0
    kind: PartialKind = PartialKind.ERRORS
    partition: int = 0
    offset: int = 0
    first_index: int = 0
    count: int = 0
    errors: bytes = b""
    sums: tuple[float, ...] = ()
    present: tuple[int, ...] = ()
    left: int = 0
    errors_alone: bytes = b""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "model_version": self.model_version,
            "kind": self.kind.value,
            "partition": self.partition,
            "offset": self.offset,
            "first_index": self.first_index,
            "count": self.count,
            "errors": self.errors,
            "sums": list(self.sums),
            "present": list(self.present),
            "left": self.left,
            "errors_alone": self.errors_alone,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            model_version=fields["model_version"],
            kind=PartialKind(fields["kind"]),
            partition=fields["partition"],
            offset=fields["offset"],
            first_index=fields["first_index"],
            count=fields["count"],
            errors=fields["errors"],
            sums=tuple(fields["sums"]),
            present=tuple(fields["present"]),
            left=fields["left"],
            errors_alone=fields["errors_alone"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.model_version <= 0x7FFF_FFFF:
            return "model_version"
        if not -0x8000_0000 <= self.partition <= 0x7FFF_FFFF:
            return "partition"
        if not -0x8000_0000 <= self.count <= 0x7FFF_FFFF:
            return "count"
        for x in self.present:
            if not -0x8000_0000 <= x <= 0x7FFF_FFFF:
                return "present"
        if not -0x8000_0000 <= self.left <= 0x7FFF_FFFF:
            return "left"
        return ""


class SignalKind(StrEnum):
    """Kind of the change."""

    ERROR_RATE = "ERROR_RATE"
    INPUT = "INPUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSignal:
    """A detector raised an alarm.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    signal_id
        Hash of the inputs that led to it.
    kind
        Kind of the detector.
    detector
        Name of the detector, such as ADWIN.
    feature
        INPUT: the feature. Null for ERROR_RATE.
    model_version
        ERROR_RATE: version whose errors were watched. Null for INPUT.
    row
        ERROR_RATE: labelled rows of the stream folded so far, including the row of the alarm. INPUT: observed
        rows folded so far.
    positions
        ERROR_RATE: positions in examples right after the row of the alarm.
    rising
        True if the watched value rose.
    before
        Watched mean before the most likely point of the change.
    after
        Watched mean since that point: the newest estimate at the alarm, without values from before.
    since
        Count behind the mean `after`. ERROR_RATE: answers since the change, up to the alarm. INPUT: blocks.
        Null where the detector alone knows it.
    scope
        ERROR_RATE: whose errors were watched, stream, version or alone; see the policy's scopes. Null for
        INPUT.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"DriftSignal","namespace":"edgeloop.drift","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"signal_id","type":"string","default":""},{"name":"kind","type":{"type":"enum","name":"SignalKind","symbols":["ERROR_RATE","INPUT"],"default":"ERROR_RATE"},"default":"ERROR_RATE"},{"name":"detector","type":"string","default":""},{"name":"feature","type":["null","string"],"default":null},{"name":"model_version","type":["null","int"],"default":null},{"name":"row","type":"long","default":0},{"name":"positions","type":{"type":"array","items":{"type":"record","name":"Position","fields":[{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0},{"name":"index","type":"long","default":0}]}},"default":[]},{"name":"rising","type":"boolean","default":false},{"name":"before","type":"double","default":0.0},{"name":"after","type":"double","default":0.0},{"name":"since","type":["null","int"],"default":null},{"name":"scope","type":["null","string"],"default":null}]}'
    FULLNAME: ClassVar[str] = "edgeloop.drift.DriftSignal"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    signal_id: str = ""
    kind: SignalKind = SignalKind.ERROR_RATE
    detector: str = ""
    feature: str | None = None
    model_version: int | None = None
    row: int = 0
    positions: tuple[Position, ...] = ()
    rising: bool = False
    before: float = 0.0
    after: float = 0.0
    since: int | None = None
    scope: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "signal_id": self.signal_id,
            "kind": self.kind.value,
            "detector": self.detector,
            "feature": self.feature,
            "model_version": self.model_version,
            "row": self.row,
            "positions": [x.as_dict() for x in self.positions],
            "rising": self.rising,
            "before": self.before,
            "after": self.after,
            "since": self.since,
            "scope": self.scope,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            signal_id=fields["signal_id"],
            kind=SignalKind(fields["kind"]),
            detector=fields["detector"],
            feature=fields["feature"],
            model_version=fields["model_version"],
            row=fields["row"],
            positions=tuple(Position.from_dict(x) for x in fields["positions"]),
            rising=fields["rising"],
            before=fields["before"],
            after=fields["after"],
            since=fields["since"],
            scope=fields["scope"],
        )

    def fault(self) -> str:
        if self.model_version is not None:
            if not -0x8000_0000 <= self.model_version <= 0x7FFF_FFFF:
                return "model_version"
        for x in self.positions:
            if fault := x.fault():
                return f"positions.{fault}"
        if self.since is not None:
            if not -0x8000_0000 <= self.since <= 0x7FFF_FFFF:
                return "since"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCount:
    """Labelled rows of one device that one version answered.

    Attributes
    ----------
    device_id
        Name of the device, unique within the stream.
    model_version
        Version that answered the rows.
    rows
        Rows.
    errors
        Rows with a wrong answer.
    """

    device_id: str = ""
    model_version: int = 0
    rows: int = 0
    errors: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "device_id": self.device_id,
            "model_version": self.model_version,
            "rows": self.rows,
            "errors": self.errors,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            device_id=fields["device_id"],
            model_version=fields["model_version"],
            rows=fields["rows"],
            errors=fields["errors"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.model_version <= 0x7FFF_FFFF:
            return "model_version"
        if not -0x8000_0000 <= self.rows <= 0x7FFF_FFFF:
            return "rows"
        if not -0x8000_0000 <= self.errors <= 0x7FFF_FFFF:
            return "errors"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorWindow:
    """Right and wrong answers of a stream's devices in one short time. Written only for streams whose policy has
    phases; each row is counted once.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    counts
        Counts by device and version.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"ErrorWindow","namespace":"edgeloop.drift","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"counts","type":{"type":"array","items":{"type":"record","name":"ErrorCount","fields":[{"name":"device_id","type":"string","default":""},{"name":"model_version","type":"int","default":0},{"name":"rows","type":"int","default":0},{"name":"errors","type":"int","default":0}]}},"default":[]}]}'
    FULLNAME: ClassVar[str] = "edgeloop.drift.ErrorWindow"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    counts: tuple[ErrorCount, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "counts": [x.as_dict() for x in self.counts],
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            counts=tuple(ErrorCount.from_dict(x) for x in fields["counts"]),
        )

    def fault(self) -> str:
        for x in self.counts:
            if fault := x.fault():
                return f"counts.{fault}"
        return ""


class DeviceAction(StrEnum):
    """LABEL: its group or labels change. REVOKE: its keys end, and nothing of it is admitted. RETIRE: it is out of
    service and not missed. READMIT: a revoked or retired device needs a new key. FORGET: a device of an open
    tenant is removed from the list."""

    LABEL = "LABEL"
    REVOKE = "REVOKE"
    RETIRE = "RETIRE"
    READMIT = "READMIT"
    FORGET = "FORGET"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDevice:
    """Command: a device is revoked, retired, readmitted, or described anew.

    Attributes
    ----------
    tenant
        Owner of the device.
    device_id
        Name of the device, unique within the tenant.
    command_id
        Id of the command; a repeat changes nothing.
    action
        Change.
    device_group
        LABEL: new group; empty for none; null leaves it.
    labels
        LABEL: labels that are set; an empty value removes the label.
    who
        Person or program that asks.
    why
        Reason given.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"ChangeDevice","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"device_id","type":"string","default":""},{"name":"command_id","type":"string","default":""},{"name":"action","type":{"type":"enum","name":"DeviceAction","symbols":["LABEL","REVOKE","RETIRE","READMIT","FORGET"],"default":"LABEL"},"default":"LABEL"},{"name":"device_group","type":["null","string"],"default":null},{"name":"labels","type":{"type":"map","values":"string"},"default":{}},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.ChangeDevice"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    device_id: str
    command_id: str = ""
    action: DeviceAction = DeviceAction.LABEL
    device_group: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    who: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "device_id": self.device_id,
            "command_id": self.command_id,
            "action": self.action.value,
            "device_group": self.device_group,
            "labels": dict(self.labels),
            "who": self.who,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            device_id=fields["device_id"],
            command_id=fields["command_id"],
            action=DeviceAction(fields["action"]),
            device_group=fields["device_group"],
            labels=fields["labels"],
            who=fields["who"],
            why=fields["why"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAccepted:
    """A command about the fleet was carried out.

    Attributes
    ----------
    tenant
        Owner of the device.
    device_id
        Name of the device; empty if the command names none.
    command_id
        Id of the command.
    message
        For people.
    who
        Person or program that asked.
    at
        Record time of the decision, milliseconds.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"CommandAccepted","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"device_id","type":"string","default":""},{"name":"command_id","type":"string","default":""},{"name":"message","type":"string","default":""},{"name":"who","type":"string","default":""},{"name":"at","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.CommandAccepted"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant',)
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    device_id: str = ""
    command_id: str = ""
    message: str = ""
    who: str = ""
    at: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "device_id": self.device_id,
            "command_id": self.command_id,
            "message": self.message,
            "who": self.who,
            "at": self.at,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            device_id=fields["device_id"],
            command_id=fields["command_id"],
            message=fields["message"],
            who=fields["who"],
            at=fields["at"],
        )

    def fault(self) -> str:
        return ""


class Enrolment(StrEnum):
    """OPEN: known by its reports alone. ENROLLED: it has a key. REVOKED: nothing of it is admitted. RETIRED: out
    of service."""

    OPEN = "OPEN"
    ENROLLED = "ENROLLED"
    REVOKED = "REVOKED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """Public key of a device and the time in which it counts.

    Attributes
    ----------
    key_id
        SHA-256 of the public key, hex, first 16 digits.
    public_key
        Ed25519 public key, 32 bytes.
    since
        Record time from which it counts, milliseconds.
    until
        Record time at which it ends, milliseconds; null while no end is set.
    """

    key_id: str = ""
    public_key: bytes = b""
    since: int = 0
    until: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "key_id": self.key_id,
            "public_key": self.public_key,
            "since": self.since,
            "until": self.until,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            key_id=fields["key_id"],
            public_key=fields["public_key"],
            since=fields["since"],
            until=fields["until"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device of a tenant's fleet: standing, keys, group, labels. Compacted by tenant/device; it changes by
    commands and enrolments alone.

    Attributes
    ----------
    tenant
        Owner of the device.
    device_id
        Name of the device, unique within the tenant.
    enrolment
        Standing of the device.
    keys
        Its keys, the newest last; at most 8.
    device_group
        Group of the device; empty for none.
    labels
        Labels of the device.
    who
        Person or program that changed it last; empty for the device itself.
    why
        Reason of the last change.
    published
        Record time at which this record was written, milliseconds.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"Device","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"device_id","type":"string","default":""},{"name":"enrolment","type":{"type":"enum","name":"Enrolment","symbols":["OPEN","ENROLLED","REVOKED","RETIRED"],"default":"OPEN"},"default":"OPEN"},{"name":"keys","type":{"type":"array","items":{"type":"record","name":"KnownKey","fields":[{"name":"key_id","type":"string","default":""},{"name":"public_key","type":"bytes","default":""},{"name":"since","type":"long","default":0},{"name":"until","type":["null","long"],"default":null}]}},"default":[]},{"name":"device_group","type":"string","default":""},{"name":"labels","type":{"type":"map","values":"string"},"default":{}},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""},{"name":"published","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.Device"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    device_id: str
    enrolment: Enrolment = Enrolment.OPEN
    keys: tuple[KnownKey, ...] = ()
    device_group: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    who: str = ""
    why: str = ""
    published: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "device_id": self.device_id,
            "enrolment": self.enrolment.value,
            "keys": [x.as_dict() for x in self.keys],
            "device_group": self.device_group,
            "labels": dict(self.labels),
            "who": self.who,
            "why": self.why,
            "published": self.published,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            device_id=fields["device_id"],
            enrolment=Enrolment(fields["enrolment"]),
            keys=tuple(KnownKey.from_dict(x) for x in fields["keys"]),
            device_group=fields["device_group"],
            labels=fields["labels"],
            who=fields["who"],
            why=fields["why"],
            published=fields["published"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceError:
    """Errors of one kind on a device, told at most once a minute.

    Attributes
    ----------
    tenant
        Owner of the device.
    device_id
        Name of the device, unique within the tenant.
    fingerprint
        Hash of the kind and the place of the error.
    kind
        Type of the error.
    message
        Newest message, cut to 1,000 characters.
    count
        Errors since the process started.
    first_seen
        Time of the first one, milliseconds of the device's clock.
    last_seen
        Time of the newest one, milliseconds of the device's clock.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"DeviceError","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"device_id","type":"string","default":""},{"name":"fingerprint","type":"string","default":""},{"name":"kind","type":"string","default":""},{"name":"message","type":"string","default":""},{"name":"count","type":"long","default":0},{"name":"first_seen","type":"long","default":0},{"name":"last_seen","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.DeviceError"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    device_id: str
    fingerprint: str = ""
    kind: str = ""
    message: str = ""
    count: int = 0
    first_seen: int = 0
    last_seen: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "device_id": self.device_id,
            "fingerprint": self.fingerprint,
            "kind": self.kind,
            "message": self.message,
            "count": self.count,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            device_id=fields["device_id"],
            fingerprint=fields["fingerprint"],
            kind=fields["kind"],
            message=fields["message"],
            count=fields["count"],
            first_seen=fields["first_seen"],
            last_seen=fields["last_seen"],
        )

    def fault(self) -> str:
        return ""


class Health(StrEnum):
    """UNHEARD: no heartbeat yet. ONLINE: heard lately. LATE: a heartbeat is overdue. LOST: not heard for long."""

    UNHEARD = "UNHEARD"
    ONLINE = "ONLINE"
    LATE = "LATE"
    LOST = "LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedStream:
    """State of one stream on a device, by the device's own report.

    Attributes
    ----------
    stream
        Name of the stream.
    version
        Version that serves; null for none.
    adapter
        Adapter that serves together with the version; null for none.
    requests
        Requests since the last heartbeat.
    rows
        Rows answered since the last heartbeat.
    failed
        Failed requests since the last heartbeat.
    p50_ms
        Median time of a request since the last heartbeat, milliseconds.
    p99_ms
        99th percentile of it, milliseconds.
    """

    stream: str = ""
    version: int | None = None
    adapter: int | None = None
    requests: int = 0
    rows: int = 0
    failed: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "version": self.version,
            "adapter": self.adapter,
            "requests": self.requests,
            "rows": self.rows,
            "failed": self.failed,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            stream=fields["stream"],
            version=fields["version"],
            adapter=fields["adapter"],
            requests=fields["requests"],
            rows=fields["rows"],
            failed=fields["failed"],
            p50_ms=fields["p50_ms"],
            p99_ms=fields["p99_ms"],
        )

    def fault(self) -> str:
        if self.version is not None:
            if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
                return "version"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """Health of a device at one time, by its own report.

    Attributes
    ----------
    instance
        Random id of the device's process. Two ids at a time mean two processes of one name.
    host
        Host name, for people.
    seq
        Number of the heartbeat within the process, from 0.
    sent_at
        Time of the device's clock, milliseconds.
    boot_epoch
        Number of the device's outbox.
    uptime_s
        Seconds since the process started.
    streams
        Streams that the device serves.
    outbox_rows
        Rows that wait in the outbox.
    outbox_age_s
        Age of the oldest waiting row, seconds; null for an empty outbox.
    cpu
        Processor share of the process since the last heartbeat, 1 for one core.
    rss
        Memory of the process, bytes.
    disk_free
        Free bytes on the disk of the data directory.
    temperature
        Highest temperature that the system tells, °C.
    clock_offset_ms
        Clock of the device minus clock of the broker, milliseconds.
    config_version
        Configuration that the device runs; 0 for none.
    config_refused
        Reason why a newer configuration is not applied; empty if it is.
    """

    instance: str = ""
    host: str = ""
    seq: int = 0
    sent_at: int = 0
    boot_epoch: int = 0
    uptime_s: float = 0.0
    streams: tuple[ServedStream, ...] = ()
    outbox_rows: int = 0
    outbox_age_s: float | None = None
    cpu: float | None = None
    rss: int | None = None
    disk_free: int | None = None
    temperature: float | None = None
    clock_offset_ms: float | None = None
    config_version: int = 0
    config_refused: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "instance": self.instance,
            "host": self.host,
            "seq": self.seq,
            "sent_at": self.sent_at,
            "boot_epoch": self.boot_epoch,
            "uptime_s": self.uptime_s,
            "streams": [x.as_dict() for x in self.streams],
            "outbox_rows": self.outbox_rows,
            "outbox_age_s": self.outbox_age_s,
            "cpu": self.cpu,
            "rss": self.rss,
            "disk_free": self.disk_free,
            "temperature": self.temperature,
            "clock_offset_ms": self.clock_offset_ms,
            "config_version": self.config_version,
            "config_refused": self.config_refused,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            instance=fields["instance"],
            host=fields["host"],
            seq=fields["seq"],
            sent_at=fields["sent_at"],
            boot_epoch=fields["boot_epoch"],
            uptime_s=fields["uptime_s"],
            streams=tuple(ServedStream.from_dict(x) for x in fields["streams"]),
            outbox_rows=fields["outbox_rows"],
            outbox_age_s=fields["outbox_age_s"],
            cpu=fields["cpu"],
            rss=fields["rss"],
            disk_free=fields["disk_free"],
            temperature=fields["temperature"],
            clock_offset_ms=fields["clock_offset_ms"],
            config_version=fields["config_version"],
            config_refused=fields["config_refused"],
        )

    def fault(self) -> str:
        for x in self.streams:
            if fault := x.fault():
                return f"streams.{fault}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceHealth:
    """Health of a device. Compacted by tenant/device; written when the health or its processes change, otherwise
    at most once a minute.

    Attributes
    ----------
    tenant
        Owner of the device.
    device_id
        Name of the device, unique within the tenant.
    health
        Health of the device.
    since
        Record time at which this health began, milliseconds.
    heard
        Record time of its newest heartbeat, milliseconds; 0 for none.
    vitals
        Vitals of its newest heartbeat when this was written; null before the first.
    twins
        Processes that use the name at the same time, as instance@host; empty for one process.
    published
        Record time at which this record was written, milliseconds.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"DeviceHealth","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"device_id","type":"string","default":""},{"name":"health","type":{"type":"enum","name":"Health","symbols":["UNHEARD","ONLINE","LATE","LOST"],"default":"UNHEARD"},"default":"UNHEARD"},{"name":"since","type":"long","default":0},{"name":"heard","type":"long","default":0},{"name":"vitals","type":["null",{"type":"record","name":"Vitals","fields":[{"name":"instance","type":"string","default":""},{"name":"host","type":"string","default":""},{"name":"seq","type":"long","default":0},{"name":"sent_at","type":"long","default":0},{"name":"boot_epoch","type":"long","default":0},{"name":"uptime_s","type":"double","default":0.0},{"name":"streams","type":{"type":"array","items":{"type":"record","name":"ServedStream","fields":[{"name":"stream","type":"string","default":""},{"name":"version","type":["null","int"],"default":null},{"name":"adapter","type":["null","long"],"default":null},{"name":"requests","type":"long","default":0},{"name":"rows","type":"long","default":0},{"name":"failed","type":"long","default":0},{"name":"p50_ms","type":["null","double"],"default":null},{"name":"p99_ms","type":["null","double"],"default":null}]}},"default":[]},{"name":"outbox_rows","type":"long","default":0},{"name":"outbox_age_s","type":["null","double"],"default":null},{"name":"cpu","type":["null","double"],"default":null},{"name":"rss","type":["null","long"],"default":null},{"name":"disk_free","type":["null","long"],"default":null},{"name":"temperature","type":["null","double"],"default":null},{"name":"clock_offset_ms","type":["null","double"],"default":null},{"name":"config_version","type":"long","default":0},{"name":"config_refused","type":"string","default":""}]}],"default":null},{"name":"twins","type":{"type":"array","items":"string"},"default":[]},{"name":"published","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.DeviceHealth"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    device_id: str
    health: Health = Health.UNHEARD
    since: int = 0
    heard: int = 0
    vitals: Vitals | None = None
    twins: tuple[str, ...] = ()
    published: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "device_id": self.device_id,
            "health": self.health.value,
            "since": self.since,
            "heard": self.heard,
            "vitals": None if self.vitals is None else self.vitals.as_dict(),
            "twins": list(self.twins),
            "published": self.published,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            device_id=fields["device_id"],
            health=Health(fields["health"]),
            since=fields["since"],
            heard=fields["heard"],
            vitals=None if fields["vitals"] is None else Vitals.from_dict(fields["vitals"]),
            twins=tuple(fields["twins"]),
            published=fields["published"],
        )

    def fault(self) -> str:
        if self.vitals is not None:
            if fault := self.vitals.fault():
                return f"vitals.{fault}"
        return ""


class DeviceStatus(StrEnum):
    """ONLINE: the device has started. INSTALLED: it serves version. REFUSED: it still serves version, and did not
    install refused_version."""

    ONLINE = "ONLINE"
    INSTALLED = "INSTALLED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """The version that a device runs, reported at every start and after every installation. Compacted by
    tenant/stream/device.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    boot_epoch
        Number of the device's outbox, 1 for the first, at most 1,000,000. A new outbox starts a new epoch and
        numbers its rows from 0 again.
    status
        Occasion of the report.
    version
        Version that serves; null for none.
    digest
        SHA-256 of its file, hex; null for none.
    refused_version
        Version that was refused; null for none.
    reason
        Typed reason: DIGEST, SIGNATURE, DEFINITION, OLDER, LOAD, MISSING, IMPOSSIBLE.
    message
        For people.
    takes_adapters
        Whether the device takes adapters.
    adapter
        Adapter that serves together with the version; null for none.
    refused_adapter
        Adapter that was refused; null for none.
    number
        Number of the report within the boot epoch, rising from 1 over all streams and restarts; 0 of an older
        release. A report that does not rise is a repeat.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"DeviceReport","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"boot_epoch","type":"long","default":0},{"name":"status","type":{"type":"enum","name":"DeviceStatus","symbols":["ONLINE","INSTALLED","REFUSED"],"default":"ONLINE"},"default":"ONLINE"},{"name":"version","type":["null","int"],"default":null},{"name":"digest","type":["null","string"],"default":null},{"name":"refused_version","type":["null","int"],"default":null},{"name":"reason","type":"string","default":""},{"name":"message","type":"string","default":""},{"name":"takes_adapters","type":"boolean","default":true},{"name":"adapter","type":["null","long"],"default":null},{"name":"refused_adapter","type":["null","long"],"default":null},{"name":"number","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.DeviceReport"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    device_id: str
    boot_epoch: int = 0
    status: DeviceStatus = DeviceStatus.ONLINE
    version: int | None = None
    digest: str | None = None
    refused_version: int | None = None
    reason: str = ""
    message: str = ""
    takes_adapters: bool = True
    adapter: int | None = None
    refused_adapter: int | None = None
    number: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "boot_epoch": self.boot_epoch,
            "status": self.status.value,
            "version": self.version,
            "digest": self.digest,
            "refused_version": self.refused_version,
            "reason": self.reason,
            "message": self.message,
            "takes_adapters": self.takes_adapters,
            "adapter": self.adapter,
            "refused_adapter": self.refused_adapter,
            "number": self.number,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            boot_epoch=fields["boot_epoch"],
            status=DeviceStatus(fields["status"]),
            version=fields["version"],
            digest=fields["digest"],
            refused_version=fields["refused_version"],
            reason=fields["reason"],
            message=fields["message"],
            takes_adapters=fields["takes_adapters"],
            adapter=fields["adapter"],
            refused_adapter=fields["refused_adapter"],
            number=fields["number"],
        )

    def fault(self) -> str:
        if self.version is not None:
            if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
                return "version"
        if self.refused_version is not None:
            if not -0x8000_0000 <= self.refused_version <= 0x7FFF_FFFF:
                return "refused_version"
        return ""


class EnrolmentMode(StrEnum):
    """NEW: a device that is not enrolled. ROTATE: a new key for an enrolled device; the old key ends. REPLACE: the
    same device with a new disk; its outbox starts a new epoch."""

    NEW = "NEW"
    ROTATE = "ROTATE"
    REPLACE = "REPLACE"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolDevice:
    """Command: a device's public key is admitted.

    Attributes
    ----------
    tenant
        Owner of the device.
    device_id
        Name of the device, unique within the tenant.
    command_id
        Id of the command; a repeat changes nothing.
    mode
        Occasion of the enrolment.
    public_key
        Ed25519 public key, 32 bytes.
    device_group
        Group of the device; empty for none.
    labels
        Labels of the device, such as site or hw.
    who
        Person or program that asks.
    why
        Reason given.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"EnrolDevice","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"device_id","type":"string","default":""},{"name":"command_id","type":"string","default":""},{"name":"mode","type":{"type":"enum","name":"EnrolmentMode","symbols":["NEW","ROTATE","REPLACE"],"default":"NEW"},"default":"NEW"},{"name":"public_key","type":"bytes","default":""},{"name":"device_group","type":"string","default":""},{"name":"labels","type":{"type":"map","values":"string"},"default":{}},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.EnrolDevice"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    device_id: str
    command_id: str = ""
    mode: EnrolmentMode = EnrolmentMode.NEW
    public_key: bytes = b""
    device_group: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    who: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "device_id": self.device_id,
            "command_id": self.command_id,
            "mode": self.mode.value,
            "public_key": self.public_key,
            "device_group": self.device_group,
            "labels": dict(self.labels),
            "who": self.who,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            device_id=fields["device_id"],
            command_id=fields["command_id"],
            mode=EnrolmentMode(fields["mode"]),
            public_key=fields["public_key"],
            device_group=fields["device_group"],
            labels=fields["labels"],
            who=fields["who"],
            why=fields["why"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRefused:
    """A command or a request about a device was refused; the old state stays in force.

    Attributes
    ----------
    tenant
        Owner of the device.
    device_id
        Name of the device; empty if the command names none.
    command_id
        Id of the refused command; empty for a device's request.
    key_id
        Key of the refused request, as SHA-256 of the public key, hex, first 16 digits; empty for a command.
    reason
        Typed reason: EXPIRED_TOKEN, USED_TOKEN, UNKNOWN_TOKEN, BAD_PROOF, BAD_KEY, KEY_IN_USE,
        ENROLLED_ALREADY, NOT_ENROLLED, REVOKED, RETIRED, UNKNOWN_DEVICE, IMPOSSIBLE, UNKNOWN_SCHEMA_VERSION.
    message
        For people.
    who
        Person or program that asked; empty for a device.
    at
        Record time of the decision, milliseconds.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"EnrolmentRefused","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"device_id","type":"string","default":""},{"name":"command_id","type":"string","default":""},{"name":"key_id","type":"string","default":""},{"name":"reason","type":"string","default":""},{"name":"message","type":"string","default":""},{"name":"who","type":"string","default":""},{"name":"at","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.EnrolmentRefused"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant',)
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    device_id: str = ""
    command_id: str = ""
    key_id: str = ""
    reason: str = ""
    message: str = ""
    who: str = ""
    at: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "device_id": self.device_id,
            "command_id": self.command_id,
            "key_id": self.key_id,
            "reason": self.reason,
            "message": self.message,
            "who": self.who,
            "at": self.at,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            device_id=fields["device_id"],
            command_id=fields["command_id"],
            key_id=fields["key_id"],
            reason=fields["reason"],
            message=fields["message"],
            who=fields["who"],
            at=fields["at"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRequest:
    """A device asks to be enrolled with a token.

    Attributes
    ----------
    tenant
        Owner of the device.
    device_id
        Name of the device, unique within the tenant.
    public_key
        Ed25519 public key of the device, 32 bytes.
    token_id
        Token that it holds.
    proof
        Signature of tenant, device and public key with the token's private key, 64 bytes.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"EnrolmentRequest","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"device_id","type":"string","default":""},{"name":"public_key","type":"bytes","default":""},{"name":"token_id","type":"string","default":""},{"name":"proof","type":"bytes","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.EnrolmentRequest"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    device_id: str
    public_key: bytes = b""
    token_id: str = ""
    proof: bytes = b""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "device_id": self.device_id,
            "public_key": self.public_key,
            "token_id": self.token_id,
            "proof": self.proof,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            device_id=fields["device_id"],
            public_key=fields["public_key"],
            token_id=fields["token_id"],
            proof=fields["proof"],
        )

    def fault(self) -> str:
        return ""


class ConfigScope(StrEnum):
    """TENANT: all devices of the tenant. GROUP: devices of a group. DEVICE: one device. The nearest scope wins,
    field by field."""

    TENANT = "TENANT"
    GROUP = "GROUP"
    DEVICE = "DEVICE"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceConfig:
    """Settings of devices. A null field keeps the value of the next wider scope, at last of the device's own
    settings.

    Attributes
    ----------
    sampling
        Share of answered rows that the device reports, above 0 and at most 1.
    outbox_rows
        Rows that the outbox keeps at most.
    outbox_bytes
        Bytes that the outbox keeps at most.
    streams
        Streams that the device serves.
    log_level
        Log level: DEBUG, INFO, WARNING or ERROR.
    heartbeat_s
        Seconds between heartbeats, 1 to 3,600.
    bandwidth
        Bytes a second that the device sends at most.
    """

    sampling: float | None = None
    outbox_rows: int | None = None
    outbox_bytes: int | None = None
    streams: tuple[str, ...] | None = None
    log_level: str | None = None
    heartbeat_s: float | None = None
    bandwidth: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "sampling": self.sampling,
            "outbox_rows": self.outbox_rows,
            "outbox_bytes": self.outbox_bytes,
            "streams": None if self.streams is None else list(self.streams),
            "log_level": self.log_level,
            "heartbeat_s": self.heartbeat_s,
            "bandwidth": self.bandwidth,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            sampling=fields["sampling"],
            outbox_rows=fields["outbox_rows"],
            outbox_bytes=fields["outbox_bytes"],
            streams=None if fields["streams"] is None else tuple(fields["streams"]),
            log_level=fields["log_level"],
            heartbeat_s=fields["heartbeat_s"],
            bandwidth=fields["bandwidth"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetConfig:
    """Configuration of one scope. Compacted by tenant/scope/name.

    Attributes
    ----------
    tenant
        Owner of the device.
    scope
        Devices concerned.
    name
        Name of the group or device; empty for TENANT.
    version
        Number of the configuration, rising over all scopes of a tenant.
    schema_version
        Version of the configuration's meaning.
    withdrawn
        True if it was withdrawn; all settings are then null.
    config
        Settings.
    who
        Person or program that asks.
    why
        Reason given.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"FleetConfig","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"scope","type":{"type":"enum","name":"ConfigScope","symbols":["TENANT","GROUP","DEVICE"],"default":"TENANT"},"default":"TENANT"},{"name":"name","type":"string","default":""},{"name":"version","type":"long","default":0},{"name":"schema_version","type":"int","default":1},{"name":"withdrawn","type":"boolean","default":false},{"name":"config","type":{"type":"record","name":"DeviceConfig","fields":[{"name":"sampling","type":["null","double"],"default":null},{"name":"outbox_rows","type":["null","long"],"default":null},{"name":"outbox_bytes","type":["null","long"],"default":null},{"name":"streams","type":["null",{"type":"array","items":"string"}],"default":null},{"name":"log_level","type":["null","string"],"default":null},{"name":"heartbeat_s","type":["null","double"],"default":null},{"name":"bandwidth","type":["null","long"],"default":null}]},"default":{"sampling":null,"outbox_rows":null,"outbox_bytes":null,"streams":null,"log_level":null,"heartbeat_s":null,"bandwidth":null}},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.FleetConfig"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant',)
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    scope: ConfigScope = ConfigScope.TENANT
    name: str = ""
    version: int = 0
    schema_version: int = 1
    withdrawn: bool = False
    config: DeviceConfig = field(default_factory=lambda: DeviceConfig())
    who: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "scope": self.scope.value,
            "name": self.name,
            "version": self.version,
            "schema_version": self.schema_version,
            "withdrawn": self.withdrawn,
            "config": self.config.as_dict(),
            "who": self.who,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            scope=ConfigScope(fields["scope"]),
            name=fields["name"],
            version=fields["version"],
            schema_version=fields["schema_version"],
            withdrawn=fields["withdrawn"],
            config=DeviceConfig.from_dict(fields["config"]),
            who=fields["who"],
            why=fields["why"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.schema_version <= 0x7FFF_FFFF:
            return "schema_version"
        return ""


class Admission(StrEnum):
    """OPEN: a device is whoever uses its name. ENROLLED: only signed records of enrolled devices are admitted."""

    OPEN = "OPEN"
    ENROLLED = "ENROLLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPolicy:
    """Policy of a tenant's fleet. Compacted by tenant/policy.

    Attributes
    ----------
    tenant
        Owner of the device.
    admission
        Who may speak.
    late_s
        Seconds without a heartbeat after which a device is late.
    lost_s
        Seconds without a heartbeat after which a device is lost.
    who
        Person or program that asks.
    why
        Reason given.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"FleetPolicy","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"admission","type":{"type":"enum","name":"Admission","symbols":["OPEN","ENROLLED"],"default":"OPEN"},"default":"OPEN"},{"name":"late_s","type":"double","default":30.0},{"name":"lost_s","type":"double","default":600.0},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.FleetPolicy"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant',)
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    admission: Admission = Admission.OPEN
    late_s: float = 30.0
    lost_s: float = 600.0
    who: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "admission": self.admission.value,
            "late_s": self.late_s,
            "lost_s": self.lost_s,
            "who": self.who,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            admission=Admission(fields["admission"]),
            late_s=fields["late_s"],
            lost_s=fields["lost_s"],
            who=fields["who"],
            why=fields["why"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetTick:
    """The time of the fleet: devices that are not heard are judged by the record time of ticks. A tick lies behind
    every heartbeat that came before it.

    Attributes
    ----------
    source
        Program that wrote it.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"FleetTick","namespace":"edgeloop.fleet","fields":[{"name":"source","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.FleetTick"
    IDENTITY: ClassVar[tuple[str, ...]] = ('source',)
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    source: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "source": self.source,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            source=fields["source"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetToken:
    """State of a token for enrolment.

    Attributes
    ----------
    tenant
        Owner of the device.
    token_id
        Id of the token.
    public_key
        Ed25519 public key of the token.
    uses
        Devices that may still enrol.
    expires
        Record time at which it ends, milliseconds.
    device_group
        Group of the devices.
    labels
        Labels of the devices.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"FleetToken","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"token_id","type":"string","default":""},{"name":"public_key","type":"bytes","default":""},{"name":"uses","type":"int","default":0},{"name":"expires","type":"long","default":0},{"name":"device_group","type":"string","default":""},{"name":"labels","type":{"type":"map","values":"string"},"default":{}}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.FleetToken"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant',)
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    token_id: str = ""
    public_key: bytes = b""
    uses: int = 0
    expires: int = 0
    device_group: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "token_id": self.token_id,
            "public_key": self.public_key,
            "uses": self.uses,
            "expires": self.expires,
            "device_group": self.device_group,
            "labels": dict(self.labels),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            token_id=fields["token_id"],
            public_key=fields["public_key"],
            uses=fields["uses"],
            expires=fields["expires"],
            device_group=fields["device_group"],
            labels=fields["labels"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.uses <= 0x7FFF_FFFF:
            return "uses"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Health of a device, sent every 10 s.

    Attributes
    ----------
    tenant
        Owner of the device.
    device_id
        Name of the device, unique within the tenant.
    vitals
        Health.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"Heartbeat","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"device_id","type":"string","default":""},{"name":"vitals","type":{"type":"record","name":"Vitals","fields":[{"name":"instance","type":"string","default":""},{"name":"host","type":"string","default":""},{"name":"seq","type":"long","default":0},{"name":"sent_at","type":"long","default":0},{"name":"boot_epoch","type":"long","default":0},{"name":"uptime_s","type":"double","default":0.0},{"name":"streams","type":{"type":"array","items":{"type":"record","name":"ServedStream","fields":[{"name":"stream","type":"string","default":""},{"name":"version","type":["null","int"],"default":null},{"name":"adapter","type":["null","long"],"default":null},{"name":"requests","type":"long","default":0},{"name":"rows","type":"long","default":0},{"name":"failed","type":"long","default":0},{"name":"p50_ms","type":["null","double"],"default":null},{"name":"p99_ms","type":["null","double"],"default":null}]}},"default":[]},{"name":"outbox_rows","type":"long","default":0},{"name":"outbox_age_s","type":["null","double"],"default":null},{"name":"cpu","type":["null","double"],"default":null},{"name":"rss","type":["null","long"],"default":null},{"name":"disk_free","type":["null","long"],"default":null},{"name":"temperature","type":["null","double"],"default":null},{"name":"clock_offset_ms","type":["null","double"],"default":null},{"name":"config_version","type":"long","default":0},{"name":"config_refused","type":"string","default":""}]},"default":{"instance":"","host":"","seq":0,"sent_at":0,"boot_epoch":0,"uptime_s":0.0,"streams":[],"outbox_rows":0,"outbox_age_s":null,"cpu":null,"rss":null,"disk_free":null,"temperature":null,"clock_offset_ms":null,"config_version":0,"config_refused":""}}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.Heartbeat"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    device_id: str
    vitals: Vitals = field(default_factory=lambda: Vitals())

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "device_id": self.device_id,
            "vitals": self.vitals.as_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            device_id=fields["device_id"],
            vitals=Vitals.from_dict(fields["vitals"]),
        )

    def fault(self) -> str:
        if fault := self.vitals.fault():
            return f"vitals.{fault}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueToken:
    """Command: devices that hold a token's private key may enrol themselves. The token itself never lies in Kafka.

    Attributes
    ----------
    tenant
        Owner of the device.
    token_id
        SHA-256 of the token's public key, hex, first 16 digits.
    command_id
        Id of the command; a repeat changes nothing.
    public_key
        Ed25519 public key of the token, 32 bytes.
    uses
        Number of devices that may enrol with it, at least 1.
    expires
        Record time at which it ends, milliseconds.
    device_group
        Group of the devices that enrol with it; empty for none.
    labels
        Labels of the devices that enrol with it.
    who
        Person or program that asks.
    why
        Reason given.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"IssueToken","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"token_id","type":"string","default":""},{"name":"command_id","type":"string","default":""},{"name":"public_key","type":"bytes","default":""},{"name":"uses","type":"int","default":1},{"name":"expires","type":"long","default":0},{"name":"device_group","type":"string","default":""},{"name":"labels","type":{"type":"map","values":"string"},"default":{}},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.IssueToken"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'token_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    token_id: str
    command_id: str = ""
    public_key: bytes = b""
    uses: int = 1
    expires: int = 0
    device_group: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    who: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "token_id": self.token_id,
            "command_id": self.command_id,
            "public_key": self.public_key,
            "uses": self.uses,
            "expires": self.expires,
            "device_group": self.device_group,
            "labels": dict(self.labels),
            "who": self.who,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            token_id=fields["token_id"],
            command_id=fields["command_id"],
            public_key=fields["public_key"],
            uses=fields["uses"],
            expires=fields["expires"],
            device_group=fields["device_group"],
            labels=fields["labels"],
            who=fields["who"],
            why=fields["why"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.uses <= 0x7FFF_FFFF:
            return "uses"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardProcess:
    """One process that used a device's name.

    Attributes
    ----------
    instance
        Random id of the process.
    host
        Host name, for people.
    seq
        Number of its newest heartbeat.
    heard
        Record time of it, milliseconds.
    """

    instance: str = ""
    host: str = ""
    seq: int = 0
    heard: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "instance": self.instance,
            "host": self.host,
            "seq": self.seq,
            "heard": self.heard,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            instance=fields["instance"],
            host=fields["host"],
            seq=fields["seq"],
            heard=fields["heard"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberProcesses:
    """State of the fleet: processes that sent heartbeats in a device's name.

    Attributes
    ----------
    heard
        Record time of the newest heartbeat, milliseconds.
    processes
        Its processes, the newest last; at most 8.
    twins_at
        Record time at which a former process was last heard again; 0 if none was.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"MemberProcesses","namespace":"edgeloop.fleet","fields":[{"name":"heard","type":"long","default":0},{"name":"processes","type":{"type":"array","items":{"type":"record","name":"HeardProcess","fields":[{"name":"instance","type":"string","default":""},{"name":"host","type":"string","default":""},{"name":"seq","type":"long","default":0},{"name":"heard","type":"long","default":0}]}},"default":[]},{"name":"twins_at","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.MemberProcesses"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    heard: int = 0
    processes: tuple[HeardProcess, ...] = ()
    twins_at: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "heard": self.heard,
            "processes": [x.as_dict() for x in self.processes],
            "twins_at": self.twins_at,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            heard=fields["heard"],
            processes=tuple(HeardProcess.from_dict(x) for x in fields["processes"]),
            twins_at=fields["twins_at"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCommand:
    """State of the fleet: a command that was decided; a repeat changes nothing.

    Attributes
    ----------
    at
        Record time of the decision, milliseconds.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"SeenCommand","namespace":"edgeloop.fleet","fields":[{"name":"at","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.SeenCommand"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    at: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "at": self.at,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            at=fields["at"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAdmission:
    """Command: policy of a tenant's fleet.

    Attributes
    ----------
    tenant
        Owner of the device.
    command_id
        Id of the command; a repeat changes nothing.
    admission
        Who may speak.
    late_s
        Seconds without a heartbeat after which a device is late.
    lost_s
        Seconds without a heartbeat after which a device is lost.
    who
        Person or program that asks.
    why
        Reason given.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"SetAdmission","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"command_id","type":"string","default":""},{"name":"admission","type":{"type":"enum","name":"Admission","symbols":["OPEN","ENROLLED"],"default":"OPEN"},"default":"OPEN"},{"name":"late_s","type":"double","default":30.0},{"name":"lost_s","type":"double","default":600.0},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.SetAdmission"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant',)
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    command_id: str = ""
    admission: Admission = Admission.OPEN
    late_s: float = 30.0
    lost_s: float = 600.0
    who: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "command_id": self.command_id,
            "admission": self.admission.value,
            "late_s": self.late_s,
            "lost_s": self.lost_s,
            "who": self.who,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            command_id=fields["command_id"],
            admission=Admission(fields["admission"]),
            late_s=fields["late_s"],
            lost_s=fields["lost_s"],
            who=fields["who"],
            why=fields["why"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetConfig:
    """Command: configure the devices of a tenant, of a group, or one device.

    Attributes
    ----------
    tenant
        Owner of the device.
    command_id
        Id of the command; a repeat changes nothing.
    scope
        Devices concerned.
    name
        Name of the group or device; empty for TENANT.
    schema_version
        Version of the configuration's meaning, 1. Another version is refused.
    withdrawn
        True to withdraw the configuration of this scope.
    config
        Settings; all of the scope, not a change of them.
    who
        Person or program that asks.
    why
        Reason given.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"SetConfig","namespace":"edgeloop.fleet","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"command_id","type":"string","default":""},{"name":"scope","type":{"type":"enum","name":"ConfigScope","symbols":["TENANT","GROUP","DEVICE"],"default":"TENANT"},"default":"TENANT"},{"name":"name","type":"string","default":""},{"name":"schema_version","type":"int","default":1},{"name":"withdrawn","type":"boolean","default":false},{"name":"config","type":{"type":"record","name":"DeviceConfig","fields":[{"name":"sampling","type":["null","double"],"default":null},{"name":"outbox_rows","type":["null","long"],"default":null},{"name":"outbox_bytes","type":["null","long"],"default":null},{"name":"streams","type":["null",{"type":"array","items":"string"}],"default":null},{"name":"log_level","type":["null","string"],"default":null},{"name":"heartbeat_s","type":["null","double"],"default":null},{"name":"bandwidth","type":["null","long"],"default":null}]},"default":{"sampling":null,"outbox_rows":null,"outbox_bytes":null,"streams":null,"log_level":null,"heartbeat_s":null,"bandwidth":null}},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.fleet.SetConfig"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant',)
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    command_id: str = ""
    scope: ConfigScope = ConfigScope.TENANT
    name: str = ""
    schema_version: int = 1
    withdrawn: bool = False
    config: DeviceConfig = field(default_factory=lambda: DeviceConfig())
    who: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "command_id": self.command_id,
            "scope": self.scope.value,
            "name": self.name,
            "schema_version": self.schema_version,
            "withdrawn": self.withdrawn,
            "config": self.config.as_dict(),
            "who": self.who,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            command_id=fields["command_id"],
            scope=ConfigScope(fields["scope"]),
            name=fields["name"],
            schema_version=fields["schema_version"],
            withdrawn=fields["withdrawn"],
            config=DeviceConfig.from_dict(fields["config"]),
            who=fields["who"],
            why=fields["why"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.schema_version <= 0x7FFF_FFFF:
            return "schema_version"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A service has passed over records that were deleted before it handled them. Caused by the Skip.

    Attributes
    ----------
    service
        Service that reads the input.
    topic
        Topic.
    partition
        Partition.
    first
        First offset that was not handled.
    end
        Offset after the last one that was not handled.
    who
        Person who asked for the skip.
    why
        Reason given by the person.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"Gap","namespace":"edgeloop.gap","fields":[{"name":"service","type":"string","default":""},{"name":"topic","type":"string","default":""},{"name":"partition","type":"int","default":0},{"name":"first","type":"long","default":0},{"name":"end","type":"long","default":0},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.gap.Gap"
    IDENTITY: ClassVar[tuple[str, ...]] = ('service', 'topic', 'partition')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    service: str
    topic: str
    partition: int
    first: int = 0
    end: int = 0
    who: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "topic": self.topic,
            "partition": self.partition,
            "first": self.first,
            "end": self.end,
            "who": self.who,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            service=fields["service"],
            topic=fields["topic"],
            partition=fields["partition"],
            first=fields["first"],
            end=fields["end"],
            who=fields["who"],
            why=fields["why"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.partition <= 0x7FFF_FFFF:
            return "partition"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Command: a service passes over records that were deleted before it handled them. It holds for this range
    alone.

    Attributes
    ----------
    service
        Service that reads the input.
    topic
        Topic.
    partition
        Partition.
    first
        First deleted offset, at which the service is halted.
    end
        Offset at which the service continues.
    who
        Person who asks.
    why
        Reason given by the person.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"Skip","namespace":"edgeloop.gap","fields":[{"name":"service","type":"string","default":""},{"name":"topic","type":"string","default":""},{"name":"partition","type":"int","default":0},{"name":"first","type":"long","default":0},{"name":"end","type":"long","default":0},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.gap.Skip"
    IDENTITY: ClassVar[tuple[str, ...]] = ('service', 'topic', 'partition')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    service: str
    topic: str
    partition: int
    first: int = 0
    end: int = 0
    who: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "topic": self.topic,
            "partition": self.partition,
            "first": self.first,
            "end": self.end,
            "who": self.who,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            service=fields["service"],
            topic=fields["topic"],
            partition=fields["partition"],
            first=fields["first"],
            end=fields["end"],
            who=fields["who"],
            why=fields["why"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.partition <= 0x7FFF_FFFF:
            return "partition"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDoubted:
    """Records under a device's name that cannot all be from that device. One event per transaction, device and
    reason.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    reason
        NUMBER_TAKEN, ID_TAKEN, FORGOTTEN_EPOCH, TOO_MANY_EPOCHS: as of the dead letters; OTHER_KEY: the
        message key names another device.
    message
        Fault of the first of them.
    records
        Number of such records in the transaction.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"DeviceDoubted","namespace":"edgeloop.ingestion","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"reason","type":"string","default":""},{"name":"message","type":"string","default":""},{"name":"records","type":"int","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.ingestion.DeviceDoubted"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    device_id: str
    reason: str = ""
    message: str = ""
    records: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "reason": self.reason,
            "message": self.message,
            "records": self.records,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            reason=fields["reason"],
            message=fields["message"],
            records=fields["records"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.records <= 0x7FFF_FFFF:
            return "records"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenContents:
    """Digests of 128 neighbouring rows of one device. Keyed tenant/stream/device/epoch/slot; a newer block takes
    the slot of an older one, and the newest of all is in SeenRows.

    Attributes
    ----------
    block
        Row i of the block has sequence number 128 * block + i.
    digests
        Digest of each row's contents, 4 bytes, little-endian. 0 for a row that has not arrived; trailing
        zeros are left out.
    ids
        Digest of each row's id, 8 bytes, little-endian. Empty if rows have their own sequence numbers.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"SeenContents","namespace":"edgeloop.ingestion","fields":[{"name":"block","type":"long","default":0},{"name":"digests","type":"bytes","default":""},{"name":"ids","type":"bytes","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.ingestion.SeenContents"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    block: int = 0
    digests: bytes = b""
    ids: bytes = b""

    def as_dict(self) -> dict[str, Any]:
        return {
            "block": self.block,
            "digests": self.digests,
            "ids": self.ids,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            block=fields["block"],
            digests=fields["digests"],
            ids=fields["ids"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEpochs:
    """Forgotten boot epochs of one device, and the start times of the newest epochs.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    starts
        First epoch of each range of forgotten epochs, ascending.
    ends
        Epoch after each range.
    began
        Record times at which the newest epochs started, ms.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"SeenEpochs","namespace":"edgeloop.ingestion","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"starts","type":{"type":"array","items":"long"},"default":[]},{"name":"ends","type":{"type":"array","items":"long"},"default":[]},{"name":"began","type":{"type":"array","items":"long"},"default":[]}]}'
    FULLNAME: ClassVar[str] = "edgeloop.ingestion.SeenEpochs"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str = "default"
    stream: str = ""
    device_id: str = ""
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    began: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "starts": list(self.starts),
            "ends": list(self.ends),
            "began": list(self.began),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            starts=tuple(fields["starts"]),
            ends=tuple(fields["ends"]),
            began=tuple(fields["began"]),
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRows:
    """Rows of one device that ingestion has accepted, in one epoch.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    boot_epoch
        Number of the device's outbox, 1 for the first. A new outbox starts a new epoch and numbers its rows
        from 0 again. -1: rows without sequence numbers of their own, numbered by ingestion.
    starts
        First sequence number of each range of accepted rows, ascending.
    ends
        Sequence number after each range.
    used
        Number of the transaction that last accepted a row.
    differs
        True if the newest repeated row that could be compared had other contents.
    digests
        Digests of the rows of the newest block of 128 sequence numbers, as in SeenContents.
    ids
        Their ids, as in SeenContents.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"SeenRows","namespace":"edgeloop.ingestion","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"boot_epoch","type":"long","default":0},{"name":"starts","type":{"type":"array","items":"long"},"default":[]},{"name":"ends","type":{"type":"array","items":"long"},"default":[]},{"name":"used","type":"long","default":0},{"name":"differs","type":"boolean","default":false},{"name":"digests","type":"bytes","default":""},{"name":"ids","type":"bytes","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.ingestion.SeenRows"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str = "default"
    stream: str = ""
    device_id: str = ""
    boot_epoch: int = 0
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    used: int = 0
    differs: bool = False
    digests: bytes = b""
    ids: bytes = b""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "boot_epoch": self.boot_epoch,
            "starts": list(self.starts),
            "ends": list(self.ends),
            "used": self.used,
            "differs": self.differs,
            "digests": self.digests,
            "ids": self.ids,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            boot_epoch=fields["boot_epoch"],
            starts=tuple(fields["starts"]),
            ends=tuple(fields["ends"]),
            used=fields["used"],
            differs=fields["differs"],
            digests=fields["digests"],
            ids=fields["ids"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSamples:
    """Digests of sampled rows of one device and epoch. Repeated rows older than the newest blocks are compared
    with them. Keyed tenant/stream/device/epoch.

    Attributes
    ----------
    stride
        Rows are sampled if their sequence number is a multiple of it. It doubles when there are too many
        samples.
    seqs
        Sampled sequence numbers.
    digests
        Digest of each sampled row's contents, 4 bytes, little-endian.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"SeenSamples","namespace":"edgeloop.ingestion","fields":[{"name":"stride","type":"long","default":256},{"name":"seqs","type":{"type":"array","items":"long"},"default":[]},{"name":"digests","type":"bytes","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.ingestion.SeenSamples"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    stride: int = 256
    seqs: tuple[int, ...] = ()
    digests: bytes = b""

    def as_dict(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "seqs": list(self.seqs),
            "digests": self.digests,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            stride=fields["stride"],
            seqs=tuple(fields["seqs"]),
            digests=fields["digests"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleBatch:
    """Observations joined with their labels, in the order in which the pairs became complete.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    boot_epoch
        Number of the device's outbox, 1 for the first. A new outbox starts a new epoch and numbers its rows
        from 0 again. -1: rows without sequence numbers of their own, numbered by ingestion.
    first_index
        Number of examples of this stream before this batch in this partition. Example i of the batch has
        index first_index + i.
    seqs
        Sequence number of each example.
    features
        count × F little-endian float32, as in ObservationBatch.
    labels
        Label of each example: a class or a number, as text.
    answers
        Answer of the device to each example; empty text if no model answered.
    model_versions
        Version that answered each example; 0 if no model answered.
    corrects
        True if these repeat earlier examples with a newer label. A reader of rows replaces the earlier ones;
        a detector skips them.
    adapters
        Adapter that answered each example together with the version, 0 for none. Empty if none has one.
    answers_alone
        Answer of the version without its adapter to each row; empty text if the same as in answers. Empty if
        the same for all.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"ExampleBatch","namespace":"edgeloop.label","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"boot_epoch","type":"long","default":0},{"name":"first_index","type":"long","default":0},{"name":"seqs","type":{"type":"array","items":"long"},"default":[]},{"name":"features","type":"bytes","default":""},{"name":"labels","type":{"type":"array","items":"string"},"default":[]},{"name":"answers","type":{"type":"array","items":"string"},"default":[]},{"name":"model_versions","type":{"type":"array","items":"int"},"default":[]},{"name":"corrects","type":"boolean","default":false},{"name":"adapters","type":{"type":"array","items":"long"},"default":[]},{"name":"answers_alone","type":{"type":"array","items":"string"},"default":[]}]}'
    FULLNAME: ClassVar[str] = "edgeloop.label.ExampleBatch"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    device_id: str
    boot_epoch: int = 0
    first_index: int = 0
    seqs: tuple[int, ...] = ()
    features: bytes = b""
    labels: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    model_versions: tuple[int, ...] = ()
    corrects: bool = False
    adapters: tuple[int, ...] = ()
    answers_alone: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "boot_epoch": self.boot_epoch,
            "first_index": self.first_index,
            "seqs": list(self.seqs),
            "features": self.features,
            "labels": list(self.labels),
            "answers": list(self.answers),
            "model_versions": list(self.model_versions),
            "corrects": self.corrects,
            "adapters": list(self.adapters),
            "answers_alone": list(self.answers_alone),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            boot_epoch=fields["boot_epoch"],
            first_index=fields["first_index"],
            seqs=tuple(fields["seqs"]),
            features=fields["features"],
            labels=tuple(fields["labels"]),
            answers=tuple(fields["answers"]),
            model_versions=tuple(fields["model_versions"]),
            corrects=fields["corrects"],
            adapters=tuple(fields["adapters"]),
            answers_alone=tuple(fields["answers_alone"]),
        )

    def fault(self) -> str:
        for x in self.model_versions:
            if not -0x8000_0000 <= x <= 0x7FFF_FFFF:
                return "model_versions"
        return ""

    ROW_FIELDS: ClassVar[Mapping[str, PerRow]] = {"first_index": PerRow.FIRST, "seqs": PerRow.EACH, "features": PerRow.PACKED, "labels": PerRow.EACH, "answers": PerRow.EACH, "model_versions": PerRow.EACH, "adapters": PerRow.OPTIONAL, "answers_alone": PerRow.OPTIONAL}
    SHARED: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id', 'boot_epoch', 'corrects')

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.seqs)

    @property
    def row_texts(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Fields of one text a row: what the text is called, and the texts."""
        return (("label", self.labels), ("answer", self.answers), ("answer alone", self.answers_alone))

    @property
    def row_bytes(self) -> int:
        """Upper bound of the bytes of one row in Avro."""
        return len(self.features) // self.rows + 4 * longest(self.labels) + 4 * longest(self.answers) + 4 * longest(self.answers_alone) + 39

    def row_features(self, row: int) -> bytes:
        """Packed features of one row."""
        width = len(self.features) // self.rows
        return self.features[row * width : (row + 1) * width]

    def slice(self, first: int, end: int) -> Self:
        """Rows ``[first, end)``."""
        if first == 0 and end == self.rows:
            return self
        features_width = len(self.features) // self.rows
        return type(self)(
            tenant=self.tenant,
            stream=self.stream,
            device_id=self.device_id,
            boot_epoch=self.boot_epoch,
            first_index=number_of(self.first_index, first),
            seqs=self.seqs[first:end],
            features=self.features[first * features_width : end * features_width],
            labels=self.labels[first:end],
            answers=self.answers[first:end],
            model_versions=self.model_versions[first:end],
            corrects=self.corrects,
            adapters=not_empty(self.adapters[first:end]),
            answers_alone=not_empty(self.answers_alone[first:end]),
        )

    def follows(self, before: Self) -> bool:
        """True if this batch continues ``before``: equal shared fields, consecutive numbers, rows of equal width."""
        return (
            self.tenant == before.tenant
            and self.stream == before.stream
            and self.device_id == before.device_id
            and self.boot_epoch == before.boot_epoch
            and self.corrects == before.corrects
            and self.first_index == number_of(before.first_index, before.rows)
            and len(self.features) * before.rows == len(before.features) * self.rows
        )

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Batches that follow one another as one; raises ``ValueError`` if they do not."""
        head = parts[0]
        if len(parts) == 1:
            return head
        check_consecutive(parts)
        return cls(
            tenant=head.tenant,
            stream=head.stream,
            device_id=head.device_id,
            boot_epoch=head.boot_epoch,
            first_index=head.first_index,
            seqs=tuple(x for part in parts for x in part.seqs),
            features=b"".join([part.features for part in parts]),
            labels=tuple(x for part in parts for x in part.labels),
            answers=tuple(x for part in parts for x in part.answers),
            model_versions=tuple(x for part in parts for x in part.model_versions),
            corrects=head.corrects,
            adapters=joined([(part.adapters, part.rows) for part in parts], 0),
            answers_alone=joined([(part.answers_alone, part.rows) for part in parts], ""),
        )

    @staticmethod
    def shared_of(batch: ObservationBatch) -> tuple[object, ...]:
        """Shared fields of rows that go into one batch."""
        return (batch.tenant, batch.stream, batch.device_id, batch.boot_epoch,)

    @classmethod
    def from_rows(cls, rows: Sequence[tuple[ObservationBatch, int]], *, first_index: int, labels: tuple[str, ...], corrects: bool) -> Self:
        """Rows by their places in batches that agree in :meth:`shared_of`, with what ObservationBatch does not hold."""
        head = rows[0][0]
        return cls(
            tenant=head.tenant,
            stream=head.stream,
            device_id=head.device_id,
            boot_epoch=head.boot_epoch,
            first_index=first_index,
            seqs=tuple([number_of(batch.first_seq, row) for batch, row in rows]),
            features=b"".join([batch.row_features(row) for batch, row in rows]),
            labels=labels,
            answers=tuple([batch.answers[row] if batch.answers else "" for batch, row in rows]),
            model_versions=tuple([batch.model_version for batch, _ in rows]),
            corrects=corrects,
            adapters=not_empty(tuple([batch.adapter for batch, _ in rows])),
            answers_alone=not_empty(tuple([batch.answers_alone[row] if batch.answers_alone else "" for batch, row in rows])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinState:
    """Progress of the label join of one partition. Under the empty key: its position in observations. Under
    tenant/stream: the number of that stream's examples.

    Attributes
    ----------
    low_water
        Offset in observations from which pending rows are rebuilt; older rows have expired.
    position
        Offset in observations after the last record handled.
    last_offset
        Offset of the newest pending record; null before the first.
    last_id
        ce_id of the newest pending record, null before the first: tells whether a cache on disk belongs to
        this log.
    examples
        Examples emitted so far into this partition, corrections included.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"JoinState","namespace":"edgeloop.label","fields":[{"name":"low_water","type":"long","default":0},{"name":"position","type":"long","default":0},{"name":"last_offset","type":["null","long"],"default":null},{"name":"last_id","type":["null","string"],"default":null},{"name":"examples","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.label.JoinState"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    low_water: int = 0
    position: int = 0
    last_offset: int | None = None
    last_id: str | None = None
    examples: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "low_water": self.low_water,
            "position": self.position,
            "last_offset": self.last_offset,
            "last_id": self.last_id,
            "examples": self.examples,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            low_water=fields["low_water"],
            position=fields["position"],
            last_offset=fields["last_offset"],
            last_id=fields["last_id"],
            examples=fields["examples"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The truth about one observation. It names the device and either the sequence number or the request id.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    boot_epoch
        Epoch of the observation. With a request id, 0 means any epoch. Rows without sequence numbers are
        found in every epoch.
    seq
        Sequence number of the observation; -1 if request_id names it.
    request_id
        Request id of the observation; empty if seq names it.
    label
        The true class or number, as text.
    event_time
        Time at which the truth was found, milliseconds since 1970; 0 if unknown.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"Label","namespace":"edgeloop.label","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"boot_epoch","type":"long","default":0},{"name":"seq","type":"long","default":-1},{"name":"request_id","type":"string","default":""},{"name":"label","type":"string","default":""},{"name":"event_time","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.label.Label"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = (('seq', 'boot_epoch'), ('request_id',))
    UNKNOWN: ClassVar[tuple[str, ...]] = ('boot_epoch', 'seq', 'request_id', 'event_time')

    tenant: str
    stream: str
    device_id: str
    boot_epoch: int = 0
    seq: int = -1
    request_id: str = ""
    label: str = ""
    event_time: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "boot_epoch": self.boot_epoch,
            "seq": self.seq,
            "request_id": self.request_id,
            "label": self.label,
            "event_time": self.event_time,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            boot_epoch=fields["boot_epoch"],
            seq=fields["seq"],
            request_id=fields["request_id"],
            label=fields["label"],
            event_time=fields["event_time"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelContradicted:
    """A later label differs from the one that an observation already had; the later one wins.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    boot_epoch
        Number of the device's outbox, 1 for the first. A new outbox starts a new epoch and numbers its rows
        from 0 again. -1: rows without sequence numbers of their own, numbered by ingestion.
    seq
        Sequence number of the observation.
    previous
        The label until now.
    label
        The label from now on.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"LabelContradicted","namespace":"edgeloop.label","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"boot_epoch","type":"long","default":0},{"name":"seq","type":"long","default":0},{"name":"previous","type":"string","default":""},{"name":"label","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.label.LabelContradicted"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    device_id: str
    boot_epoch: int = 0
    seq: int = 0
    previous: str = ""
    label: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "boot_epoch": self.boot_epoch,
            "seq": self.seq,
            "previous": self.previous,
            "label": self.label,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            boot_epoch=fields["boot_epoch"],
            seq=fields["seq"],
            previous=fields["previous"],
            label=fields["label"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRows:
    """Labels already joined to one block of 128 rows of a device, as long as the block holds rows within the
    horizon. Keyed tenant/stream/device/epoch/block.

    Attributes
    ----------
    labels
        The different labels of the block, in the order of their first use.
    codes
        One byte a row: 0 for none, else 1 + index into labels; trailing rows without a label are left out.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"LabelledRows","namespace":"edgeloop.label","fields":[{"name":"labels","type":{"type":"array","items":"string"},"default":[]},{"name":"codes","type":"bytes","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.label.LabelledRows"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    labels: tuple[str, ...] = ()
    codes: bytes = b""

    def as_dict(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "codes": self.codes,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            labels=tuple(fields["labels"]),
            codes=fields["codes"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLabel:
    """A label whose observation has not arrived yet, with all that its dead letter needs.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    boot_epoch
        Epoch that the label names; 0 with a request id means any.
    seq
        Sequence number that the label names; -1 if request_id names the row.
    request_id
        Request id that the label names; empty if seq names the row.
    label
        The true class or number, as text.
    since
        Record time at which the wait started, ms.
    offset
        Offset in labels.
    timestamp
        Time of its record, ms.
    id
        ce_id of the label.
    correlation
        ce_correlationid of the label.
    key
        Key of its record.
    value
        Original bytes of its record.
    headers
        Original headers of its record.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"WaitingLabel","namespace":"edgeloop.label","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"boot_epoch","type":"long","default":0},{"name":"seq","type":"long","default":-1},{"name":"request_id","type":"string","default":""},{"name":"label","type":"string","default":""},{"name":"since","type":"long","default":0},{"name":"offset","type":"long","default":0},{"name":"timestamp","type":"long","default":0},{"name":"id","type":"string","default":""},{"name":"correlation","type":"string","default":""},{"name":"key","type":"string","default":""},{"name":"value","type":"bytes","default":""},{"name":"headers","type":{"type":"map","values":"bytes"},"default":{}}]}'
    FULLNAME: ClassVar[str] = "edgeloop.label.WaitingLabel"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str = "default"
    stream: str = ""
    device_id: str = ""
    boot_epoch: int = 0
    seq: int = -1
    request_id: str = ""
    label: str = ""
    since: int = 0
    offset: int = 0
    timestamp: int = 0
    id: str = ""
    correlation: str = ""
    key: str = ""
    value: bytes = b""
    headers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "boot_epoch": self.boot_epoch,
            "seq": self.seq,
            "request_id": self.request_id,
            "label": self.label,
            "since": self.since,
            "offset": self.offset,
            "timestamp": self.timestamp,
            "id": self.id,
            "correlation": self.correlation,
            "key": self.key,
            "value": self.value,
            "headers": dict(self.headers),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            boot_epoch=fields["boot_epoch"],
            seq=fields["seq"],
            request_id=fields["request_id"],
            label=fields["label"],
            since=fields["since"],
            offset=fields["offset"],
            timestamp=fields["timestamp"],
            id=fields["id"],
            correlation=fields["correlation"],
            key=fields["key"],
            value=fields["value"],
            headers=fields["headers"],
        )

    def fault(self) -> str:
        return ""


class RefusalReason(StrEnum):
    """Reason of a refusal. SIGNATURE: not from the trainer, or altered. UNKNOWN_REQUEST: answers no training
    request. REPLAYED: the request or a later one has been answered."""

    STALE = "STALE"
    UNKNOWN_STREAM = "UNKNOWN_STREAM"
    BROKEN_ARTIFACT = "BROKEN_ARTIFACT"
    FORBIDDEN_GRAPH = "FORBIDDEN_GRAPH"
    SIGNATURE = "SIGNATURE"
    UNKNOWN_REQUEST = "UNKNOWN_REQUEST"
    REPLAYED = "REPLAYED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRefused:
    """A candidate that did not become a version.

    Attributes
    ----------
    tenant
        Owner of the stream; empty if the name is unverified and no such stream is defined.
    stream
        Name of the stream; a stream's model has the same name. Empty if the name is unverified and no such
        stream is defined.
    request_id
        Request; null where it has not had this answer: the candidate is not the trainer's, or is a repeat.
    digest
        Digest that the candidate names.
    reason
        Typed reason.
    message
        For people.
    previous
        Hash of the event before in the chain; null for the first one.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"CandidateRefused","namespace":"edgeloop.model","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"request_id","type":["null","string"],"default":null},{"name":"digest","type":"string","default":""},{"name":"reason","type":{"type":"enum","name":"RefusalReason","symbols":["STALE","UNKNOWN_STREAM","BROKEN_ARTIFACT","FORBIDDEN_GRAPH","SIGNATURE","UNKNOWN_REQUEST","REPLAYED"],"default":"STALE"},"default":"STALE"},{"name":"message","type":"string","default":""},{"name":"previous","type":["null","string"],"default":null}]}'
    FULLNAME: ClassVar[str] = "edgeloop.model.CandidateRefused"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    request_id: str | None = None
    digest: str = ""
    reason: RefusalReason = RefusalReason.STALE
    message: str = ""
    previous: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "request_id": self.request_id,
            "digest": self.digest,
            "reason": self.reason.value,
            "message": self.message,
            "previous": self.previous,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            request_id=fields["request_id"],
            digest=fields["digest"],
            reason=RefusalReason(fields["reason"]),
            message=fields["message"],
            previous=fields["previous"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCandidate:
    """A challenger that passed its gate, signed by the trainer.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    request_id
        campaign/stage.
    file
        The model's file.
    classes
        Class names in the order of the probabilities; none for regression.
    definition_version
        Stream definition that it was trained on.
    champion_version
        Version that it beat; null for the majority class.
    rows
        Rows fitted on.
    dataset_digest
        SHA-256 over those rows.
    metrics
        Metrics of gate and fit.
    parameters
        Parameters of the fit.
    recalls
        Archived version that is the same file and is offered anew; null for a model that was fitted.
    signature
        Ed25519 signature by the trainer's key over all fields but key_id, as canonical JSON.
    key_id
        SHA-256 of the trainer's public key, hex, first 16.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"ModelCandidate","namespace":"edgeloop.model","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"request_id","type":"string","default":""},{"name":"file","type":{"type":"record","name":"ModelFile","namespace":"edgeloop.model","fields":[{"name":"digest","type":"string","default":""},{"name":"size","type":"long","default":0},{"name":"chunks","type":"int","default":0},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0}]},"default":{"digest":"","size":0,"chunks":0,"partition":0,"offset":0}},{"name":"classes","type":{"type":"array","items":"string"},"default":[]},{"name":"definition_version","type":"int","default":0},{"name":"champion_version","type":["null","int"],"default":null},{"name":"rows","type":"long","default":0},{"name":"dataset_digest","type":"string","default":""},{"name":"metrics","type":{"type":"map","values":"double"},"default":{}},{"name":"parameters","type":{"type":"map","values":"string"},"default":{}},{"name":"recalls","type":["null","int"],"default":null},{"name":"signature","type":"bytes","default":""},{"name":"key_id","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.model.ModelCandidate"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    request_id: str = ""
    file: ModelFile = field(default_factory=lambda: ModelFile())
    classes: tuple[str, ...] = ()
    definition_version: int = 0
    champion_version: int | None = None
    rows: int = 0
    dataset_digest: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    recalls: int | None = None
    signature: bytes = b""
    key_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "request_id": self.request_id,
            "file": self.file.as_dict(),
            "classes": list(self.classes),
            "definition_version": self.definition_version,
            "champion_version": self.champion_version,
            "rows": self.rows,
            "dataset_digest": self.dataset_digest,
            "metrics": dict(self.metrics),
            "parameters": dict(self.parameters),
            "recalls": self.recalls,
            "signature": self.signature,
            "key_id": self.key_id,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            request_id=fields["request_id"],
            file=ModelFile.from_dict(fields["file"]),
            classes=tuple(fields["classes"]),
            definition_version=fields["definition_version"],
            champion_version=fields["champion_version"],
            rows=fields["rows"],
            dataset_digest=fields["dataset_digest"],
            metrics=fields["metrics"],
            parameters=fields["parameters"],
            recalls=fields["recalls"],
            signature=fields["signature"],
            key_id=fields["key_id"],
        )

    def fault(self) -> str:
        if fault := self.file.fault():
            return f"file.{fault}"
        if not -0x8000_0000 <= self.definition_version <= 0x7FFF_FFFF:
            return "definition_version"
        if self.champion_version is not None:
            if not -0x8000_0000 <= self.champion_version <= 0x7FFF_FFFF:
                return "champion_version"
        if self.recalls is not None:
            if not -0x8000_0000 <= self.recalls <= 0x7FFF_FFFF:
                return "recalls"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChunk:
    """Part of an ONNX file. Key digest/index.

    Attributes
    ----------
    digest
        SHA-256 of the whole file, hex.
    index
        Number of the chunk, from 0.
    total
        Number of chunks.
    size
        Bytes of the whole file.
    data
        At most 512 KiB.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"ModelChunk","namespace":"edgeloop.model","fields":[{"name":"digest","type":"string","default":""},{"name":"index","type":"int","default":0},{"name":"total","type":"int","default":0},{"name":"size","type":"long","default":0},{"name":"data","type":"bytes","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.model.ModelChunk"
    IDENTITY: ClassVar[tuple[str, ...]] = ('digest', 'index')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    digest: str
    index: int
    total: int = 0
    size: int = 0
    data: bytes = b""

    def as_dict(self) -> dict[str, Any]:
        return {
            "digest": self.digest,
            "index": self.index,
            "total": self.total,
            "size": self.size,
            "data": self.data,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            digest=fields["digest"],
            index=fields["index"],
            total=fields["total"],
            size=fields["size"],
            data=fields["data"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.index <= 0x7FFF_FFFF:
            return "index"
        if not -0x8000_0000 <= self.total <= 0x7FFF_FFFF:
            return "total"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A candidate became a version, the stream's champion from now on.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    version
        Number of the version, from 1.
    request_id
        Training request of the version.
    file
        The model's file.
    classes
        Class names in the order of the probabilities; none for regression.
    definition_version
        Stream definition.
    beat_version
        Version that it replaces; null for the majority class.
    rows
        Rows fitted on.
    dataset_digest
        SHA-256 over those rows.
    metrics
        Metrics of gate and fit.
    parameters
        Parameters of the fit.
    signed
        The registry's signed statement about the version.
    previous
        Hash of the event before in the chain: SHA-256(its previous ‖ its schema fingerprint ‖ its Avro body);
        null for the first one.
    recalls
        Archived version that is the same file, so that devices which have kept it fetch nothing; null for a
        new model.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"ModelVersion","namespace":"edgeloop.model","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"version","type":"int","default":0},{"name":"request_id","type":"string","default":""},{"name":"file","type":{"type":"record","name":"ModelFile","namespace":"edgeloop.model","fields":[{"name":"digest","type":"string","default":""},{"name":"size","type":"long","default":0},{"name":"chunks","type":"int","default":0},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0}]},"default":{"digest":"","size":0,"chunks":0,"partition":0,"offset":0}},{"name":"classes","type":{"type":"array","items":"string"},"default":[]},{"name":"definition_version","type":"int","default":0},{"name":"beat_version","type":["null","int"],"default":null},{"name":"rows","type":"long","default":0},{"name":"dataset_digest","type":"string","default":""},{"name":"metrics","type":{"type":"map","values":"double"},"default":{}},{"name":"parameters","type":{"type":"map","values":"string"},"default":{}},{"name":"signed","type":{"type":"record","name":"SignedStatement","namespace":"edgeloop.model","fields":[{"name":"statement","type":"bytes","default":""},{"name":"signature","type":"bytes","default":""},{"name":"key_id","type":"string","default":""}]},"default":{"statement":"","signature":"","key_id":""}},{"name":"previous","type":["null","string"],"default":null},{"name":"recalls","type":["null","int"],"default":null}]}'
    FULLNAME: ClassVar[str] = "edgeloop.model.ModelVersion"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    version: int = 0
    request_id: str = ""
    file: ModelFile = field(default_factory=lambda: ModelFile())
    classes: tuple[str, ...] = ()
    definition_version: int = 0
    beat_version: int | None = None
    rows: int = 0
    dataset_digest: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    signed: SignedStatement = field(default_factory=lambda: SignedStatement())
    previous: str | None = None
    recalls: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "version": self.version,
            "request_id": self.request_id,
            "file": self.file.as_dict(),
            "classes": list(self.classes),
            "definition_version": self.definition_version,
            "beat_version": self.beat_version,
            "rows": self.rows,
            "dataset_digest": self.dataset_digest,
            "metrics": dict(self.metrics),
            "parameters": dict(self.parameters),
            "signed": self.signed.as_dict(),
            "previous": self.previous,
            "recalls": self.recalls,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            version=fields["version"],
            request_id=fields["request_id"],
            file=ModelFile.from_dict(fields["file"]),
            classes=tuple(fields["classes"]),
            definition_version=fields["definition_version"],
            beat_version=fields["beat_version"],
            rows=fields["rows"],
            dataset_digest=fields["dataset_digest"],
            metrics=fields["metrics"],
            parameters=fields["parameters"],
            signed=SignedStatement.from_dict(fields["signed"]),
            previous=fields["previous"],
            recalls=fields["recalls"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
            return "version"
        if fault := self.file.fault():
            return f"file.{fault}"
        if not -0x8000_0000 <= self.definition_version <= 0x7FFF_FFFF:
            return "definition_version"
        if self.beat_version is not None:
            if not -0x8000_0000 <= self.beat_version <= 0x7FFF_FFFF:
                return "beat_version"
        if self.recalls is not None:
            if not -0x8000_0000 <= self.recalls <= 0x7FFF_FFFF:
                return "recalls"
        return ""


class Mask(StrEnum):
    """Masking of a value on the device, before the model sees it and before it is stored. DEFAULT: DROP with
    local_only, else PSEUDONYM with pii, else NONE. NONE: unchanged. DROP: missing. PSEUDONYM: a number from a
    keyed hash, whose key never leaves the device. BUCKETS: the nearest multiple of bucket."""

    DEFAULT = "DEFAULT"
    NONE = "NONE"
    DROP = "DROP"
    PSEUDONYM = "PSEUDONYM"
    BUCKETS = "BUCKETS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature: a number or a category.

    Attributes
    ----------
    name
        Name, unique within the stream.
    unit
        Unit, for people.
    nullable
        True if NaN is allowed.
    minimum
        Smallest allowed value.
    maximum
        Largest allowed value.
    pii
        True if the feature is personal data. By default it leaves the device as a pseudonym.
    local_only
        True if its values never leave the device. By default they are dropped there.
    categories
        Known texts of the feature; the list may grow at the end. A row carries the index of its text, -1 for
        an unknown text, NaN for none. Empty: the feature is a number.
    mask
        Mask of the feature. With local_only, NONE is the same as DROP.
    bucket
        BUCKETS: width of a bucket, above 0. Otherwise 0.
    """

    name: str = ""
    unit: str = ""
    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    pii: bool = False
    local_only: bool = False
    categories: tuple[str, ...] = ()
    mask: Mask = Mask.DEFAULT
    bucket: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "nullable": self.nullable,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "pii": self.pii,
            "local_only": self.local_only,
            "categories": list(self.categories),
            "mask": self.mask.value,
            "bucket": self.bucket,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            name=fields["name"],
            unit=fields["unit"],
            nullable=fields["nullable"],
            minimum=fields["minimum"],
            maximum=fields["maximum"],
            pii=fields["pii"],
            local_only=fields["local_only"],
            categories=tuple(fields["categories"]),
            mask=Mask(fields["mask"]),
            bucket=fields["bucket"],
        )

    def fault(self) -> str:
        return ""


class StreamTask(StrEnum):
    """CLASSIFICATION: one of some classes. REGRESSION: a number."""

    CLASSIFICATION = "CLASSIFICATION"
    REGRESSION = "REGRESSION"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterStream:
    """Command: define a stream, or change its definition.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    features
        The features in order.
    label
        Name of the label.
    classes
        Known classes; none for REGRESSION.
    expected_version
        Version that the sender believes current; 0 for a new stream.
    task
        Kind of labels and answers.
    tolerance
        REGRESSION: largest distance of a right answer from the label, above 0. Otherwise 0.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"RegisterStream","namespace":"edgeloop.model","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"features","type":{"type":"array","items":{"type":"record","name":"Feature","fields":[{"name":"name","type":"string","default":""},{"name":"unit","type":"string","default":""},{"name":"nullable","type":"boolean","default":true},{"name":"minimum","type":["null","double"],"default":null},{"name":"maximum","type":["null","double"],"default":null},{"name":"pii","type":"boolean","default":false},{"name":"local_only","type":"boolean","default":false},{"name":"categories","type":{"type":"array","items":"string"},"default":[]},{"name":"mask","type":{"type":"enum","name":"Mask","symbols":["DEFAULT","NONE","DROP","PSEUDONYM","BUCKETS"],"default":"DEFAULT"},"default":"DEFAULT"},{"name":"bucket","type":"double","default":0.0}]}},"default":[]},{"name":"label","type":"string","default":""},{"name":"classes","type":{"type":"array","items":"string"},"default":[]},{"name":"expected_version","type":"int","default":0},{"name":"task","type":{"type":"enum","name":"StreamTask","symbols":["CLASSIFICATION","REGRESSION"],"default":"CLASSIFICATION"},"default":"CLASSIFICATION"},{"name":"tolerance","type":"double","default":0.0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.model.RegisterStream"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    features: tuple[Feature, ...] = ()
    label: str = ""
    classes: tuple[str, ...] = ()
    expected_version: int = 0
    task: StreamTask = StreamTask.CLASSIFICATION
    tolerance: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "features": [x.as_dict() for x in self.features],
            "label": self.label,
            "classes": list(self.classes),
            "expected_version": self.expected_version,
            "task": self.task.value,
            "tolerance": self.tolerance,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            features=tuple(Feature.from_dict(x) for x in fields["features"]),
            label=fields["label"],
            classes=tuple(fields["classes"]),
            expected_version=fields["expected_version"],
            task=StreamTask(fields["task"]),
            tolerance=fields["tolerance"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.expected_version <= 0x7FFF_FFFF:
            return "expected_version"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryState:
    """State of the model registry. Under the empty key: the head of the chain and the newest candidate handled.
    Under tenant/stream: that stream's definition, the number of its newest version and the newest request
    answered.

    Attributes
    ----------
    chain
        Hash of the newest event of the chain; null before the first.
    handled
        Offset in model.candidates of the newest candidate handled, null before the first; one at or before it
        is a repeat.
    version
        Newest model version of the stream; null before the first.
    definition_version
        Current definition of the stream, from 1.
    features_since
        First definition with the same features in the same order. A model of an older definition does not
        match.
    features
        Of the current definition.
    label
        Of the current definition.
    classes
        Of the current definition.
    task
        Of the current definition.
    tolerance
        Of the current definition.
    answered
        Offset in training.requests of the newest request answered, null before the first; a stream's requests
        lie in one partition, and no earlier one is answered any more.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"RegistryState","namespace":"edgeloop.model","fields":[{"name":"chain","type":["null","string"],"default":null},{"name":"handled","type":["null","long"],"default":null},{"name":"version","type":["null","int"],"default":null},{"name":"definition_version","type":"int","default":0},{"name":"features_since","type":"int","default":0},{"name":"features","type":{"type":"array","items":{"type":"record","name":"Feature","fields":[{"name":"name","type":"string","default":""},{"name":"unit","type":"string","default":""},{"name":"nullable","type":"boolean","default":true},{"name":"minimum","type":["null","double"],"default":null},{"name":"maximum","type":["null","double"],"default":null},{"name":"pii","type":"boolean","default":false},{"name":"local_only","type":"boolean","default":false},{"name":"categories","type":{"type":"array","items":"string"},"default":[]},{"name":"mask","type":{"type":"enum","name":"Mask","symbols":["DEFAULT","NONE","DROP","PSEUDONYM","BUCKETS"],"default":"DEFAULT"},"default":"DEFAULT"},{"name":"bucket","type":"double","default":0.0}]}},"default":[]},{"name":"label","type":"string","default":""},{"name":"classes","type":{"type":"array","items":"string"},"default":[]},{"name":"task","type":{"type":"enum","name":"StreamTask","symbols":["CLASSIFICATION","REGRESSION"],"default":"CLASSIFICATION"},"default":"CLASSIFICATION"},{"name":"tolerance","type":"double","default":0.0},{"name":"answered","type":["null","long"],"default":null}]}'
    FULLNAME: ClassVar[str] = "edgeloop.model.RegistryState"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    chain: str | None = None
    handled: int | None = None
    version: int | None = None
    definition_version: int = 0
    features_since: int = 0
    features: tuple[Feature, ...] = ()
    label: str = ""
    classes: tuple[str, ...] = ()
    task: StreamTask = StreamTask.CLASSIFICATION
    tolerance: float = 0.0
    answered: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "chain": self.chain,
            "handled": self.handled,
            "version": self.version,
            "definition_version": self.definition_version,
            "features_since": self.features_since,
            "features": [x.as_dict() for x in self.features],
            "label": self.label,
            "classes": list(self.classes),
            "task": self.task.value,
            "tolerance": self.tolerance,
            "answered": self.answered,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            chain=fields["chain"],
            handled=fields["handled"],
            version=fields["version"],
            definition_version=fields["definition_version"],
            features_since=fields["features_since"],
            features=tuple(Feature.from_dict(x) for x in fields["features"]),
            label=fields["label"],
            classes=tuple(fields["classes"]),
            task=StreamTask(fields["task"]),
            tolerance=fields["tolerance"],
            answered=fields["answered"],
        )

    def fault(self) -> str:
        if self.version is not None:
            if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
                return "version"
        if not -0x8000_0000 <= self.definition_version <= 0x7FFF_FFFF:
            return "definition_version"
        if not -0x8000_0000 <= self.features_since <= 0x7FFF_FFFF:
            return "features_since"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDefinition:
    """Definition of a stream's rows. Compacted by tenant/stream.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    version
        Number of this definition, from 1.
    features
        The features in the order of the packed rows.
    label
        Name of the label, for people.
    classes
        Known classes in sorted order; may grow; none for REGRESSION.
    task
        Kind of labels and answers.
    tolerance
        REGRESSION: largest distance of a right answer from the label, above 0. Otherwise 0.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"StreamDefinition","namespace":"edgeloop.model","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"version","type":"int","default":0},{"name":"features","type":{"type":"array","items":{"type":"record","name":"Feature","fields":[{"name":"name","type":"string","default":""},{"name":"unit","type":"string","default":""},{"name":"nullable","type":"boolean","default":true},{"name":"minimum","type":["null","double"],"default":null},{"name":"maximum","type":["null","double"],"default":null},{"name":"pii","type":"boolean","default":false},{"name":"local_only","type":"boolean","default":false},{"name":"categories","type":{"type":"array","items":"string"},"default":[]},{"name":"mask","type":{"type":"enum","name":"Mask","symbols":["DEFAULT","NONE","DROP","PSEUDONYM","BUCKETS"],"default":"DEFAULT"},"default":"DEFAULT"},{"name":"bucket","type":"double","default":0.0}]}},"default":[]},{"name":"label","type":"string","default":""},{"name":"classes","type":{"type":"array","items":"string"},"default":[]},{"name":"task","type":{"type":"enum","name":"StreamTask","symbols":["CLASSIFICATION","REGRESSION"],"default":"CLASSIFICATION"},"default":"CLASSIFICATION"},{"name":"tolerance","type":"double","default":0.0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.model.StreamDefinition"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    version: int = 0
    features: tuple[Feature, ...] = ()
    label: str = ""
    classes: tuple[str, ...] = ()
    task: StreamTask = StreamTask.CLASSIFICATION
    tolerance: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "version": self.version,
            "features": [x.as_dict() for x in self.features],
            "label": self.label,
            "classes": list(self.classes),
            "task": self.task.value,
            "tolerance": self.tolerance,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            version=fields["version"],
            features=tuple(Feature.from_dict(x) for x in fields["features"]),
            label=fields["label"],
            classes=tuple(fields["classes"]),
            task=StreamTask(fields["task"]),
            tolerance=fields["tolerance"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
            return "version"
        return ""


class AlertKind(StrEnum):
    """Conditions of alerts."""

    ERROR_SHARE = "ERROR_SHARE"
    EVENT_AGE = "EVENT_AGE"
    DRIFT = "DRIFT"
    SILENT_DEVICES = "SILENT_DEVICES"
    REFUSED_MODEL = "REFUSED_MODEL"
    FAILED_TRAINING = "FAILED_TRAINING"
    OUTLYING_DEVICES = "OUTLYING_DEVICES"
    FORGED_CANDIDATE = "FORGED_CANDIDATE"
    IMPOSSIBLE_REPORT = "IMPOSSIBLE_REPORT"
    DOUBTED_DEVICES = "DOUBTED_DEVICES"
    LOST_DEVICES = "LOST_DEVICES"
    TWIN_DEVICES = "TWIN_DEVICES"


class AlertStatus(StrEnum):
    """RAISED: the condition holds. CLEARED: it no longer holds."""

    RAISED = "RAISED"
    CLEARED = "CLEARED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A condition needs a person's attention, or no longer does. Both events of one alert have the same alert_id.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    alert_id
        Hash of the alert's subject and of since, so that a repeat has the same id.
    kind
        Condition of the alert.
    status
        Start or end of the condition.
    device_group
        Group of the devices concerned; null where the condition is about the whole stream.
    model_version
        Version concerned; null where the condition is about no single one.
    value
        Measured value at the decision.
    threshold
        Threshold of the value: the upper one for RAISED, the lower one for CLEARED.
    samples
        Rows, devices or events in the measurement. It is approximate, since Faust may read a record twice.
    since
        Record time at which the condition started to hold, milliseconds.
    at
        Record time of the decision, milliseconds.
    devices
        Some of the devices concerned, at most 20, sorted.
    message
        For people.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"Alert","namespace":"edgeloop.monitoring","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"alert_id","type":"string","default":""},{"name":"kind","type":{"type":"enum","name":"AlertKind","symbols":["ERROR_SHARE","EVENT_AGE","DRIFT","SILENT_DEVICES","REFUSED_MODEL","FAILED_TRAINING","OUTLYING_DEVICES","FORGED_CANDIDATE","IMPOSSIBLE_REPORT","DOUBTED_DEVICES","LOST_DEVICES","TWIN_DEVICES"],"default":"ERROR_SHARE"},"default":"ERROR_SHARE"},{"name":"status","type":{"type":"enum","name":"AlertStatus","symbols":["RAISED","CLEARED"],"default":"RAISED"},"default":"RAISED"},{"name":"device_group","type":["null","string"],"default":null},{"name":"model_version","type":["null","int"],"default":null},{"name":"value","type":"double","default":0.0},{"name":"threshold","type":"double","default":0.0},{"name":"samples","type":"long","default":0},{"name":"since","type":"long","default":0},{"name":"at","type":"long","default":0},{"name":"devices","type":{"type":"array","items":"string"},"default":[]},{"name":"message","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.monitoring.Alert"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    alert_id: str = ""
    kind: AlertKind = AlertKind.ERROR_SHARE
    status: AlertStatus = AlertStatus.RAISED
    device_group: str | None = None
    model_version: int | None = None
    value: float = 0.0
    threshold: float = 0.0
    samples: int = 0
    since: int = 0
    at: int = 0
    devices: tuple[str, ...] = ()
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "alert_id": self.alert_id,
            "kind": self.kind.value,
            "status": self.status.value,
            "device_group": self.device_group,
            "model_version": self.model_version,
            "value": self.value,
            "threshold": self.threshold,
            "samples": self.samples,
            "since": self.since,
            "at": self.at,
            "devices": list(self.devices),
            "message": self.message,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            alert_id=fields["alert_id"],
            kind=AlertKind(fields["kind"]),
            status=AlertStatus(fields["status"]),
            device_group=fields["device_group"],
            model_version=fields["model_version"],
            value=fields["value"],
            threshold=fields["threshold"],
            samples=fields["samples"],
            since=fields["since"],
            at=fields["at"],
            devices=tuple(fields["devices"]),
            message=fields["message"],
        )

    def fault(self) -> str:
        if self.model_version is not None:
            if not -0x8000_0000 <= self.model_version <= 0x7FFF_FFFF:
                return "model_version"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRow:
    """One row with its features by name, for producers without a fixed order of features: Kafka Connect, Flink,
    MQTT bridges.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    boot_epoch
        Number of the device's outbox, 1 for the first. A new outbox starts a new epoch and numbers its rows
        from 0 again. Meaningless without a sequence number.
    seq
        Sequence number of the row within (device_id, boot_epoch). -1 for none: the row is then identified by
        its request id, else by its ce_id header or its place in the topic, and ingestion numbers it.
    features
        Value of each feature by its name in the stream definition. A feature that is absent or null is
        missing. For a feature with categories, the value is the index of its text.
    texts
        Text of each feature with categories, by its name. Models see a text outside the definition as
        unknown.
    event_time
        Time of the row, milliseconds since 1970; 0 if unknown.
    request_id
        Id by which a label may name this row. It may be empty if the row has a sequence number.
    model_version
        Version that answered; 0 if no model answered.
    answer
        Answer of the model: a class or a number, as text. Empty if no model answered.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"NamedRow","namespace":"edgeloop.observation","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"boot_epoch","type":"long","default":0},{"name":"seq","type":"long","default":-1},{"name":"features","type":{"type":"map","values":"double"},"default":{}},{"name":"texts","type":{"type":"map","values":"string"},"default":{}},{"name":"event_time","type":"long","default":0},{"name":"request_id","type":"string","default":""},{"name":"model_version","type":"int","default":0},{"name":"answer","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.observation.NamedRow"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = (('seq', 'boot_epoch'), ('request_id',))
    UNKNOWN: ClassVar[tuple[str, ...]] = ('boot_epoch', 'seq', 'features', 'texts', 'event_time', 'request_id', 'model_version', 'answer')

    tenant: str
    stream: str
    device_id: str
    boot_epoch: int = 0
    seq: int = -1
    features: Mapping[str, float] = field(default_factory=dict[str, float])
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    event_time: int = 0
    request_id: str = ""
    model_version: int = 0
    answer: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "boot_epoch": self.boot_epoch,
            "seq": self.seq,
            "features": dict(self.features),
            "texts": dict(self.texts),
            "event_time": self.event_time,
            "request_id": self.request_id,
            "model_version": self.model_version,
            "answer": self.answer,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            boot_epoch=fields["boot_epoch"],
            seq=fields["seq"],
            features=fields["features"],
            texts=fields["texts"],
            event_time=fields["event_time"],
            request_id=fields["request_id"],
            model_version=fields["model_version"],
            answer=fields["answer"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.model_version <= 0x7FFF_FFFF:
            return "model_version"
        return ""

    def as_row(self, *, features: tuple[float, ...]) -> ObservationRow:
        """The row as :class:`ObservationRow`."""
        return ObservationRow(
            tenant=self.tenant,
            stream=self.stream,
            device_id=self.device_id,
            boot_epoch=self.boot_epoch,
            seq=self.seq,
            features=features,
            event_time=self.event_time,
            request_id=self.request_id,
            model_version=self.model_version,
            answer=self.answer,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationBatch:
    """Consecutive rows that one device saw and answered with one model version. Row i has sequence number
    first_seq + i.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    boot_epoch
        Number of the device's outbox, 1 for the first. A new outbox starts a new epoch and numbers its rows
        from 0 again. -1: rows without sequence numbers of their own, numbered by ingestion.
    first_seq
        Sequence number of the first row within (device_id, boot_epoch). In raw input -1 means none: rows are
        then identified by their request ids, else by the record's ce_id header or its place in the topic, and
        ingestion numbers them.
    count
        Rows in the batch, at least 1.
    features
        count × F little-endian float32, row by row. F and the order of features are those of the stream
        definition; NaN is a missing value.
    event_times
        Time of each row, milliseconds since 1970; empty if unknown. It never affects retention.
    request_ids
        Request id of each row; empty if the rows have none.
    model_version
        Version that answered every row of the batch; 0 if no model answered.
    answers
        Answer to each row: a class or a number, as text. Empty if no model answered.
    adapter
        Adapter that answered together with the version; 0 for the version alone.
    answers_alone
        What the version would have answered to each row without the adapter: empty text where the same as in
        answers; empty when so everywhere.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"ObservationBatch","namespace":"edgeloop.observation","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"boot_epoch","type":"long","default":0},{"name":"first_seq","type":"long","default":-1},{"name":"count","type":"int","default":0},{"name":"features","type":"bytes","default":""},{"name":"event_times","type":{"type":"array","items":"long"},"default":[]},{"name":"request_ids","type":{"type":"array","items":"string"},"default":[]},{"name":"model_version","type":"int","default":0},{"name":"answers","type":{"type":"array","items":"string"},"default":[]},{"name":"adapter","type":"long","default":0},{"name":"answers_alone","type":{"type":"array","items":"string"},"default":[]}]}'
    FULLNAME: ClassVar[str] = "edgeloop.observation.ObservationBatch"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id', 'boot_epoch', 'first_seq')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ('event_times', 'request_ids', 'model_version', 'answers', 'adapter', 'answers_alone')

    tenant: str
    stream: str
    device_id: str
    boot_epoch: int
    first_seq: int
    count: int = 0
    features: bytes = b""
    event_times: tuple[int, ...] = ()
    request_ids: tuple[str, ...] = ()
    model_version: int = 0
    answers: tuple[str, ...] = ()
    adapter: int = 0
    answers_alone: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "boot_epoch": self.boot_epoch,
            "first_seq": self.first_seq,
            "count": self.count,
            "features": self.features,
            "event_times": list(self.event_times),
            "request_ids": list(self.request_ids),
            "model_version": self.model_version,
            "answers": list(self.answers),
            "adapter": self.adapter,
            "answers_alone": list(self.answers_alone),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            boot_epoch=fields["boot_epoch"],
            first_seq=fields["first_seq"],
            count=fields["count"],
            features=fields["features"],
            event_times=tuple(fields["event_times"]),
            request_ids=tuple(fields["request_ids"]),
            model_version=fields["model_version"],
            answers=tuple(fields["answers"]),
            adapter=fields["adapter"],
            answers_alone=tuple(fields["answers_alone"]),
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.count <= 0x7FFF_FFFF:
            return "count"
        if not -0x8000_0000 <= self.model_version <= 0x7FFF_FFFF:
            return "model_version"
        return ""

    ROW_FIELDS: ClassVar[Mapping[str, PerRow]] = {"first_seq": PerRow.FIRST, "count": PerRow.COUNT, "features": PerRow.PACKED, "event_times": PerRow.OPTIONAL, "request_ids": PerRow.OPTIONAL, "answers": PerRow.OPTIONAL, "answers_alone": PerRow.OPTIONAL}
    SHARED: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id', 'boot_epoch', 'model_version', 'adapter')

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.count

    @property
    def row_texts(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Fields of one text a row: what the text is called, and the texts."""
        return (("request id", self.request_ids), ("answer", self.answers), ("answer alone", self.answers_alone))

    @property
    def row_bytes(self) -> int:
        """Upper bound of the bytes of one row in Avro."""
        return len(self.features) // self.rows + 4 * longest(self.request_ids) + 4 * longest(self.answers) + 4 * longest(self.answers_alone) + 19

    def row_features(self, row: int) -> bytes:
        """Packed features of one row."""
        width = len(self.features) // self.rows
        return self.features[row * width : (row + 1) * width]

    def slice(self, first: int, end: int) -> Self:
        """Rows ``[first, end)``."""
        if first == 0 and end == self.rows:
            return self
        features_width = len(self.features) // self.rows
        return type(self)(
            tenant=self.tenant,
            stream=self.stream,
            device_id=self.device_id,
            boot_epoch=self.boot_epoch,
            first_seq=number_of(self.first_seq, first),
            count=end - first,
            features=self.features[first * features_width : end * features_width],
            event_times=not_empty(self.event_times[first:end]),
            request_ids=not_empty(self.request_ids[first:end]),
            model_version=self.model_version,
            answers=not_empty(self.answers[first:end]),
            adapter=self.adapter,
            answers_alone=not_empty(self.answers_alone[first:end]),
        )

    def follows(self, before: Self) -> bool:
        """True if this batch continues ``before``: equal shared fields, consecutive numbers, rows of equal width."""
        return (
            self.tenant == before.tenant
            and self.stream == before.stream
            and self.device_id == before.device_id
            and self.boot_epoch == before.boot_epoch
            and self.model_version == before.model_version
            and self.adapter == before.adapter
            and self.first_seq == number_of(before.first_seq, before.rows)
            and len(self.features) * before.rows == len(before.features) * self.rows
        )

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Batches that follow one another as one; raises ``ValueError`` if they do not."""
        head = parts[0]
        if len(parts) == 1:
            return head
        check_consecutive(parts)
        return cls(
            tenant=head.tenant,
            stream=head.stream,
            device_id=head.device_id,
            boot_epoch=head.boot_epoch,
            first_seq=head.first_seq,
            count=sum(part.count for part in parts),
            features=b"".join([part.features for part in parts]),
            event_times=joined([(part.event_times, part.rows) for part in parts], 0),
            request_ids=joined([(part.request_ids, part.rows) for part in parts], ""),
            model_version=head.model_version,
            answers=joined([(part.answers, part.rows) for part in parts], ""),
            adapter=head.adapter,
            answers_alone=joined([(part.answers_alone, part.rows) for part in parts], ""),
        )

    ROW_NUMBER: ClassVar[str] = 'seq'
    ROW_SHARED: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id', 'boot_epoch', 'model_version')

    @classmethod
    def from_row(cls, row: ObservationRow) -> Self:
        """A batch of one row."""
        return cls(
            tenant=row.tenant,
            stream=row.stream,
            device_id=row.device_id,
            boot_epoch=row.boot_epoch,
            first_seq=row.seq,
            count=1,
            features=packed(row.features),
            event_times=(row.event_time,) if row.event_time else (),
            request_ids=(row.request_id,) if row.request_id else (),
            model_version=row.model_version,
            answers=(row.answer,) if row.answer else (),
        )

    @classmethod
    def from_columns(cls, rows: RowColumns, first: int, end: int) -> Self:
        """Rows ``[first, end)``, which have consecutive numbers and agree in ``ROW_SHARED``."""
        return cls(
            tenant=rows.one("tenant", first),
            stream=rows.one("stream", first),
            device_id=rows.one("device_id", first),
            boot_epoch=rows.one("boot_epoch", first),
            first_seq=rows.one("seq", first),
            count=end - first,
            features=rows.packed("features", first, end),
            event_times=not_empty(rows.values("event_time", first, end)),
            request_ids=not_empty(rows.values("request_id", first, end)),
            model_version=rows.one("model_version", first),
            answers=not_empty(rows.values("answer", first, end)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationRow:
    """One row, for producers that cannot batch.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    boot_epoch
        Number of the device's outbox, 1 for the first. A new outbox starts a new epoch and numbers its rows
        from 0 again. Meaningless without a sequence number.
    seq
        Sequence number of the row within (device_id, boot_epoch). -1 for none: the row is then identified by
        its request id, else by its ce_id header or its place in the topic, and ingestion numbers it.
    features
        F values in the order of the stream definition; NaN is a missing value.
    event_time
        Time of the row, milliseconds since 1970; 0 if unknown.
    request_id
        Id by which a label may name this row. It may be empty if the row has a sequence number.
    model_version
        Version that answered; 0 if no model answered.
    answer
        Answer of the model: a class or a number, as text. Empty if no model answered.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"ObservationRow","namespace":"edgeloop.observation","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"boot_epoch","type":"long","default":0},{"name":"seq","type":"long","default":-1},{"name":"features","type":{"type":"array","items":"double"},"default":[]},{"name":"event_time","type":"long","default":0},{"name":"request_id","type":"string","default":""},{"name":"model_version","type":"int","default":0},{"name":"answer","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.observation.ObservationRow"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = (('seq', 'boot_epoch'), ('request_id',))
    UNKNOWN: ClassVar[tuple[str, ...]] = ('boot_epoch', 'seq', 'event_time', 'request_id', 'model_version', 'answer')

    tenant: str
    stream: str
    device_id: str
    boot_epoch: int = 0
    seq: int = -1
    features: tuple[float, ...] = ()
    event_time: int = 0
    request_id: str = ""
    model_version: int = 0
    answer: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "boot_epoch": self.boot_epoch,
            "seq": self.seq,
            "features": list(self.features),
            "event_time": self.event_time,
            "request_id": self.request_id,
            "model_version": self.model_version,
            "answer": self.answer,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            boot_epoch=fields["boot_epoch"],
            seq=fields["seq"],
            features=tuple(fields["features"]),
            event_time=fields["event_time"],
            request_id=fields["request_id"],
            model_version=fields["model_version"],
            answer=fields["answer"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.model_version <= 0x7FFF_FFFF:
            return "model_version"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingPolicy:
    """Times and rows of fits, counted in labelled rows.

    Attributes
    ----------
    stages
        Rows after the signal at which fits are due.
    quiet
        Rows after the signal of further fits, while no new signal comes.
    quiet_doubling
        True if they continue, each at double the last one.
    window
        Largest number of rows of a fit; the newest ones are taken.
    back
        Rows before the signal that a fit also takes.
    gate
        Rows after a fit in which its gate decides.
    on_open
        Effect of a signal while stages are left: restart or ignore.
    cooldown
        Rows after the opening of a campaign in which signals are ignored.
    budget
        Average rows per fit; 0 for no bound.
    burst
        Number of fits that the budget allows at once.
    first
        Rows that a command without a number waits for.
    """

    stages: tuple[int, ...] | None = None
    quiet: tuple[int, ...] | None = None
    quiet_doubling: bool | None = None
    window: int | None = None
    back: int | None = None
    gate: int | None = None
    on_open: str | None = None
    cooldown: int | None = None
    budget: int | None = None
    burst: int | None = None
    first: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "stages": None if self.stages is None else list(self.stages),
            "quiet": None if self.quiet is None else list(self.quiet),
            "quiet_doubling": self.quiet_doubling,
            "window": self.window,
            "back": self.back,
            "gate": self.gate,
            "on_open": self.on_open,
            "cooldown": self.cooldown,
            "budget": self.budget,
            "burst": self.burst,
            "first": self.first,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            stages=None if fields["stages"] is None else tuple(fields["stages"]),
            quiet=None if fields["quiet"] is None else tuple(fields["quiet"]),
            quiet_doubling=fields["quiet_doubling"],
            window=fields["window"],
            back=fields["back"],
            gate=fields["gate"],
            on_open=fields["on_open"],
            cooldown=fields["cooldown"],
            budget=fields["budget"],
            burst=fields["burst"],
            first=fields["first"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPolicy:
    """Settings of the fit of a challenger.

    Attributes
    ----------
    family
        Model family, by the trainer's name for it.
    trees
        Trees of a forest, or rounds of boosting.
    min_leaf
        Least number of rows of a leaf.
    archive
        Number of archived versions that a new fit has to beat; 0 for none.
    challengers
        Online model families that a new fit has to beat.
    """

    family: str | None = None
    trees: int | None = None
    min_leaf: int | None = None
    archive: int | None = None
    challengers: tuple[str, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "family": self.family,
            "trees": self.trees,
            "min_leaf": self.min_leaf,
            "archive": self.archive,
            "challengers": None if self.challengers is None else list(self.challengers),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            family=fields["family"],
            trees=fields["trees"],
            min_leaf=fields["min_leaf"],
            archive=fields["archive"],
            challengers=None if fields["challengers"] is None else tuple(fields["challengers"]),
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionPolicy:
    """Settings of the error detectors.

    Attributes
    ----------
    detector
        Name of the detector.
    parameters
        Parameters of the detector, each value as JSON; null for its defaults.
    scopes
        Watched errors: any of stream, alone (versions without their adapter) and version.
    """

    detector: str | None = None
    parameters: Mapping[str, str] | None = None
    scopes: tuple[str, ...] | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "detector": self.detector,
            "parameters": None if self.parameters is None else dict(self.parameters),
            "scopes": None if self.scopes is None else list(self.scopes),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            detector=fields["detector"],
            parameters=fields["parameters"],
            scopes=None if fields["scopes"] is None else tuple(fields["scopes"]),
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterPolicy:
    """Learning rates of a mixture, and the times of its adapters.

    Attributes
    ----------
    publish_every
        Largest number of labels between two adapters.
    publish_least
        Least number of labels between two adapters after wrong answers.
    publish_mistakes
        Number of wrong answers that publishes an adapter early.
    newcomer
        Weight of a new member.
    weight_rate
        Learning rate of the experts' weights.
    bias_rate
        Learning rate of the bias.
    bias_decay
        Share of the bias that remains after a label.
    linear_rate
        Learning rate of the linear part.
    trust_rate
        Learning rate of the weight of the bias.
    memory_of_losses
        Share of the newest label in the losses of mixture and first version.
    lead
        Lead in loss that lets the first version answer alone.
    hedge_rate
        Regression: rate at which the experts' weights follow their errors.
    fixed_share
        Regression: share of all weight that each label redistributes evenly.
    """

    publish_every: int | None = None
    publish_least: int | None = None
    publish_mistakes: int | None = None
    newcomer: float | None = None
    weight_rate: float | None = None
    bias_rate: float | None = None
    bias_decay: float | None = None
    linear_rate: float | None = None
    trust_rate: float | None = None
    memory_of_losses: float | None = None
    lead: float | None = None
    hedge_rate: float | None = None
    fixed_share: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "publish_every": self.publish_every,
            "publish_least": self.publish_least,
            "publish_mistakes": self.publish_mistakes,
            "newcomer": self.newcomer,
            "weight_rate": self.weight_rate,
            "bias_rate": self.bias_rate,
            "bias_decay": self.bias_decay,
            "linear_rate": self.linear_rate,
            "trust_rate": self.trust_rate,
            "memory_of_losses": self.memory_of_losses,
            "lead": self.lead,
            "hedge_rate": self.hedge_rate,
            "fixed_share": self.fixed_share,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            publish_every=fields["publish_every"],
            publish_least=fields["publish_least"],
            publish_mistakes=fields["publish_mistakes"],
            newcomer=fields["newcomer"],
            weight_rate=fields["weight_rate"],
            bias_rate=fields["bias_rate"],
            bias_decay=fields["bias_decay"],
            linear_rate=fields["linear_rate"],
            trust_rate=fields["trust_rate"],
            memory_of_losses=fields["memory_of_losses"],
            lead=fields["lead"],
            hedge_rate=fields["hedge_rate"],
            fixed_share=fields["fixed_share"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPolicy:
    """Phases of a rollout, and the evidence that a phase needs.

    Attributes
    ----------
    phases
        Shares of devices that get a new version, one for each phase, rising; at most 1.
    groups
        Groups of devices that all phases but the last are of; empty for all devices.
    judged_groups
        Groups that are also judged by themselves.
    approval
        Phases, counted from 1, that begin only once a person has approved them.
    least_rows
        Labelled rows that the new version has to answer in each phase.
    least_devices
        Devices that have to report the new version in each phase.
    evidence
        True if wrong answers of both versions are compared.
    tolerated
        Rise of the error rate that does not turn a version back.
    margin
        Rise of the error rate that has to be ruled out before the next phase.
    alpha
        Largest probability that a version which does no harm is turned back.
    alpha_advance
        Largest probability that a version which does harm of the margin or more advances.
    window
        Labelled rows of both versions that are compared at once.
    lost_after_s
        Seconds of silence after which a device counts as lost.
    """

    phases: tuple[float, ...] | None = None
    groups: tuple[str, ...] | None = None
    judged_groups: tuple[str, ...] | None = None
    approval: tuple[int, ...] | None = None
    least_rows: int | None = None
    least_devices: int | None = None
    evidence: bool | None = None
    tolerated: float | None = None
    margin: float | None = None
    alpha: float | None = None
    alpha_advance: float | None = None
    window: int | None = None
    lost_after_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "phases": None if self.phases is None else list(self.phases),
            "groups": None if self.groups is None else list(self.groups),
            "judged_groups": None if self.judged_groups is None else list(self.judged_groups),
            "approval": None if self.approval is None else list(self.approval),
            "least_rows": self.least_rows,
            "least_devices": self.least_devices,
            "evidence": self.evidence,
            "tolerated": self.tolerated,
            "margin": self.margin,
            "alpha": self.alpha,
            "alpha_advance": self.alpha_advance,
            "window": self.window,
            "lost_after_s": self.lost_after_s,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            phases=None if fields["phases"] is None else tuple(fields["phases"]),
            groups=None if fields["groups"] is None else tuple(fields["groups"]),
            judged_groups=None if fields["judged_groups"] is None else tuple(fields["judged_groups"]),
            approval=None if fields["approval"] is None else tuple(fields["approval"]),
            least_rows=fields["least_rows"],
            least_devices=fields["least_devices"],
            evidence=fields["evidence"],
            tolerated=fields["tolerated"],
            margin=fields["margin"],
            alpha=fields["alpha"],
            alpha_advance=fields["alpha_advance"],
            window=fields["window"],
            lost_after_s=fields["lost_after_s"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Settings by which the loop decides for one stream, or for all streams of a tenant. A null field keeps the
    value of the service's settings.

    Attributes
    ----------
    tenant
        Owner of the streams.
    stream
        Name of the stream; empty for all streams of the tenant that have no policy of their own.
    name
        Name of the policy, for people.
    version
        Number of the policy within its key, from 1.
    withdrawn
        True if the policy was withdrawn; all other fields are then empty.
    retraining
        Settings of the service retraining.
    training
        Settings of the service trainer.
    gate_minimum
        Number of rows with different answers of challenger and champion that a promotion needs before the
        gate's last row.
    detection
        Settings of the service drift.
    adapter
        Settings of the service adapter.
    rollout
        Settings of the service rollout.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"Policy","namespace":"edgeloop.policy","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"name","type":"string","default":""},{"name":"version","type":"long","default":0},{"name":"withdrawn","type":"boolean","default":false},{"name":"retraining","type":{"type":"record","name":"RetrainingPolicy","fields":[{"name":"stages","type":["null",{"type":"array","items":"long"}],"default":null},{"name":"quiet","type":["null",{"type":"array","items":"long"}],"default":null},{"name":"quiet_doubling","type":["null","boolean"],"default":null},{"name":"window","type":["null","long"],"default":null},{"name":"back","type":["null","long"],"default":null},{"name":"gate","type":["null","long"],"default":null},{"name":"on_open","type":["null","string"],"default":null},{"name":"cooldown","type":["null","long"],"default":null},{"name":"budget","type":["null","long"],"default":null},{"name":"burst","type":["null","long"],"default":null},{"name":"first","type":["null","long"],"default":null}]},"default":{"stages":null,"quiet":null,"quiet_doubling":null,"window":null,"back":null,"gate":null,"on_open":null,"cooldown":null,"budget":null,"burst":null,"first":null}},{"name":"training","type":{"type":"record","name":"TrainingPolicy","fields":[{"name":"family","type":["null","string"],"default":null},{"name":"trees","type":["null","long"],"default":null},{"name":"min_leaf","type":["null","long"],"default":null},{"name":"archive","type":["null","long"],"default":null},{"name":"challengers","type":["null",{"type":"array","items":"string"}],"default":null}]},"default":{"family":null,"trees":null,"min_leaf":null,"archive":null,"challengers":null}},{"name":"gate_minimum","type":["null","long"],"default":null},{"name":"detection","type":{"type":"record","name":"DetectionPolicy","fields":[{"name":"detector","type":["null","string"],"default":null},{"name":"parameters","type":["null",{"type":"map","values":"string"}],"default":null},{"name":"scopes","type":["null",{"type":"array","items":"string"}],"default":null}]},"default":{"detector":null,"parameters":null,"scopes":null}},{"name":"adapter","type":{"type":"record","name":"AdapterPolicy","fields":[{"name":"publish_every","type":["null","long"],"default":null},{"name":"publish_least","type":["null","long"],"default":null},{"name":"publish_mistakes","type":["null","long"],"default":null},{"name":"newcomer","type":["null","double"],"default":null},{"name":"weight_rate","type":["null","double"],"default":null},{"name":"bias_rate","type":["null","double"],"default":null},{"name":"bias_decay","type":["null","double"],"default":null},{"name":"linear_rate","type":["null","double"],"default":null},{"name":"trust_rate","type":["null","double"],"default":null},{"name":"memory_of_losses","type":["null","double"],"default":null},{"name":"lead","type":["null","double"],"default":null},{"name":"hedge_rate","type":["null","double"],"default":null},{"name":"fixed_share","type":["null","double"],"default":null}]},"default":{"publish_every":null,"publish_least":null,"publish_mistakes":null,"newcomer":null,"weight_rate":null,"bias_rate":null,"bias_decay":null,"linear_rate":null,"trust_rate":null,"memory_of_losses":null,"lead":null,"hedge_rate":null,"fixed_share":null}},{"name":"rollout","type":{"type":"record","name":"RolloutPolicy","fields":[{"name":"phases","type":["null",{"type":"array","items":"double"}],"default":null},{"name":"groups","type":["null",{"type":"array","items":"string"}],"default":null},{"name":"judged_groups","type":["null",{"type":"array","items":"string"}],"default":null},{"name":"approval","type":["null",{"type":"array","items":"long"}],"default":null},{"name":"least_rows","type":["null","long"],"default":null},{"name":"least_devices","type":["null","long"],"default":null},{"name":"evidence","type":["null","boolean"],"default":null},{"name":"tolerated","type":["null","double"],"default":null},{"name":"margin","type":["null","double"],"default":null},{"name":"alpha","type":["null","double"],"default":null},{"name":"alpha_advance","type":["null","double"],"default":null},{"name":"window","type":["null","long"],"default":null},{"name":"lost_after_s","type":["null","double"],"default":null}]},"default":{"phases":null,"groups":null,"judged_groups":null,"approval":null,"least_rows":null,"least_devices":null,"evidence":null,"tolerated":null,"margin":null,"alpha":null,"alpha_advance":null,"window":null,"lost_after_s":null}}]}'
    FULLNAME: ClassVar[str] = "edgeloop.policy.Policy"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    name: str = ""
    version: int = 0
    withdrawn: bool = False
    retraining: RetrainingPolicy = field(default_factory=lambda: RetrainingPolicy())
    training: TrainingPolicy = field(default_factory=lambda: TrainingPolicy())
    gate_minimum: int | None = None
    detection: DetectionPolicy = field(default_factory=lambda: DetectionPolicy())
    adapter: AdapterPolicy = field(default_factory=lambda: AdapterPolicy())
    rollout: RolloutPolicy = field(default_factory=lambda: RolloutPolicy())

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "name": self.name,
            "version": self.version,
            "withdrawn": self.withdrawn,
            "retraining": self.retraining.as_dict(),
            "training": self.training.as_dict(),
            "gate_minimum": self.gate_minimum,
            "detection": self.detection.as_dict(),
            "adapter": self.adapter.as_dict(),
            "rollout": self.rollout.as_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            name=fields["name"],
            version=fields["version"],
            withdrawn=fields["withdrawn"],
            retraining=RetrainingPolicy.from_dict(fields["retraining"]),
            training=TrainingPolicy.from_dict(fields["training"]),
            gate_minimum=fields["gate_minimum"],
            detection=DetectionPolicy.from_dict(fields["detection"]),
            adapter=AdapterPolicy.from_dict(fields["adapter"]),
            rollout=RolloutPolicy.from_dict(fields["rollout"]),
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The version that a device has to run. Compacted by tenant/stream/device.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    device_id
        Name of the device, unique within the stream.
    version
        Version.
    file
        The model's file.
    signed
        The registry's signed statement about the version.
    serial
        Number of times that the device was sent back. A device takes an older version under a higher serial
        alone, and nothing under a lower one.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"Assignment","namespace":"edgeloop.rollout","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"device_id","type":"string","default":""},{"name":"version","type":"int","default":0},{"name":"file","type":{"type":"record","name":"ModelFile","namespace":"edgeloop.model","fields":[{"name":"digest","type":"string","default":""},{"name":"size","type":"long","default":0},{"name":"chunks","type":"int","default":0},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0}]},"default":{"digest":"","size":0,"chunks":0,"partition":0,"offset":0}},{"name":"signed","type":{"type":"record","name":"SignedStatement","namespace":"edgeloop.model","fields":[{"name":"statement","type":"bytes","default":""},{"name":"signature","type":"bytes","default":""},{"name":"key_id","type":"string","default":""}]},"default":{"statement":"","signature":"","key_id":""}},{"name":"serial","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.rollout.Assignment"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream', 'device_id')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    device_id: str
    version: int = 0
    file: ModelFile = field(default_factory=lambda: ModelFile())
    signed: SignedStatement = field(default_factory=lambda: SignedStatement())
    serial: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "device_id": self.device_id,
            "version": self.version,
            "file": self.file.as_dict(),
            "signed": self.signed.as_dict(),
            "serial": self.serial,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            device_id=fields["device_id"],
            version=fields["version"],
            file=ModelFile.from_dict(fields["file"]),
            signed=SignedStatement.from_dict(fields["signed"]),
            serial=fields["serial"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
            return "version"
        if fault := self.file.fault():
            return f"file.{fault}"
        return ""


class RolloutOrder(StrEnum):
    """PAUSE: no further device gets the version. RESUME: end of a pause. APPROVE: leave to begin a phase. ABORT:
    end of a rollout that is under way; its devices go back. ROLLBACK: the same, also after its end. OFFER: a
    version that was turned back begins anew. PIN: one device keeps a version. UNPIN: the device follows
    rollouts again. UNKNOWN: an order of a later release."""

    PAUSE = "PAUSE"
    RESUME = "RESUME"
    APPROVE = "APPROVE"
    ABORT = "ABORT"
    ROLLBACK = "ROLLBACK"
    OFFER = "OFFER"
    PIN = "PIN"
    UNPIN = "UNPIN"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutCommand:
    """Command: a person's order about a rollout or about the version of a device.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    command_id
        Id of the command, which its answers name.
    order
        The order.
    version
        PIN: version of the device. Otherwise the version that the order is about; 0 for that of the rollout.
    device_id
        PIN, UNPIN: name of the device.
    phase
        APPROVE: the phase, counted from 1; 0 for the next one.
    until
        APPROVE: record time at which the approval expires, milliseconds; null for no end.
    who
        Person or program that gave the order.
    why
        Reason.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"RolloutCommand","namespace":"edgeloop.rollout","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"command_id","type":"string","default":""},{"name":"order","type":{"type":"enum","name":"RolloutOrder","symbols":["PAUSE","RESUME","APPROVE","ABORT","ROLLBACK","OFFER","PIN","UNPIN","UNKNOWN"],"default":"UNKNOWN"},"default":"UNKNOWN"},{"name":"version","type":"int","default":0},{"name":"device_id","type":"string","default":""},{"name":"phase","type":"int","default":0},{"name":"until","type":["null","long"],"default":null},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""}]}'
    FULLNAME: ClassVar[str] = "edgeloop.rollout.RolloutCommand"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    command_id: str = ""
    order: RolloutOrder = RolloutOrder.UNKNOWN
    version: int = 0
    device_id: str = ""
    phase: int = 0
    until: int | None = None
    who: str = ""
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "command_id": self.command_id,
            "order": self.order.value,
            "version": self.version,
            "device_id": self.device_id,
            "phase": self.phase,
            "until": self.until,
            "who": self.who,
            "why": self.why,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            command_id=fields["command_id"],
            order=RolloutOrder(fields["order"]),
            version=fields["version"],
            device_id=fields["device_id"],
            phase=fields["phase"],
            until=fields["until"],
            who=fields["who"],
            why=fields["why"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
            return "version"
        if not -0x8000_0000 <= self.phase <= 0x7FFF_FFFF:
            return "phase"
        return ""


class RolloutFact(StrEnum):
    """STARTED, PHASE_BEGUN, AWAITING_APPROVAL, PAUSED, RESUMED, TURNED_BACK, DONE: stages of a rollout.
    SUPERSEDED: a newer version took its place. APPROVED, OFFERED, PINNED, UNPINNED: orders that were carried
    out. REFUSED: an order that was not. POLICY_REFUSED: a policy that cannot be carried out; the one before it
    stays. UNKNOWN: a fact of a later release."""

    STARTED = "STARTED"
    PHASE_BEGUN = "PHASE_BEGUN"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    APPROVED = "APPROVED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    TURNED_BACK = "TURNED_BACK"
    OFFERED = "OFFERED"
    DONE = "DONE"
    SUPERSEDED = "SUPERSEDED"
    PINNED = "PINNED"
    UNPINNED = "UNPINNED"
    REFUSED = "REFUSED"
    POLICY_REFUSED = "POLICY_REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFinding:
    """Evidence of one comparison of the new version with the old one.

    Attributes
    ----------
    metric
        Share that was compared.
    device_group
        Group of devices; empty for the whole fleet.
    old_rows
        Rows that the old version answered.
    old_errors
        Wrong answers among them.
    new_rows
        Rows that the new version answered.
    new_errors
        Wrong answers among them.
    difference
        Error rate of the new version minus that of the old one.
    lower
        Lower end of its confidence sequence.
    upper
        Upper end of its confidence sequence.
    alpha
        Level of the test and of the confidence sequence.
    log_evidence
        Natural logarithm of the e-value.
    """

    metric: str = ""
    device_group: str = ""
    old_rows: int = 0
    old_errors: int = 0
    new_rows: int = 0
    new_errors: int = 0
    difference: float = 0.0
    lower: float = -1.0
    upper: float = 1.0
    alpha: float = 0.0
    log_evidence: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "device_group": self.device_group,
            "old_rows": self.old_rows,
            "old_errors": self.old_errors,
            "new_rows": self.new_rows,
            "new_errors": self.new_errors,
            "difference": self.difference,
            "lower": self.lower,
            "upper": self.upper,
            "alpha": self.alpha,
            "log_evidence": self.log_evidence,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            metric=fields["metric"],
            device_group=fields["device_group"],
            old_rows=fields["old_rows"],
            old_errors=fields["old_errors"],
            new_rows=fields["new_rows"],
            new_errors=fields["new_errors"],
            difference=fields["difference"],
            lower=fields["lower"],
            upper=fields["upper"],
            alpha=fields["alpha"],
            log_evidence=fields["log_evidence"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutEvent:
    """Fact of a rollout, or the answer to an order.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    kind
        The fact.
    version
        Version of the rollout, or of the pinned device.
    previous
        Version that devices go back to; 0 for none.
    phase
        Phase, counted from 1; 0 for none. AWAITING_APPROVAL, APPROVED: the phase to come.
    phases
        Phases of the policy.
    devices
        Devices that are told a version by this.
    device_id
        PINNED, UNPINNED and their refusals: the device.
    evidence
        Comparisons that led to it.
    command_id
        Id of the command that it answers; empty for none.
    who
        Person or program behind it; empty for the evidence itself.
    why
        Reason that the person gave.
    reason
        REFUSED, POLICY_REFUSED: typed reason.
    message
        Sentence for people.
    at
        Record time of what led to it, milliseconds.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"RolloutEvent","namespace":"edgeloop.rollout","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"kind","type":{"type":"enum","name":"RolloutFact","symbols":["STARTED","PHASE_BEGUN","AWAITING_APPROVAL","APPROVED","PAUSED","RESUMED","TURNED_BACK","OFFERED","DONE","SUPERSEDED","PINNED","UNPINNED","REFUSED","POLICY_REFUSED","UNKNOWN"],"default":"UNKNOWN"},"default":"UNKNOWN"},{"name":"version","type":"int","default":0},{"name":"previous","type":"int","default":0},{"name":"phase","type":"int","default":0},{"name":"phases","type":"int","default":0},{"name":"devices","type":"int","default":0},{"name":"device_id","type":"string","default":""},{"name":"evidence","type":{"type":"array","items":{"type":"record","name":"RolloutFinding","fields":[{"name":"metric","type":"string","default":""},{"name":"device_group","type":"string","default":""},{"name":"old_rows","type":"long","default":0},{"name":"old_errors","type":"long","default":0},{"name":"new_rows","type":"long","default":0},{"name":"new_errors","type":"long","default":0},{"name":"difference","type":"double","default":0.0},{"name":"lower","type":"double","default":-1.0},{"name":"upper","type":"double","default":1.0},{"name":"alpha","type":"double","default":0.0},{"name":"log_evidence","type":"double","default":0.0}]}},"default":[]},{"name":"command_id","type":"string","default":""},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""},{"name":"reason","type":"string","default":""},{"name":"message","type":"string","default":""},{"name":"at","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.rollout.RolloutEvent"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    kind: RolloutFact = RolloutFact.UNKNOWN
    version: int = 0
    previous: int = 0
    phase: int = 0
    phases: int = 0
    devices: int = 0
    device_id: str = ""
    evidence: tuple[RolloutFinding, ...] = ()
    command_id: str = ""
    who: str = ""
    why: str = ""
    reason: str = ""
    message: str = ""
    at: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "kind": self.kind.value,
            "version": self.version,
            "previous": self.previous,
            "phase": self.phase,
            "phases": self.phases,
            "devices": self.devices,
            "device_id": self.device_id,
            "evidence": [x.as_dict() for x in self.evidence],
            "command_id": self.command_id,
            "who": self.who,
            "why": self.why,
            "reason": self.reason,
            "message": self.message,
            "at": self.at,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            kind=RolloutFact(fields["kind"]),
            version=fields["version"],
            previous=fields["previous"],
            phase=fields["phase"],
            phases=fields["phases"],
            devices=fields["devices"],
            device_id=fields["device_id"],
            evidence=tuple(RolloutFinding.from_dict(x) for x in fields["evidence"]),
            command_id=fields["command_id"],
            who=fields["who"],
            why=fields["why"],
            reason=fields["reason"],
            message=fields["message"],
            at=fields["at"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
            return "version"
        if not -0x8000_0000 <= self.previous <= 0x7FFF_FFFF:
            return "previous"
        if not -0x8000_0000 <= self.phase <= 0x7FFF_FFFF:
            return "phase"
        if not -0x8000_0000 <= self.phases <= 0x7FFF_FFFF:
            return "phases"
        if not -0x8000_0000 <= self.devices <= 0x7FFF_FFFF:
            return "devices"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The event that led to this one.

    Attributes
    ----------
    id
        ce_id of the causing event.
    correlation
        ce_correlationid, common to one chain of events.
    at
        topic/partition/offset of the causing event.
    """

    id: str = ""
    correlation: str = ""
    at: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "correlation": self.correlation,
            "at": self.at,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            id=fields["id"],
            correlation=fields["correlation"],
            at=fields["at"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutTarget:
    """The version that a stream's devices have to run.

    Attributes
    ----------
    version
        Its number, from 1.
    file
        The model's file.
    signed
        The registry's signed statement about the version.
    cause
        The ModelVersion event.
    """

    version: int = 0
    file: ModelFile = field(default_factory=lambda: ModelFile())
    signed: SignedStatement = field(default_factory=lambda: SignedStatement())
    cause: Cause = field(default_factory=lambda: Cause())

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "file": self.file.as_dict(),
            "signed": self.signed.as_dict(),
            "cause": self.cause.as_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            version=fields["version"],
            file=ModelFile.from_dict(fields["file"]),
            signed=SignedStatement.from_dict(fields["signed"]),
            cause=Cause.from_dict(fields["cause"]),
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
            return "version"
        if fault := self.file.fault():
            return f"file.{fault}"
        return ""


class RolloutStage(StrEnum):
    """Stage of a rollout."""

    RUNNING = "RUNNING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    TURNED_BACK = "TURNED_BACK"
    DONE = "DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutApproval:
    """Leave to begin a phase.

    Attributes
    ----------
    phase
        The phase, counted from 1.
    who
        Person.
    until
        Record time at which it expires, milliseconds; null for no end.
    """

    phase: int = 0
    who: str = ""
    until: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "phase": self.phase,
            "who": self.who,
            "until": self.until,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            phase=fields["phase"],
            who=fields["who"],
            until=fields["until"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.phase <= 0x7FFF_FFFF:
            return "phase"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutComparison:
    """State of one comparison.

    Attributes
    ----------
    metric
        Share that is compared.
    device_group
        Group of devices; null for the whole fleet.
    side
        Direction of the change that is tested.
    old_rows
        Rows that the old version answered.
    old_errors
        Wrong answers among them.
    new_rows
        Rows that the new version answered.
    new_errors
        Wrong answers among them.
    bets
        Growth and stake of each bet: doubles, little-endian.
    """

    metric: str = ""
    device_group: str | None = None
    side: str = ""
    old_rows: int = 0
    old_errors: int = 0
    new_rows: int = 0
    new_errors: int = 0
    bets: bytes = b""

    def as_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "device_group": self.device_group,
            "side": self.side,
            "old_rows": self.old_rows,
            "old_errors": self.old_errors,
            "new_rows": self.new_rows,
            "new_errors": self.new_errors,
            "bets": self.bets,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            metric=fields["metric"],
            device_group=fields["device_group"],
            side=fields["side"],
            old_rows=fields["old_rows"],
            old_errors=fields["old_errors"],
            new_rows=fields["new_rows"],
            new_errors=fields["new_errors"],
            bets=fields["bets"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutCounts:
    """Rows of one group since the last comparison.

    Attributes
    ----------
    device_group
        Group of the devices; empty for none.
    old_rows
        Rows that the old version answered.
    old_errors
        Wrong answers among them.
    new_rows
        Rows that the new version answered.
    new_errors
        Wrong answers among them.
    """

    device_group: str = ""
    old_rows: int = 0
    old_errors: int = 0
    new_rows: int = 0
    new_errors: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "device_group": self.device_group,
            "old_rows": self.old_rows,
            "old_errors": self.old_errors,
            "new_rows": self.new_rows,
            "new_errors": self.new_errors,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            device_group=fields["device_group"],
            old_rows=fields["old_rows"],
            old_errors=fields["old_errors"],
            new_rows=fields["new_rows"],
            new_errors=fields["new_errors"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRollout:
    """Rollout of one version.

    Attributes
    ----------
    version
        Version that is rolled out.
    previous
        Version that devices go back to; null for the first of a stream.
    stage
        Its stage.
    paused
        True if a person has paused it in this stage.
    phase
        RUNNING: its phase, AWAITING_APPROVAL: the phase to come; counted from 1.
    who
        Person who paused it or turned it back; empty for none.
    why
        Reason that the person gave.
    now
        Largest record time that it has seen, milliseconds.
    phase_rows
        Rows that the new version has answered in this phase.
    approval
        Leave that a person has given for a phase to come.
    comparisons
        Evidence so far.
    open
        Rows that are not compared yet.
    """

    version: int = 0
    previous: int | None = None
    stage: RolloutStage = RolloutStage.DONE
    paused: bool = False
    phase: int = 1
    who: str = ""
    why: str = ""
    now: int = 0
    phase_rows: int = 0
    approval: RolloutApproval | None = None
    comparisons: tuple[RolloutComparison, ...] = ()
    open: tuple[RolloutCounts, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "previous": self.previous,
            "stage": self.stage.value,
            "paused": self.paused,
            "phase": self.phase,
            "who": self.who,
            "why": self.why,
            "now": self.now,
            "phase_rows": self.phase_rows,
            "approval": None if self.approval is None else self.approval.as_dict(),
            "comparisons": [x.as_dict() for x in self.comparisons],
            "open": [x.as_dict() for x in self.open],
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            version=fields["version"],
            previous=fields["previous"],
            stage=RolloutStage(fields["stage"]),
            paused=fields["paused"],
            phase=fields["phase"],
            who=fields["who"],
            why=fields["why"],
            now=fields["now"],
            phase_rows=fields["phase_rows"],
            approval=None if fields["approval"] is None else RolloutApproval.from_dict(fields["approval"]),
            comparisons=tuple(RolloutComparison.from_dict(x) for x in fields["comparisons"]),
            open=tuple(RolloutCounts.from_dict(x) for x in fields["open"]),
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.version <= 0x7FFF_FFFF:
            return "version"
        if self.previous is not None:
            if not -0x8000_0000 <= self.previous <= 0x7FFF_FFFF:
                return "previous"
        if not -0x8000_0000 <= self.phase <= 0x7FFF_FFFF:
            return "phase"
        if self.approval is not None:
            if fault := self.approval.fault():
                return f"approval.{fault}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutDevice:
    """What is known of a device.

    Attributes
    ----------
    heard
        Record time at which it was last heard, to a minute, milliseconds.
    assigned
        Version that it was told; null if it follows the stream's target.
    installed
        Version that it reports; null before the first.
    pinned
        True if a person has fixed its version.
    serial
        Number of times that it was sent back.
    boot_epoch
        Boot epoch of its newest report, in a tenant that admits enrolled devices alone.
    report
        Number of that report.
    """

    heard: int = 0
    assigned: int | None = None
    installed: int | None = None
    pinned: bool = False
    serial: int = 0
    boot_epoch: int = 0
    report: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "heard": self.heard,
            "assigned": self.assigned,
            "installed": self.installed,
            "pinned": self.pinned,
            "serial": self.serial,
            "boot_epoch": self.boot_epoch,
            "report": self.report,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            heard=fields["heard"],
            assigned=fields["assigned"],
            installed=fields["installed"],
            pinned=fields["pinned"],
            serial=fields["serial"],
            boot_epoch=fields["boot_epoch"],
            report=fields["report"],
        )

    def fault(self) -> str:
        if self.assigned is not None:
            if not -0x8000_0000 <= self.assigned <= 0x7FFF_FFFF:
                return "assigned"
        if self.installed is not None:
            if not -0x8000_0000 <= self.installed <= 0x7FFF_FFFF:
                return "installed"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutState:
    """State of the rollout. Under tenant/stream: the rollout of the stream. Under tenant/stream/device: a device
    that has reported.

    Attributes
    ----------
    target
        Under tenant/stream: the version that devices run which were told no other. Null under
        tenant/stream/device.
    running
        Under tenant/stream: the newest rollout.
    turned_back
        Under tenant/stream: versions that were turned back.
    windows_end
        Under tenant/stream: offset after the last record of error.windows that was counted.
    commands_end
        Under tenant/stream: offset after the last order that was carried out or refused.
    device
        Under tenant/stream/device: what is known of the device.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"RolloutState","namespace":"edgeloop.rollout","fields":[{"name":"target","type":["null",{"type":"record","name":"RolloutTarget","fields":[{"name":"version","type":"int","default":0},{"name":"file","type":{"type":"record","name":"ModelFile","namespace":"edgeloop.model","fields":[{"name":"digest","type":"string","default":""},{"name":"size","type":"long","default":0},{"name":"chunks","type":"int","default":0},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0}]},"default":{"digest":"","size":0,"chunks":0,"partition":0,"offset":0}},{"name":"signed","type":{"type":"record","name":"SignedStatement","namespace":"edgeloop.model","fields":[{"name":"statement","type":"bytes","default":""},{"name":"signature","type":"bytes","default":""},{"name":"key_id","type":"string","default":""}]},"default":{"statement":"","signature":"","key_id":""}},{"name":"cause","type":{"type":"record","name":"Cause","namespace":"edgeloop.training","fields":[{"name":"id","type":"string","default":""},{"name":"correlation","type":"string","default":""},{"name":"at","type":"string","default":""}]},"default":{"id":"","correlation":"","at":""}}]}],"default":null},{"name":"running","type":["null",{"type":"record","name":"RunningRollout","fields":[{"name":"version","type":"int","default":0},{"name":"previous","type":["null","int"],"default":null},{"name":"stage","type":{"type":"enum","name":"RolloutStage","symbols":["RUNNING","AWAITING_APPROVAL","TURNED_BACK","DONE"],"default":"DONE"},"default":"DONE"},{"name":"paused","type":"boolean","default":false},{"name":"phase","type":"int","default":1},{"name":"who","type":"string","default":""},{"name":"why","type":"string","default":""},{"name":"now","type":"long","default":0},{"name":"phase_rows","type":"long","default":0},{"name":"approval","type":["null",{"type":"record","name":"RolloutApproval","fields":[{"name":"phase","type":"int","default":0},{"name":"who","type":"string","default":""},{"name":"until","type":["null","long"],"default":null}]}],"default":null},{"name":"comparisons","type":{"type":"array","items":{"type":"record","name":"RolloutComparison","fields":[{"name":"metric","type":"string","default":""},{"name":"device_group","type":["null","string"],"default":null},{"name":"side","type":"string","default":""},{"name":"old_rows","type":"long","default":0},{"name":"old_errors","type":"long","default":0},{"name":"new_rows","type":"long","default":0},{"name":"new_errors","type":"long","default":0},{"name":"bets","type":"bytes","default":""}]}},"default":[]},{"name":"open","type":{"type":"array","items":{"type":"record","name":"RolloutCounts","fields":[{"name":"device_group","type":"string","default":""},{"name":"old_rows","type":"long","default":0},{"name":"old_errors","type":"long","default":0},{"name":"new_rows","type":"long","default":0},{"name":"new_errors","type":"long","default":0}]}},"default":[]}]}],"default":null},{"name":"turned_back","type":{"type":"array","items":"int"},"default":[]},{"name":"windows_end","type":"long","default":0},{"name":"commands_end","type":"long","default":0},{"name":"device","type":["null",{"type":"record","name":"RolloutDevice","fields":[{"name":"heard","type":"long","default":0},{"name":"assigned","type":["null","int"],"default":null},{"name":"installed","type":["null","int"],"default":null},{"name":"pinned","type":"boolean","default":false},{"name":"serial","type":"long","default":0},{"name":"boot_epoch","type":"long","default":0},{"name":"report","type":"long","default":0}]}],"default":null}]}'
    FULLNAME: ClassVar[str] = "edgeloop.rollout.RolloutState"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    target: RolloutTarget | None = None
    running: RunningRollout | None = None
    turned_back: tuple[int, ...] = ()
    windows_end: int = 0
    commands_end: int = 0
    device: RolloutDevice | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "target": None if self.target is None else self.target.as_dict(),
            "running": None if self.running is None else self.running.as_dict(),
            "turned_back": list(self.turned_back),
            "windows_end": self.windows_end,
            "commands_end": self.commands_end,
            "device": None if self.device is None else self.device.as_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            target=None if fields["target"] is None else RolloutTarget.from_dict(fields["target"]),
            running=None if fields["running"] is None else RunningRollout.from_dict(fields["running"]),
            turned_back=tuple(fields["turned_back"]),
            windows_end=fields["windows_end"],
            commands_end=fields["commands_end"],
            device=None if fields["device"] is None else RolloutDevice.from_dict(fields["device"]),
        )

    def fault(self) -> str:
        if self.target is not None:
            if fault := self.target.fault():
                return f"target.{fault}"
        if self.running is not None:
            if fault := self.running.fault():
                return f"running.{fault}"
        for x in self.turned_back:
            if not -0x8000_0000 <= x <= 0x7FFF_FFFF:
                return "turned_back"
        if self.device is not None:
            if fault := self.device.fault():
                return f"device.{fault}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutVersion:
    """State of the rollout, under tenant/stream/version: a version that devices can be told to run.

    Attributes
    ----------
    target
        Its file and signature.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"RolloutVersion","namespace":"edgeloop.rollout","fields":[{"name":"target","type":["null",{"type":"record","name":"RolloutTarget","fields":[{"name":"version","type":"int","default":0},{"name":"file","type":{"type":"record","name":"ModelFile","namespace":"edgeloop.model","fields":[{"name":"digest","type":"string","default":""},{"name":"size","type":"long","default":0},{"name":"chunks","type":"int","default":0},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0}]},"default":{"digest":"","size":0,"chunks":0,"partition":0,"offset":0}},{"name":"signed","type":{"type":"record","name":"SignedStatement","namespace":"edgeloop.model","fields":[{"name":"statement","type":"bytes","default":""},{"name":"signature","type":"bytes","default":""},{"name":"key_id","type":"string","default":""}]},"default":{"statement":"","signature":"","key_id":""}},{"name":"cause","type":{"type":"record","name":"Cause","namespace":"edgeloop.training","fields":[{"name":"id","type":"string","default":""},{"name":"correlation","type":"string","default":""},{"name":"at","type":"string","default":""}]},"default":{"id":"","correlation":"","at":""}}],"namespace":"edgeloop.rollout"}],"default":null}]}'
    FULLNAME: ClassVar[str] = "edgeloop.rollout.RolloutVersion"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    target: RolloutTarget | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "target": None if self.target is None else self.target.as_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            target=None if fields["target"] is None else RolloutTarget.from_dict(fields["target"]),
        )

    def fault(self) -> str:
        if self.target is not None:
            if fault := self.target.fault():
                return f"target.{fault}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetRange:
    """Offsets of one input partition.

    Attributes
    ----------
    topic
        Topic.
    partition
        Partition.
    first
        First offset of this transaction.
    end
        Next offset.
    """

    topic: str = ""
    partition: int = 0
    first: int = 0
    end: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "partition": self.partition,
            "first": self.first,
            "end": self.end,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            topic=fields["topic"],
            partition=fields["partition"],
            first=fields["first"],
            end=fields["end"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.partition <= 0x7FFF_FFFF:
            return "partition"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Last record of each transaction of a service: the inputs that it handled.

    Attributes
    ----------
    service
        Service.
    now
        Largest record time handled, ms.
    transaction
        Transactions so far of this partition.
    ranges
        Per input partition: the offsets that this transaction handled. A partition without new records has
        first = end.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"Checkpoint","namespace":"edgeloop.state","fields":[{"name":"service","type":"string","default":""},{"name":"now","type":"long","default":0},{"name":"transaction","type":"long","default":0},{"name":"ranges","type":{"type":"array","items":{"type":"record","name":"OffsetRange","fields":[{"name":"topic","type":"string","default":""},{"name":"partition","type":"int","default":0},{"name":"first","type":"long","default":0},{"name":"end","type":"long","default":0}]}},"default":[]}]}'
    FULLNAME: ClassVar[str] = "edgeloop.state.Checkpoint"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    service: str = ""
    now: int = 0
    transaction: int = 0
    ranges: tuple[OffsetRange, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "now": self.now,
            "transaction": self.transaction,
            "ranges": [x.as_dict() for x in self.ranges],
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            service=fields["service"],
            now=fields["now"],
            transaction=fields["transaction"],
            ranges=tuple(OffsetRange.from_dict(x) for x in fields["ranges"]),
        )

    def fault(self) -> str:
        for x in self.ranges:
            if fault := x.fault():
                return f"ranges.{fault}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingAlarm:
    """A signal or command whose row has not been decided yet.

    Attributes
    ----------
    id
        Signal or command id.
    row
        Labelled row at which it takes effect.
    command
        True if a person or a retry asked.
    cause
        The signal or command.
    alone
        True if only versions without their adapter got worse. Such a signal does not change open stages.
    """

    id: str = ""
    row: int = 0
    command: bool = False
    cause: Cause = field(default_factory=lambda: Cause())
    alone: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "row": self.row,
            "command": self.command,
            "cause": self.cause.as_dict(),
            "alone": self.alone,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            id=fields["id"],
            row=fields["row"],
            command=fields["command"],
            cause=Cause.from_dict(fields["cause"]),
            alone=fields["alone"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignState:
    """State of retraining of one stream. The places of its rows are in pages.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    seed
        Seed of the stream's fits; null leaves it to the trainer.
    rows
        Labelled rows folded.
    positions
        Positions in examples.
    detected
        Labelled rows that detection has processed.
    decided
        Labelled rows up to which all is decided: the smaller of rows and detected.
    answered
        Labelled row from which on a model answered; null while none has.
    campaign
        Open campaign; null for none.
    opened
        Row of its signal.
    command
        True if a person or a retry asked for it.
    stage
        Next stage of the campaign.
    cause
        Event that opened it.
    waiting
        Signals and commands that are not decided yet, in order of row.
    commands
        Newest command ids handled.
    spent
        Rows of the budget that fits have used.
    spent_at
        Row at which that holds.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"CampaignState","namespace":"edgeloop.training","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"seed","type":["null","long"],"default":null},{"name":"rows","type":"long","default":0},{"name":"positions","type":{"type":"array","items":{"type":"record","name":"Position","fields":[{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0},{"name":"index","type":"long","default":0}]}},"default":[]},{"name":"detected","type":"long","default":0},{"name":"decided","type":"long","default":0},{"name":"answered","type":["null","long"],"default":null},{"name":"campaign","type":["null","string"],"default":null},{"name":"opened","type":"long","default":0},{"name":"command","type":"boolean","default":false},{"name":"stage","type":"int","default":0},{"name":"cause","type":{"type":"record","name":"Cause","fields":[{"name":"id","type":"string","default":""},{"name":"correlation","type":"string","default":""},{"name":"at","type":"string","default":""}]},"default":{"id":"","correlation":"","at":""}},{"name":"waiting","type":{"type":"array","items":{"type":"record","name":"WaitingAlarm","fields":[{"name":"id","type":"string","default":""},{"name":"row","type":"long","default":0},{"name":"command","type":"boolean","default":false},{"name":"cause","type":"Cause","default":{"id":"","correlation":"","at":""}},{"name":"alone","type":"boolean","default":false}]}},"default":[]},{"name":"commands","type":{"type":"array","items":"string"},"default":[]},{"name":"spent","type":"long","default":0},{"name":"spent_at","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.training.CampaignState"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str = "default"
    stream: str = ""
    seed: int | None = None
    rows: int = 0
    positions: tuple[Position, ...] = ()
    detected: int = 0
    decided: int = 0
    answered: int | None = None
    campaign: str | None = None
    opened: int = 0
    command: bool = False
    stage: int = 0
    cause: Cause = field(default_factory=lambda: Cause())
    waiting: tuple[WaitingAlarm, ...] = ()
    commands: tuple[str, ...] = ()
    spent: int = 0
    spent_at: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "seed": self.seed,
            "rows": self.rows,
            "positions": [x.as_dict() for x in self.positions],
            "detected": self.detected,
            "decided": self.decided,
            "answered": self.answered,
            "campaign": self.campaign,
            "opened": self.opened,
            "command": self.command,
            "stage": self.stage,
            "cause": self.cause.as_dict(),
            "waiting": [x.as_dict() for x in self.waiting],
            "commands": list(self.commands),
            "spent": self.spent,
            "spent_at": self.spent_at,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            seed=fields["seed"],
            rows=fields["rows"],
            positions=tuple(Position.from_dict(x) for x in fields["positions"]),
            detected=fields["detected"],
            decided=fields["decided"],
            answered=fields["answered"],
            campaign=fields["campaign"],
            opened=fields["opened"],
            command=fields["command"],
            stage=fields["stage"],
            cause=Cause.from_dict(fields["cause"]),
            waiting=tuple(WaitingAlarm.from_dict(x) for x in fields["waiting"]),
            commands=tuple(fields["commands"]),
            spent=fields["spent"],
            spent_at=fields["spent_at"],
        )

    def fault(self) -> str:
        for x in self.positions:
            if fault := x.fault():
                return f"positions.{fault}"
        if not -0x8000_0000 <= self.stage <= 0x7FFF_FFFF:
            return "stage"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenger:
    """A fitted or recalled model, and its file.

    Attributes
    ----------
    file
        The model's file.
    classes
        Class names; none for regression.
    definition_version
        Version of the stream definition that the model was trained on.
    rows
        Rows of the training data.
    dataset_digest
        Digest of the training data.
    parameters
        Parameters of the fit.
    metrics
        Metrics of the fit.
    fit_seconds
        Wall time of the fit.
    recalls
        Archived version that the challenger is; null for a fit.
    """

    file: ModelFile = field(default_factory=lambda: ModelFile())
    classes: tuple[str, ...] = ()
    definition_version: int = 0
    rows: int = 0
    dataset_digest: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    fit_seconds: float = 0.0
    recalls: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.file.as_dict(),
            "classes": list(self.classes),
            "definition_version": self.definition_version,
            "rows": self.rows,
            "dataset_digest": self.dataset_digest,
            "parameters": dict(self.parameters),
            "metrics": dict(self.metrics),
            "fit_seconds": self.fit_seconds,
            "recalls": self.recalls,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            file=ModelFile.from_dict(fields["file"]),
            classes=tuple(fields["classes"]),
            definition_version=fields["definition_version"],
            rows=fields["rows"],
            dataset_digest=fields["dataset_digest"],
            parameters=fields["parameters"],
            metrics=fields["metrics"],
            fit_seconds=fields["fit_seconds"],
            recalls=fields["recalls"],
        )

    def fault(self) -> str:
        if fault := self.file.fault():
            return f"file.{fault}"
        if not -0x8000_0000 <= self.definition_version <= 0x7FFF_FFFF:
            return "definition_version"
        if self.recalls is not None:
            if not -0x8000_0000 <= self.recalls <= 0x7FFF_FFFF:
                return "recalls"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTally:
    """Counts and errors of challenger and champion on the rows judged so far.

    Attributes
    ----------
    wins
        Rows that only the challenger answered right, or with the smaller error.
    losses
        Rows that only the champion answered right, or with the smaller error.
    both
        Rows that both answered right.
    judged
        All rows.
    absolute
        Sum of the challenger's absolute errors, where answers are numbers.
    squared
        Sum of the challenger's squared errors.
    champion_absolute
        Sum of the champion's absolute errors.
    champion_squared
        Sum of the champion's squared errors.
    """

    wins: int = 0
    losses: int = 0
    both: int = 0
    judged: int = 0
    absolute: float = 0.0
    squared: float = 0.0
    champion_absolute: float = 0.0
    champion_squared: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "wins": self.wins,
            "losses": self.losses,
            "both": self.both,
            "judged": self.judged,
            "absolute": self.absolute,
            "squared": self.squared,
            "champion_absolute": self.champion_absolute,
            "champion_squared": self.champion_squared,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            wins=fields["wins"],
            losses=fields["losses"],
            both=fields["both"],
            judged=fields["judged"],
            absolute=fields["absolute"],
            squared=fields["squared"],
            champion_absolute=fields["champion_absolute"],
            champion_squared=fields["champion_squared"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtGate:
    """The challenger of a request while later rows decide between it and the champion.

    Attributes
    ----------
    request_id
        Id of the training request.
    campaign
        Campaign of the request.
    stage
        Stage of the campaign.
    row
        Number of the newest row of the training data; the gate begins at the next one.
    until
        Number of the last row of the gate.
    minimum
        Rows on which the two models must differ before a promotion ahead of the last row.
    cause
        The event of the request.
    challenger
        The model to be judged.
    champion_version
        Version that it is compared with; null where the stream has none.
    tally
        Counts so far.
    next_row
        Number of the row to be judged next.
    """

    request_id: str = ""
    campaign: str = ""
    stage: int = 0
    row: int = 0
    until: int = 0
    minimum: int = 4
    cause: Cause = field(default_factory=lambda: Cause())
    challenger: Challenger = field(default_factory=lambda: Challenger())
    champion_version: int | None = None
    tally: GateTally = field(default_factory=lambda: GateTally())
    next_row: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "request_id": self.request_id,
            "campaign": self.campaign,
            "stage": self.stage,
            "row": self.row,
            "until": self.until,
            "minimum": self.minimum,
            "cause": self.cause.as_dict(),
            "challenger": self.challenger.as_dict(),
            "champion_version": self.champion_version,
            "tally": self.tally.as_dict(),
            "next_row": self.next_row,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            request_id=fields["request_id"],
            campaign=fields["campaign"],
            stage=fields["stage"],
            row=fields["row"],
            until=fields["until"],
            minimum=fields["minimum"],
            cause=Cause.from_dict(fields["cause"]),
            challenger=Challenger.from_dict(fields["challenger"]),
            champion_version=fields["champion_version"],
            tally=GateTally.from_dict(fields["tally"]),
            next_row=fields["next_row"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.stage <= 0x7FFF_FFFF:
            return "stage"
        if fault := self.challenger.fault():
            return f"challenger.{fault}"
        if self.champion_version is not None:
            if not -0x8000_0000 <= self.champion_version <= 0x7FFF_FFFF:
                return "champion_version"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingRegistry:
    """A candidate that the registry has not answered yet.

    Attributes
    ----------
    request_id
        Id of the training request.
    digest
        SHA-256 of the candidate's file, hex.
    """

    request_id: str = ""
    digest: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "request_id": self.request_id,
            "digest": self.digest,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            request_id=fields["request_id"],
            digest=fields["digest"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """Trials of one stream: its labelled rows as the trainer has counted them, the challenger at the gate and the
    candidate at the registry.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    rows
        Labelled rows folded.
    last_offset
        Offset in drift.partials of the newest partial folded, null before the first one; a partial at or
        before it is a repeat.
    marks
        About one mark per thousand rows, oldest first. The order of older rows is read again from a mark.
    done
        Ids of the newest requests whose fit has ended.
    gate
        The challenger at the gate; null for none.
    awaiting
        The candidate at the registry; null for none.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"GateState","namespace":"edgeloop.training","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"rows","type":"long","default":0},{"name":"last_offset","type":["null","long"],"default":null},{"name":"marks","type":{"type":"array","items":{"type":"record","name":"RowMark","fields":[{"name":"row","type":"long","default":0},{"name":"offset","type":"long","default":0}]}},"default":[]},{"name":"done","type":{"type":"array","items":"string"},"default":[]},{"name":"gate","type":["null",{"type":"record","name":"AtGate","fields":[{"name":"request_id","type":"string","default":""},{"name":"campaign","type":"string","default":""},{"name":"stage","type":"int","default":0},{"name":"row","type":"long","default":0},{"name":"until","type":"long","default":0},{"name":"minimum","type":"long","default":4},{"name":"cause","type":{"type":"record","name":"Cause","fields":[{"name":"id","type":"string","default":""},{"name":"correlation","type":"string","default":""},{"name":"at","type":"string","default":""}]},"default":{"id":"","correlation":"","at":""}},{"name":"challenger","type":{"type":"record","name":"Challenger","fields":[{"name":"file","type":{"type":"record","name":"ModelFile","namespace":"edgeloop.model","fields":[{"name":"digest","type":"string","default":""},{"name":"size","type":"long","default":0},{"name":"chunks","type":"int","default":0},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0}]},"default":{"digest":"","size":0,"chunks":0,"partition":0,"offset":0}},{"name":"classes","type":{"type":"array","items":"string"},"default":[]},{"name":"definition_version","type":"int","default":0},{"name":"rows","type":"long","default":0},{"name":"dataset_digest","type":"string","default":""},{"name":"parameters","type":{"type":"map","values":"string"},"default":{}},{"name":"metrics","type":{"type":"map","values":"double"},"default":{}},{"name":"fit_seconds","type":"double","default":0.0},{"name":"recalls","type":["null","int"],"default":null}]},"default":{"file":{"digest":"","size":0,"chunks":0,"partition":0,"offset":0},"classes":[],"definition_version":0,"rows":0,"dataset_digest":"","parameters":{},"metrics":{},"fit_seconds":0.0,"recalls":null}},{"name":"champion_version","type":["null","int"],"default":null},{"name":"tally","type":{"type":"record","name":"GateTally","fields":[{"name":"wins","type":"long","default":0},{"name":"losses","type":"long","default":0},{"name":"both","type":"long","default":0},{"name":"judged","type":"long","default":0},{"name":"absolute","type":"double","default":0.0},{"name":"squared","type":"double","default":0.0},{"name":"champion_absolute","type":"double","default":0.0},{"name":"champion_squared","type":"double","default":0.0}]},"default":{"wins":0,"losses":0,"both":0,"judged":0,"absolute":0.0,"squared":0.0,"champion_absolute":0.0,"champion_squared":0.0}},{"name":"next_row","type":"long","default":0}]}],"default":null},{"name":"awaiting","type":["null",{"type":"record","name":"AwaitingRegistry","fields":[{"name":"request_id","type":"string","default":""},{"name":"digest","type":"string","default":""}]}],"default":null}]}'
    FULLNAME: ClassVar[str] = "edgeloop.training.GateState"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str = "default"
    stream: str = ""
    rows: int = 0
    last_offset: int | None = None
    marks: tuple[RowMark, ...] = ()
    done: tuple[str, ...] = ()
    gate: AtGate | None = None
    awaiting: AwaitingRegistry | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "rows": self.rows,
            "last_offset": self.last_offset,
            "marks": [x.as_dict() for x in self.marks],
            "done": list(self.done),
            "gate": None if self.gate is None else self.gate.as_dict(),
            "awaiting": None if self.awaiting is None else self.awaiting.as_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            rows=fields["rows"],
            last_offset=fields["last_offset"],
            marks=tuple(RowMark.from_dict(x) for x in fields["marks"]),
            done=tuple(fields["done"]),
            gate=None if fields["gate"] is None else AtGate.from_dict(fields["gate"]),
            awaiting=None if fields["awaiting"] is None else AwaitingRegistry.from_dict(fields["awaiting"]),
        )

    def fault(self) -> str:
        if self.gate is not None:
            if fault := self.gate.fault():
                return f"gate.{fault}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The place of some labelled rows.

    Attributes
    ----------
    partition
        Partition of examples.
    offset
        Offset of their batch.
    first_index
        Index of the first row.
    count
        Number of rows.
    row
        Labelled rows of the stream before these.
    """

    partition: int = 0
    offset: int = 0
    first_index: int = 0
    count: int = 0
    row: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "partition": self.partition,
            "offset": self.offset,
            "first_index": self.first_index,
            "count": self.count,
            "row": self.row,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            partition=fields["partition"],
            offset=fields["offset"],
            first_index=fields["first_index"],
            count=fields["count"],
            row=fields["row"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.partition <= 0x7FFF_FFFF:
            return "partition"
        if not -0x8000_0000 <= self.count <= 0x7FFF_FFFF:
            return "count"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPage:
    """Places of some consecutive labelled rows of a stream. Pages start at fixed row numbers, so that only the
    newest page is rewritten.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    references
        References that start in this page, oldest first.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"RowPage","namespace":"edgeloop.training","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"references","type":{"type":"array","items":{"type":"record","name":"Reference","fields":[{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0},{"name":"first_index","type":"long","default":0},{"name":"count","type":"int","default":0},{"name":"row","type":"long","default":0}]}},"default":[]}]}'
    FULLNAME: ClassVar[str] = "edgeloop.training.RowPage"
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str = "default"
    stream: str = ""
    references: tuple[Reference, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "references": [x.as_dict() for x in self.references],
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            references=tuple(Reference.from_dict(x) for x in fields["references"]),
        )

    def fault(self) -> str:
        for x in self.references:
            if fault := x.fault():
                return f"references.{fault}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTraining:
    """Command: train the first version of a stream, or a version on demand.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    command_id
        Id of the command; a repeat changes nothing.
    rows
        Labelled rows that must exist before the fit.
    seed
        Seed of this stream's fits from here on; null leaves it to the trainer.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"StartTraining","namespace":"edgeloop.training","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"command_id","type":"string","default":""},{"name":"rows","type":"long","default":0},{"name":"seed","type":["null","long"],"default":null}]}'
    FULLNAME: ClassVar[str] = "edgeloop.training.StartTraining"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    command_id: str = ""
    rows: int = 0
    seed: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "command_id": self.command_id,
            "rows": self.rows,
            "seed": self.seed,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            command_id=fields["command_id"],
            rows=fields["rows"],
            seed=fields["seed"],
        )

    def fault(self) -> str:
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Examples of one partition.

    Attributes
    ----------
    partition
        Partition.
    first_offset
        First offset to read.
    end_offset
        Offset after the last one to read.
    first_index
        First index of the range.
    end_index
        Index after the last one.
    """

    partition: int = 0
    first_offset: int = 0
    end_offset: int = 0
    first_index: int = 0
    end_index: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "partition": self.partition,
            "first_offset": self.first_offset,
            "end_offset": self.end_offset,
            "first_index": self.first_index,
            "end_index": self.end_index,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            partition=fields["partition"],
            first_offset=fields["first_offset"],
            end_offset=fields["end_offset"],
            first_index=fields["first_index"],
            end_index=fields["end_index"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.partition <= 0x7FFF_FFFF:
            return "partition"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The places of a dataset's rows.

    Attributes
    ----------
    cluster_id
        Kafka cluster.
    topic
        Topic.
    ranges
        Ranges in order of partition.
    rows
        Total rows.
    digest
        SHA-256 over the rows in reading order; empty in a request.
    """

    cluster_id: str = ""
    topic: str = ""
    ranges: tuple[Range, ...] = ()
    rows: int = 0
    digest: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "cluster_id": self.cluster_id,
            "topic": self.topic,
            "ranges": [x.as_dict() for x in self.ranges],
            "rows": self.rows,
            "digest": self.digest,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            cluster_id=fields["cluster_id"],
            topic=fields["topic"],
            ranges=tuple(Range.from_dict(x) for x in fields["ranges"]),
            rows=fields["rows"],
            digest=fields["digest"],
        )

    def fault(self) -> str:
        for x in self.ranges:
            if fault := x.fault():
                return f"ranges.{fault}"
        return ""


class GateKind(StrEnum):
    """Opponent of the challenger."""

    CHAMPION = "CHAMPION"
    MAJORITY = "MAJORITY"


class Occasion(StrEnum):
    """Reason of a fit. DRIFT: a stage of a campaign that a signal opened. QUIET: no signal has come for a given
    number of rows. COMMAND: a person asked."""

    UNKNOWN = "UNKNOWN"
    DRIFT = "DRIFT"
    QUIET = "QUIET"
    COMMAND = "COMMAND"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """A fit is due on the rows of a manifest.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    request_id
        campaign/stage.
    campaign
        Id of the signal or command of the campaign.
    stage
        Number of the stage, from 0.
    seed
        Seed of the fit; null leaves it to the trainer.
    manifest
        The rows to fit on.
    row
        Labelled rows of the stream at which the window ends.
    gate
        CHAMPION: the current version, on labelled rows after the window. MAJORITY: the majority class, on the
        newest rows of the window.
    gate_until
        Last labelled row of the gate.
    cause
        First event of the chain; later events carry it in their headers.
    occasion
        Reason of the fit.
    opened
        Labelled rows of the stream at the signal or command that opened the campaign.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"TrainingRequest","namespace":"edgeloop.training","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"request_id","type":"string","default":""},{"name":"campaign","type":"string","default":""},{"name":"stage","type":"int","default":0},{"name":"seed","type":["null","long"],"default":null},{"name":"manifest","type":{"type":"record","name":"Manifest","fields":[{"name":"cluster_id","type":"string","default":""},{"name":"topic","type":"string","default":""},{"name":"ranges","type":{"type":"array","items":{"type":"record","name":"Range","fields":[{"name":"partition","type":"int","default":0},{"name":"first_offset","type":"long","default":0},{"name":"end_offset","type":"long","default":0},{"name":"first_index","type":"long","default":0},{"name":"end_index","type":"long","default":0}]}},"default":[]},{"name":"rows","type":"long","default":0},{"name":"digest","type":"string","default":""}]},"default":{"cluster_id":"","topic":"","ranges":[],"rows":0,"digest":""}},{"name":"row","type":"long","default":0},{"name":"gate","type":{"type":"enum","name":"GateKind","symbols":["CHAMPION","MAJORITY"],"default":"CHAMPION"},"default":"CHAMPION"},{"name":"gate_until","type":"long","default":0},{"name":"cause","type":{"type":"record","name":"Cause","fields":[{"name":"id","type":"string","default":""},{"name":"correlation","type":"string","default":""},{"name":"at","type":"string","default":""}]},"default":{"id":"","correlation":"","at":""}},{"name":"occasion","type":{"type":"enum","name":"Occasion","symbols":["UNKNOWN","DRIFT","QUIET","COMMAND"],"default":"UNKNOWN"},"default":"UNKNOWN"},{"name":"opened","type":"long","default":0}]}'
    FULLNAME: ClassVar[str] = "edgeloop.training.TrainingRequest"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    request_id: str = ""
    campaign: str = ""
    stage: int = 0
    seed: int | None = None
    manifest: Manifest = field(default_factory=lambda: Manifest())
    row: int = 0
    gate: GateKind = GateKind.CHAMPION
    gate_until: int = 0
    cause: Cause = field(default_factory=lambda: Cause())
    occasion: Occasion = Occasion.UNKNOWN
    opened: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "request_id": self.request_id,
            "campaign": self.campaign,
            "stage": self.stage,
            "seed": self.seed,
            "manifest": self.manifest.as_dict(),
            "row": self.row,
            "gate": self.gate.value,
            "gate_until": self.gate_until,
            "cause": self.cause.as_dict(),
            "occasion": self.occasion.value,
            "opened": self.opened,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            request_id=fields["request_id"],
            campaign=fields["campaign"],
            stage=fields["stage"],
            seed=fields["seed"],
            manifest=Manifest.from_dict(fields["manifest"]),
            row=fields["row"],
            gate=GateKind(fields["gate"]),
            gate_until=fields["gate_until"],
            cause=Cause.from_dict(fields["cause"]),
            occasion=Occasion(fields["occasion"]),
            opened=fields["opened"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.stage <= 0x7FFF_FFFF:
            return "stage"
        if fault := self.manifest.fault():
            return f"manifest.{fault}"
        return ""


class RunStatus(StrEnum):
    """FITTED: the challenger waits for rows at the gate. PROMOTED, REJECTED and FAILED end the run. TRIAL: a
    search step before the fit."""

    FITTED = "FITTED"
    PROMOTED = "PROMOTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    TRIAL = "TRIAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """Course and result of a trial.

    Attributes
    ----------
    tenant
        Owner of the stream.
    stream
        Name of the stream; a stream's model has the same name.
    request_id
        campaign/stage.
    campaign
        Campaign.
    stage
        Stage.
    status
        Status of the trial.
    file
        The challenger's file; null if there is none. The chunks of a rejected challenger are deleted later.
    rows
        Rows fitted on.
    dataset_digest
        SHA-256 over those rows.
    champion_version
        Version it was judged against; null for none.
    wins
        Rows that only the challenger answered right, or with the smaller error.
    losses
        Rows that only the champion answered right, or with the smaller error.
    judged
        Rows judged.
    row
        Labelled row of the decision.
    metrics
        Metrics such as accuracy, mae, rmse and parity; no times.
    parameters
        Parameters of the fit.
    fit_seconds
        Wall time of the fit.
    reason
        Reason of the result.
    trial
        TRIAL: number of the trial, from 1. Else null.
    classes
        Class names in the order of the probabilities; none for regression.
    definition_version
        Stream definition that it was trained on.
    recalls
        Archived version that stands at the gate, as it did better on the new rows than a fresh fit; null for
        a fit.
    """

    SCHEMA: ClassVar[str] = '{"type":"record","name":"TrainingRun","namespace":"edgeloop.training","fields":[{"name":"tenant","type":"string","default":"default"},{"name":"stream","type":"string","default":""},{"name":"request_id","type":"string","default":""},{"name":"campaign","type":"string","default":""},{"name":"stage","type":"int","default":0},{"name":"status","type":{"type":"enum","name":"RunStatus","symbols":["FITTED","PROMOTED","REJECTED","FAILED","TRIAL"],"default":"FITTED"},"default":"FITTED"},{"name":"file","type":["null",{"type":"record","name":"ModelFile","namespace":"edgeloop.model","fields":[{"name":"digest","type":"string","default":""},{"name":"size","type":"long","default":0},{"name":"chunks","type":"int","default":0},{"name":"partition","type":"int","default":0},{"name":"offset","type":"long","default":0}]}],"default":null},{"name":"rows","type":"long","default":0},{"name":"dataset_digest","type":"string","default":""},{"name":"champion_version","type":["null","int"],"default":null},{"name":"wins","type":"long","default":0},{"name":"losses","type":"long","default":0},{"name":"judged","type":"long","default":0},{"name":"row","type":"long","default":0},{"name":"metrics","type":{"type":"map","values":"double"},"default":{}},{"name":"parameters","type":{"type":"map","values":"string"},"default":{}},{"name":"fit_seconds","type":"double","default":0.0},{"name":"reason","type":"string","default":""},{"name":"trial","type":["null","int"],"default":null},{"name":"classes","type":{"type":"array","items":"string"},"default":[]},{"name":"definition_version","type":"int","default":0},{"name":"recalls","type":["null","int"],"default":null}]}'
    FULLNAME: ClassVar[str] = "edgeloop.training.TrainingRun"
    IDENTITY: ClassVar[tuple[str, ...]] = ('tenant', 'stream')
    EITHER: ClassVar[tuple[tuple[str, ...], ...]] = ()
    UNKNOWN: ClassVar[tuple[str, ...]] = ()

    tenant: str
    stream: str
    request_id: str = ""
    campaign: str = ""
    stage: int = 0
    status: RunStatus = RunStatus.FITTED
    file: ModelFile | None = None
    rows: int = 0
    dataset_digest: str = ""
    champion_version: int | None = None
    wins: int = 0
    losses: int = 0
    judged: int = 0
    row: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    fit_seconds: float = 0.0
    reason: str = ""
    trial: int | None = None
    classes: tuple[str, ...] = ()
    definition_version: int = 0
    recalls: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "stream": self.stream,
            "request_id": self.request_id,
            "campaign": self.campaign,
            "stage": self.stage,
            "status": self.status.value,
            "file": None if self.file is None else self.file.as_dict(),
            "rows": self.rows,
            "dataset_digest": self.dataset_digest,
            "champion_version": self.champion_version,
            "wins": self.wins,
            "losses": self.losses,
            "judged": self.judged,
            "row": self.row,
            "metrics": dict(self.metrics),
            "parameters": dict(self.parameters),
            "fit_seconds": self.fit_seconds,
            "reason": self.reason,
            "trial": self.trial,
            "classes": list(self.classes),
            "definition_version": self.definition_version,
            "recalls": self.recalls,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        return cls(
            tenant=fields["tenant"],
            stream=fields["stream"],
            request_id=fields["request_id"],
            campaign=fields["campaign"],
            stage=fields["stage"],
            status=RunStatus(fields["status"]),
            file=None if fields["file"] is None else ModelFile.from_dict(fields["file"]),
            rows=fields["rows"],
            dataset_digest=fields["dataset_digest"],
            champion_version=fields["champion_version"],
            wins=fields["wins"],
            losses=fields["losses"],
            judged=fields["judged"],
            row=fields["row"],
            metrics=fields["metrics"],
            parameters=fields["parameters"],
            fit_seconds=fields["fit_seconds"],
            reason=fields["reason"],
            trial=fields["trial"],
            classes=tuple(fields["classes"]),
            definition_version=fields["definition_version"],
            recalls=fields["recalls"],
        )

    def fault(self) -> str:
        if not -0x8000_0000 <= self.stage <= 0x7FFF_FFFF:
            return "stage"
        if self.file is not None:
            if fault := self.file.fault():
                return f"file.{fault}"
        if self.champion_version is not None:
            if not -0x8000_0000 <= self.champion_version <= 0x7FFF_FFFF:
                return "champion_version"
        if self.trial is not None:
            if not -0x8000_0000 <= self.trial <= 0x7FFF_FFFF:
                return "trial"
        if not -0x8000_0000 <= self.definition_version <= 0x7FFF_FFFF:
            return "definition_version"
        if self.recalls is not None:
            if not -0x8000_0000 <= self.recalls <= 0x7FFF_FFFF:
                return "recalls"
        return ""


EVENTS = (
    AdapterFrame,
    LearnerState,
    MemoryBlock,
    ModelAdapter,
    DeadLetter,
    Redrive,
    BlockState,
    DetectionProgress,
    DetectorState,
    DriftPartial,
    DriftSignal,
    ErrorWindow,
    ChangeDevice,
    CommandAccepted,
    Device,
    DeviceError,
    DeviceHealth,
    DeviceReport,
    EnrolDevice,
    EnrolmentRefused,
    EnrolmentRequest,
    FleetConfig,
    FleetPolicy,
    FleetTick,
    FleetToken,
    Heartbeat,
    IssueToken,
    MemberProcesses,
    SeenCommand,
    SetAdmission,
    SetConfig,
    Gap,
    Skip,
    DeviceDoubted,
    SeenContents,
    SeenEpochs,
    SeenRows,
    SeenSamples,
    ExampleBatch,
    JoinState,
    Label,
    LabelContradicted,
    LabelledRows,
    WaitingLabel,
    CandidateRefused,
    ModelCandidate,
    ModelChunk,
    ModelVersion,
    RegisterStream,
    RegistryState,
    StreamDefinition,
    Alert,
    NamedRow,
    ObservationBatch,
    ObservationRow,
    Policy,
    Assignment,
    RolloutCommand,
    RolloutEvent,
    RolloutState,
    RolloutVersion,
    Checkpoint,
    CampaignState,
    GateState,
    RowPage,
    StartTraining,
    TrainingRequest,
    TrainingRun,
)
