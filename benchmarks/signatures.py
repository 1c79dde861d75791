"""Signatures of batches: time to sign one, to verify it, and to admit it, against encoding and decoding the same batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeloop_contracts import Admission, Device, Enrolment, FleetPolicy, KnownKey, MemberKey, topics
from edgeloop_contracts.keys import config_key
from edgeloop_kafka import Codec, Received, body
from edgeloop_kafka.writer_schemas import fingerprint
from edgeloop_signing.device_signatures import HEADER, RecordSignature, RecordSigner, signed_message
from edgeloop_signing.keys import Signer, key_id
from edgeloop_signing.record_admission import Speakers

from benchmarks.figures import Figure, Kind, figure
from benchmarks.rounds import interleaved, rate
from benchmarks.samples import Registry, batch, values

SIZES = (1, 32, 256)
OPEN = "admit of an open tenant"


@dataclass(frozen=True)
class Held:
    """A topic that holds some records for good."""

    records: dict[str, Any]

    def refresh(self) -> None:
        return

    def items(self) -> list[tuple[str, Any]]:
        return list(self.records.items())


@dataclass(frozen=True)
class Record:
    """A record of a topic of the fleet."""

    event: Any


def run(*, quick: bool) -> list[Figure]:
    """Microseconds a batch, and ratios to decoding it."""
    seconds, rounds = (0.003, 2) if quick else (0.25, 9)
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signer = RecordSigner(Signer(key, key_id(key.public_key())))
    figures: list[Figure] = []
    for size in SIZES:
        variants = {name: rate(1, work, seconds) for name, work in _variants(size, signer).items()}
        measured = interleaved(variants, rounds)
        for name, sample in measured.items():
            figures.append(figure(f"signatures/{name}, batch of {size}", sample, "batches/s", Kind.RATE))
        decoded = measured["decode"]
        figures.append(figure(f"signatures/admit over decode, batch of {size}", decoded.over(measured["admit"]), "x", Kind.RATIO))
    return figures


def _variants(size: int, signer: RecordSigner) -> dict[str, Any]:
    codec, topic = Codec(Registry()), topics.OBSERVATIONS_RAW
    event = batch(0, values(size), bare=False)
    encoded, own_key = body(event), topic.key_of(event)
    value = codec.encode(topic, event)
    headers = signer(topic.name, own_key.encode(), fingerprint(type(event)), encoded)
    signature = RecordSignature.parse(headers[HEADER])
    assert signature is not None
    public = signer.signer.key.public_key().public_bytes_raw()
    known = KnownKey(key_id=signer.signer.key_id, public_key=public)
    device = Device(tenant=event.tenant, device_id=event.device_id, enrolment=Enrolment.ENROLLED, keys=(known,))
    policy = FleetPolicy(tenant=event.tenant, admission=Admission.ENROLLED)
    devices = Held({MemberKey.of(device): Record(device)})
    closed = Speakers(lambda: Held({config_key(policy): Record(policy)}), lambda: devices, codec.signed_parts)
    opened = Speakers(lambda: Held({}), lambda: devices, codec.signed_parts)
    codec.decode(topic, value)
    received = Received(event, topic.name, 0, 0, 0, own_key, "", "", headers, value)
    assert closed.refusal(topic, received) is None
    return {
        "encode": lambda: body(event),
        "sign": lambda: signer(topic.name, own_key.encode(), fingerprint(type(event)), encoded),
        "decode": lambda: codec.decode(topic, value),
        "verify": lambda: signature.holds(public, signed_message(topic.name, own_key.encode(), fingerprint(type(event)), encoded)),
        "admit": lambda: closed.refusal(topic, received),
        OPEN: lambda: opened.refusal(topic, received),
    }
