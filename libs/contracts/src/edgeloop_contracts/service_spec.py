"""The type of a service's specification.

Each service has one :class:`ServiceSpec` in its ``spec.py``. ``make generate`` copies all of them to
``edgeloop_contracts.services``, so that programs know services that are not installed beside them, and makes from
them every other list that names services.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from edgeloop_contracts.event import Event
from edgeloop_contracts.topic import Partitions, Topic

NAME = re.compile(r"[a-z][a-z0-9]{1,29}")


class Runtime(StrEnum):
    """Loop that runs a service. It determines the topics and rights of the service besides its own."""

    TRANSACTIONS = "transactions"
    """``edgeloop_streaming.run``: exactly once. It owns a state topic, dead letters and a redrive topic."""
    SUBSCRIPTION = "subscription"
    """``edgeloop_streaming.Subscription``: at least once, for effects outside Kafka. It keeps no state and owns no topic."""
    VIEW = "view"
    """A client of its own, which reads everything it shows at each start. Each instance has its own group; it keeps no state."""
    DEVICE = "device"
    """Runs on a device, without a consumer group; it keeps its state on the device's disk."""


class Access(StrEnum):
    """Ways to read a topic."""

    GROUP = "consumer group"
    WHOLE = "whole, no group"
    OFFSET = "by offset, no group"


@dataclass(frozen=True, slots=True)
class Reads:
    """A topic that a service reads.

    Attributes
    ----------
    topic
        Which one.
    purpose
        What the service needs of it, in Markdown; one line of its README.
    access
        How it is read.
    kinds
        Events that the service uses; empty for all that the topic carries.
    """

    topic: Topic[Any, Any]
    purpose: str
    access: Access = Access.GROUP
    kinds: tuple[type[Event], ...] = ()


@dataclass(frozen=True, slots=True)
class Writes:
    """A topic that a service writes; ``purpose`` and ``kinds`` as in :class:`Reads`."""

    topic: Topic[Any, Any]
    purpose: str
    kinds: tuple[type[Event], ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """Records of a service's state topic, besides the checkpoint of each transaction.

    Attributes
    ----------
    kinds
        Records; empty where the checkpoint is all.
    purpose
        What they hold, in Markdown.
    partitions
        As many as its inputs have.
    """

    kinds: tuple[type[Event], ...]
    purpose: str
    partitions: Partitions = Partitions.MANY


@dataclass(frozen=True, slots=True)
class Files:
    """Folders in which a service finds its files.

    Attributes
    ----------
    data
        Folder for what it keeps on disk.
    keys
        Folder of private keys.
    trust
        Folder of public keys.
    """

    data: PurePath
    keys: PurePath
    trust: PurePath


CONTAINER = Files(*(PurePosixPath("/var/lib/edgeloop", name) for name in ("data", "keys", "trust")))
"""Folders in an image; volumes are mounted there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """Specification of a service, written once.

    Attributes
    ----------
    name
        Of its folder, container, group and variables: small letters and digits.
    decides
        What it alone decides, in a few words for the table of services.
    reads, writes
        Its topics, in the order of its README.
    runtime
        The loop that runs it.
    state
        What it keeps; only, and always, with :attr:`Runtime.TRANSACTIONS`.
    refuses
        What goes to its dead letters, in Markdown.
    settings
        Its settings as ``module:class``, not imported here; empty if it has none.
    observer
        Whether it only looks on: no result depends on it, and nobody waits for it.
    scales
        Whether several instances share its partitions.
    port
        HTTP port for metrics and health in its container.
    memory
        Limit of its container's memory, as Docker writes it.
    data_dir
        Whether it keeps files that survive a restart, below ``EDGELOOP_<NAME>_DATA_DIR``.
    signs
        Whether it has a private key, ``EDGELOOP_<NAME>_KEY_FILE``.
    trusts
        Services whose public key it needs, each with the end of the variable that names the file.
    needs
        A variable of the user's without which it is not started, such as the address of another system.
    profile
        Profile of docker compose that starts it; empty for always.
    variables
        Further variables that its container takes over from the user's environment.
    """

    name: str
    decides: str
    reads: tuple[Reads, ...]
    writes: tuple[Writes, ...] = ()
    runtime: Runtime = Runtime.TRANSACTIONS
    state: Kept | None = None
    refuses: str = "records that it cannot handle, with the reason"
    settings: str = ""
    observer: bool = False
    scales: bool = True
    port: int = 9100
    memory: str = "512m"
    data_dir: bool = False
    signs: bool = False
    trusts: tuple[tuple[str, str], ...] = ()
    needs: str = ""
    profile: str = ""
    variables: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"ServiceSpec.name: expected 2 to 30 small letters and digits, a letter first; given {self.name!r}")
        if (self.state is not None) != (self.runtime is Runtime.TRANSACTIONS):
            raise ValueError(f"ServiceSpec {self.name}: state goes with Runtime.TRANSACTIONS and no other; given {self.runtime.name}")
        if self.state is not None and self.scales != (self.state.partitions is Partitions.MANY):
            raise ValueError(f"ServiceSpec {self.name}: expected scales={not self.scales} with {self.state.partitions.name} partitions")

    @property
    def package(self) -> str:
        """Its Python package, which ``python -m`` runs."""
        return f"edgeloop_{self.name}"

    @property
    def image(self) -> str:
        """Its image, without a tag."""
        return f"edgeloop/{self.name}"

    @property
    def prefix(self) -> str:
        """Head of its own variables."""
        return f"EDGELOOP_{self.name.upper()}_"

    @property
    def device(self) -> bool:
        """Whether it runs on devices, and not beside the broker."""
        return self.runtime is Runtime.DEVICE

    @property
    def halts(self) -> bool:
        """Whether its group halts where records are gone, and waits for a skip."""
        return self.runtime in (Runtime.TRANSACTIONS, Runtime.SUBSCRIPTION)

    @property
    def inputs(self) -> tuple[Topic[Any, Any], ...]:
        """Topics that its group consumes."""
        return tuple(each.topic for each in self.reads if each.access is Access.GROUP)

    def environment(self, files: Files) -> dict[str, str]:
        """Variables that name its files."""
        return dict(self._files(files))

    def _files(self, files: Files) -> Iterator[tuple[str, str]]:
        if self.data_dir:
            yield f"{self.prefix}DATA_DIR", str(files.data)
        if self.signs:
            yield f"{self.prefix}KEY_FILE", str(files.keys / f"{self.name}-private.pem")
        for variable, signer in self.trusts:
            yield f"{self.prefix}{variable}", str(files.trust / f"{signer}-public.pem")


def local_files(data_dir: Path, name: str) -> Files:
    """Folders of a service that runs on this machine, below a data directory."""
    return Files(data=data_dir / "services" / name, keys=data_dir / "keys", trust=data_dir / "keys")
