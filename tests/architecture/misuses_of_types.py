"""Misuses of keys and topics; each line that ends with ``error`` and a rule must be an error of pyright, and no other line."""

from __future__ import annotations

from edgeloop_contracts import Cause, DeviceKey, DriftPartial, DriftSignal, Label, ModelChunk, ObservationBatch, StreamKey, topics
from edgeloop_contracts.keys import chunk_key, signal_key
from edgeloop_kafka import Publisher
from edgeloop_streaming import Send


def sends(device: DeviceKey, stream: StreamKey, label: Label, batch: ObservationBatch) -> list[Send]:
    return [
        Send(topics.LABELS, device, label, Cause()),
        Send(topics.LABELS, topics.LABELS.key_of(label), label),
        Send(topics.OBSERVATIONS, topics.LABELS.key_of(label), batch),
        Send(topics.LABELS, stream, label),  # error: reportArgumentType
        Send(topics.LABELS, "default/pumps/p1", label),  # error: reportArgumentType
        Send(topics.LABELS, device, batch),  # error: reportArgumentType
        Send(topics.LABELS, topics.LABELS.key_of(batch), label),  # error: reportArgumentType
        Send(topics.LABELS, device.stream_key, label),  # error: reportArgumentType
    ]


def sends_of_streams(device: DeviceKey, stream: StreamKey, partial: DriftPartial, signal: DriftSignal, chunk: ModelChunk) -> list[Send]:
    return [
        Send(topics.DRIFT_PARTIALS, stream, partial),
        Send(topics.DRIFT_SIGNALS, signal_key(signal), signal),
        Send(topics.MODEL_CHUNKS, chunk_key("digest", 0), None),
        Send(topics.DRIFT_PARTIALS, device, partial),  # error: reportArgumentType
        Send(topics.DRIFT_SIGNALS, stream, signal),  # error: reportArgumentType
        Send(topics.DRIFT_SIGNALS, signal_key(signal), partial),  # error: reportArgumentType
        Send(topics.MODEL_CHUNKS, stream, chunk),  # error: reportArgumentType
    ]


def publishes(publisher: Publisher, device: DeviceKey, stream: StreamKey, label: Label) -> None:
    publisher.publish(topics.LABELS_RAW, device, label)
    publisher.publish(topics.LABELS_RAW, stream, label)  # error: reportArgumentType
    publisher.publish(topics.OBSERVATIONS_RAW, device, label)  # error: reportArgumentType


def keys(chunk: ModelChunk, label: Label) -> None:
    DeviceKey.of(label)
    StreamKey.of(label)
    DeviceKey.of(chunk)  # error: reportArgumentType
    StreamKey("acme")  # error: reportCallIssue
    DeviceKey("acme", "pumps")  # error: reportCallIssue
