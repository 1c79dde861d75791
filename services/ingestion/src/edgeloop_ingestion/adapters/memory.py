"""What ingestion remembers of its devices, in the service's state."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from edgeloop_contracts import SeenContents, SeenEpochs, SeenRows, SeenSamples
from edgeloop_contracts.numbering import UNNUMBERED
from edgeloop_streaming import State

from edgeloop_ingestion.core.contents import Block, Contents
from edgeloop_ingestion.core.epochs import Epoch, Epochs
from edgeloop_ingestion.core.intervals import SeenRuns
from edgeloop_ingestion.core.numbering import Numbering

ONCE_KEPT = 4  # epochs that were kept when nothing was written of those forgotten


@dataclass(frozen=True)
class _Named:
    tenant: str
    stream: str
    device_id: str
    boot_epoch: int

    @property
    def key(self) -> str:
        return f"{self.tenant}/{self.stream}/{self.device_id}/{self.boot_epoch}"


class Memory:
    """Devices of one partition by ``tenant/stream/device``.

    Parameters
    ----------
    state
        Where they were written to.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._devices: dict[str, Epochs] = {}
        self._changed: dict[tuple[str, int], None] = {}  # a set that keeps its order
        self._begun: dict[str, None] = {}
        for _, seen in sorted(state.items(SeenRows), key=lambda one: one[1].used):
            self._restore(seen)
        for key, epochs in self._devices.items():
            told = state.get(SeenEpochs, key)
            if told:
                epochs.began = list(told.began)
                epochs.forgotten = SeenRuns(told.starts, told.ends)
            elif len(epochs.known) >= ONCE_KEPT:
                epochs.forget(0, min(epochs.known))
        for key, seen in state.items(SeenContents):
            if contents := self._contents(seen):
                contents.blocks[int(key.rpartition("/")[2])] = Block(seen.block, np.frombuffer(seen.digests, "<u4").copy())
                if seen.ids:
                    self._devices[_device(seen)].unnumbered.restore(seen.block, np.frombuffer(seen.ids, "<u8"))
        for _, seen in state.items(SeenSamples):
            if contents := self._contents(seen):
                contents.stride = seen.stride
                contents.samples = dict(zip(seen.seqs, np.frombuffer(seen.digests, "<u4").tolist(), strict=True))

    def get(self, key: str) -> Epochs | None:
        """What is remembered of a device."""
        return self._devices.get(key)

    def keep(self, key: str, device: Epochs, epoch: int, rows: Epoch, now: int) -> None:
        """Remember that rows of a device's epoch were taken in or compared, and forget an epoch for it where there are too many."""
        self._devices.setdefault(key, device)
        self._changed[key, epoch] = None
        began = device.began
        for old in device.keep(epoch, rows, now):
            self._changed.pop((key, old), None)
            self._forget(key, old)
        if device.began is not began:
            self._begun[key] = None

    def keep_unnumbered(self, key: str, device: Epochs) -> None:
        """Remember that rows without sequence numbers were taken in or compared."""
        self._devices.setdefault(key, device)
        self._changed[key, UNNUMBERED] = None

    def write(self) -> None:
        """Write down what has changed."""
        transaction = self._state.checkpoint.transaction + 1
        for key, number in self._changed:
            device = self._devices[key]
            tenant, stream, device_id = key.split("/")
            named = _Named(tenant, stream, device_id, number)
            epoch = device.known.get(number)
            if epoch:
                self._write_rows(named, epoch.runs, epoch.contents, transaction)
            else:
                contents = device.unnumbered.contents
                self._write_rows(named, SeenRuns([0], [device.unnumbered.end]), contents, transaction, device.unnumbered)
        for key in self._begun:
            device = self._devices[key]
            tenant, stream, device_id = key.split("/")
            starts, ends, began = (tuple(longs) for longs in (device.forgotten.starts, device.forgotten.ends, device.began))
            self._state.put(key, SeenEpochs(tenant=tenant, stream=stream, device_id=device_id, starts=starts, ends=ends, began=began))
        self._changed.clear()
        self._begun.clear()

    def _write_rows(self, named: _Named, runs: SeenRuns, contents: Contents, transaction: int, numbering: Numbering | None = None) -> None:
        key, fields = named.key, asdict(named)
        starts, ends = tuple(runs.starts), tuple(runs.ends)
        self._state.put(key, SeenRows(**fields, starts=starts, ends=ends, used=transaction, differs=contents.differs))
        for slot in contents.changed:
            block = contents.blocks[slot]
            ids = numbering.ids_of(block.number).astype("<u8").tobytes() if numbering else b""
            digests = block.digests.astype("<u4").tobytes()
            self._state.put(f"{key}/{slot}", SeenContents(**fields, block=block.number, digests=digests, ids=ids))
        contents.changed.clear()
        if contents.resampled:
            digests = np.fromiter(contents.samples.values(), "<u4", len(contents.samples)).tobytes()
            self._state.put(key, SeenSamples(**fields, stride=contents.stride, seqs=tuple(contents.samples), digests=digests))
            contents.resampled = False

    def _restore(self, seen: SeenRows) -> None:
        epochs = self._devices.setdefault(_device(seen), Epochs())
        if seen.boot_epoch == UNNUMBERED:
            epochs.unnumbered = Numbering(seen.ends[-1])
            epochs.unnumbered.contents.differs = seen.differs
        else:
            epochs.known[seen.boot_epoch] = Epoch(SeenRuns(seen.starts, seen.ends))
            epochs.known[seen.boot_epoch].contents.differs = seen.differs

    def _contents(self, seen: SeenContents | SeenSamples) -> Contents | None:
        epochs = self._devices.get(_device(seen))
        if epochs is None:
            return None
        if seen.boot_epoch == UNNUMBERED:
            return epochs.unnumbered.contents
        epoch = epochs.known.get(seen.boot_epoch)
        return epoch.contents if epoch else None

    def _forget(self, key: str, epoch: int) -> None:
        self._state.delete(SeenRows, f"{key}/{epoch}")
        self._state.delete(SeenSamples, f"{key}/{epoch}")
        for slot in range(Contents().slots):
            self._state.delete(SeenContents, f"{key}/{epoch}/{slot}")


def _device(seen: SeenRows | SeenContents | SeenSamples) -> str:
    return f"{seen.tenant}/{seen.stream}/{seen.device_id}"
