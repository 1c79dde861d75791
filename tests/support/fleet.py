"""A tenant's fleet on a broker: keys of devices, the records that make them known, and what devices sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeloop_contracts import Admission, Device, Enrolment, FleetPolicy, KnownKey, topics
from edgeloop_contracts.keys import config_key
from edgeloop_signing.device_signatures import RecordSigner
from edgeloop_signing.keys import Signer, key_id


class Broker(Protocol):
    """A broker in memory, or the clients of a process."""

    def publisher(self, source: Any) -> Any: ...


@dataclass
class Fleet:
    """Members of one tenant."""

    publisher: Any
    tenant: str = "acme"
    signers: dict[str, RecordSigner] = field(default_factory=dict[str, RecordSigner])

    def close(self, admission: Admission = Admission.ENROLLED) -> None:
        """Admit enrolled devices alone, or everybody."""
        policy = FleetPolicy(tenant=self.tenant, admission=admission)
        self._put(topics.FLEET_CONFIG, config_key(policy), policy)

    def enrol(self, device: str, *, labels: Mapping[str, str] | None = None, **fields: Any) -> RecordSigner:
        """Make a key, or take the one that the device has, and let it be known."""
        signer = self.signer(device)
        public = signer.signer.key.public_key()
        key = KnownKey(key_id=signer.signer.key_id, public_key=public.public_bytes_raw(), until=fields.pop("until", None))
        known: dict[str, Any] = {"enrolment": Enrolment.ENROLLED, "keys": (key,), "labels": dict(labels or {})} | fields
        event = Device(tenant=self.tenant, device_id=device, **known)
        self._put(topics.FLEET_DEVICES, topics.FLEET_DEVICES.key_of(event), event)
        return signer

    def signer(self, device: str) -> RecordSigner:
        """Key of a device, whether anybody knows it or not."""
        if device not in self.signers:
            key = Ed25519PrivateKey.generate()
            self.signers[device] = RecordSigner(Signer(key, key_id(key.public_key())))
        return self.signers[device]

    def _put(self, topic: Any, key: Any, event: Any) -> None:
        self.publisher.publish(topic, key, event)
        self.publisher.flush()
