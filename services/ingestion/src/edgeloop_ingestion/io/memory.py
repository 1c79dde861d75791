"""Ingestion's memory of its devices, in the service's state."""

from __future__ import annotations

import numpy as np
from edgeloop_contracts import DeviceKey, SeenContents, SeenEpochs, SeenRows, SeenSamples
from edgeloop_contracts.row_numbers import UNNUMBERED
from edgeloop_streaming import State

from edgeloop_ingestion.core.content_memory import ROWS, SLOTS, Block, Contents, settle
from edgeloop_ingestion.core.digests import Digests
from edgeloop_ingestion.core.epochs import Epoch, Epochs
from edgeloop_ingestion.core.intervals import SeenRuns
from edgeloop_ingestion.core.row_numbers import Numbering

ONCE_KEPT = 4  # epochs kept by releases that did not save the forgotten ones


class Memory:
    """Devices of one partition by key.

    Parameters
    ----------
    state
        State that holds them.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._devices: dict[str, Epochs] = {}
        self._changed: dict[tuple[str, int], None] = {}  # an ordered set
        self._begun: dict[str, None] = {}
        for _, seen in sorted(state.items(SeenRows), key=lambda one: one[1].used):
            self._restore(seen)
        for key, epochs in self._devices.items():
            saved = state.get(SeenEpochs, key)
            if saved:
                epochs.began = list(saved.began)
                epochs.forgotten = SeenRuns(saved.starts, saved.ends)
            elif len(epochs.known) >= ONCE_KEPT:
                epochs.forget(0, min(epochs.known))
        for key, seen in state.items(SeenContents):
            self._put_back(key.rpartition("/")[0], seen.block, seen)
        for key, seen in state.items(SeenSamples):
            if contents := self._contents(key):
                contents.stride = seen.stride
                contents.samples = dict(zip(seen.seqs, np.frombuffer(seen.digests, "<u4").tolist(), strict=True))

    def get(self, key: str) -> Epochs | None:
        """Remembered rows of a device."""
        return self._devices.get(key)

    def keep(self, key: str, device: Epochs, epoch: int, rows: Epoch, now: int) -> None:
        """Mark a device's epoch as changed, and forget another epoch if there are too many."""
        self._devices.setdefault(key, device)
        self._changed[key, epoch] = None
        began = device.began
        for old in device.keep(epoch, rows, now):
            self._changed.pop((key, old), None)
            self._forget(key, old)
        if device.began is not began:
            self._begun[key] = None

    def keep_unnumbered(self, key: str, device: Epochs) -> None:
        """Mark a device's rows without sequence numbers as changed."""
        self._devices.setdefault(key, device)
        self._changed[key, UNNUMBERED] = None

    def write(self) -> None:
        """Write the changes to the state."""
        transaction = self._state.checkpoint.transaction + 1
        settle(epoch.contents for key, number in self._changed if (epoch := self._devices[key].known.get(number)))
        for key, number in self._changed:
            device = self._devices[key]
            epoch = device.known.get(number)
            if epoch:
                self._write_rows(key, number, epoch.runs, epoch.contents, transaction)
            else:
                unnumbered = device.unnumbered
                self._write_rows(key, number, SeenRuns([0], [unnumbered.end]), unnumbered.contents, transaction, unnumbered)
        for key in self._begun:
            device = self._devices[key]
            tenant, stream, device_id = DeviceKey.parse(key).names
            starts, ends, began = (tuple(longs) for longs in (device.forgotten.starts, device.forgotten.ends, device.began))
            self._state.put(key, SeenEpochs(tenant=tenant, stream=stream, device_id=device_id, starts=starts, ends=ends, began=began))
        self._changed.clear()
        self._begun.clear()

    def _write_rows(
        self, device: str, number: int, runs: SeenRuns, contents: Contents, transaction: int, numbering: Numbering | None = None
    ) -> None:
        key, (tenant, stream, device_id) = f"{device}/{number}", DeviceKey.parse(device).names
        newest = contents.blocks.get(contents.newest % contents.slots)
        seen = SeenRows(
            tenant=tenant,
            stream=stream,
            device_id=device_id,
            boot_epoch=number,
            starts=tuple(runs.starts),
            ends=tuple(runs.ends),
            used=transaction,
            differs=contents.differs,
            digests=_packed(newest.digests) if newest else b"",
            ids=_ids(numbering, contents.newest),
        )
        self._state.put(key, seen)
        for slot in contents.changed:
            block = contents.blocks[slot]
            if block is not newest:
                self._state.put(
                    f"{key}/{slot}", SeenContents(block=block.number, digests=_packed(block.digests), ids=_ids(numbering, block.number))
                )
        contents.changed.clear()
        if contents.resampled:
            digests = np.fromiter(contents.samples.values(), "<u4", len(contents.samples)).tobytes()
            self._state.put(key, SeenSamples(stride=contents.stride, seqs=tuple(contents.samples), digests=digests))
            contents.resampled = False

    def _restore(self, seen: SeenRows) -> None:
        device = DeviceKey.of(seen)
        epochs = self._devices.setdefault(device, Epochs())
        if seen.boot_epoch == UNNUMBERED:
            epochs.unnumbered = Numbering(seen.ends[-1])
            contents = epochs.unnumbered.contents
        else:
            epochs.known[seen.boot_epoch] = Epoch(SeenRuns(seen.starts, seen.ends))
            contents = epochs.known[seen.boot_epoch].contents
        contents.differs = seen.differs
        if seen.digests:
            contents.newest = (seen.ends[-1] - 1) // ROWS
            self._put_back(f"{device}/{seen.boot_epoch}", contents.newest, seen)

    def _put_back(self, key: str, number: int, seen: SeenRows | SeenContents) -> None:
        """Restore a block, unless a newer one has its slot."""
        contents = self._contents(key)
        if contents is None:
            return
        slot = number % contents.slots
        held = contents.blocks.get(slot)
        if held and held.number > number:
            return
        contents.blocks[slot] = Block(number, np.frombuffer(seen.digests.ljust(4 * ROWS, b"\0"), "<u4").astype(np.uint32))
        if seen.ids:
            self._devices[key.rpartition("/")[0]].unnumbered.restore(number, np.frombuffer(seen.ids, "<u8"))

    def _contents(self, key: str) -> Contents | None:
        """Contents of ``tenant/stream/device/epoch``."""
        device, _, number = key.rpartition("/")
        epochs = self._devices.get(device)
        if epochs is None:
            return None
        if int(number) == UNNUMBERED:
            return epochs.unnumbered.contents
        epoch = epochs.known.get(int(number))
        return epoch.contents if epoch else None

    def _forget(self, key: str, epoch: int) -> None:
        self._state.delete(SeenRows, f"{key}/{epoch}")
        self._state.delete(SeenSamples, f"{key}/{epoch}")
        for slot in range(SLOTS):
            self._state.delete(SeenContents, f"{key}/{epoch}/{slot}")


def _packed(digests: Digests) -> bytes:
    """Bytes without trailing zeros, which are restored on reading."""
    return digests.astype("<u4").tobytes().rstrip(b"\0")


def _ids(numbering: Numbering | None, block: int) -> bytes:
    return numbering.ids_of(block).astype("<u8").tobytes() if numbering else b""
