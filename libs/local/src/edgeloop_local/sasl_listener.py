"""A further listener of the broker: its clients authenticate, and access control lists grant their rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeloop_local.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass(frozen=True, slots=True)
class SaslListener:
    """
    Clients authenticate by SASL/PLAIN without TLS, on the loopback interface.

    Attributes
    ----------
    port : int
        Port of the listener.
    passwords : Mapping[str, str]
        Passwords by user; letters and digits only.
    """

    port: int
    passwords: Mapping[str, str]

    @property
    def bootstrap(self) -> str:
        """The address for these clients."""
        return f"{LOOPBACK}:{self.port}"

    def settings(self, own: Mapping[str, str | int]) -> dict[str, str]:
        """
        Return the settings of the broker that add the listener.

        Parameters
        ----------
        own : Mapping[str, str | int]
            The broker's other settings. Clients of its other listener keep all rights.
        """
        users = " ".join(f'user_{name}="{password}"' for name, password in self.passwords.items())
        return {
            "listeners": f"{own['listeners']},SIGNIN://{self.bootstrap}",
            "advertised.listeners": f"{own['advertised.listeners']},SIGNIN://{self.bootstrap}",
            "listener.security.protocol.map": f"{own['listener.security.protocol.map']},SIGNIN:SASL_PLAINTEXT",
            "listener.name.signin.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.signin.plain.sasl.jaas.config": f"{_LOGIN} required {users};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
