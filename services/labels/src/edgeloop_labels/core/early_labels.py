"""Labels that arrived before their observations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgeloop_contracts import DeviceKey, Label, WaitingLabel
from edgeloop_contracts.row_numbers import UNNUMBERED

MAX_WAITING = 100_000


def waiting_key(label: Label | WaitingLabel) -> str:
    """Key of the row that a label names. A new label with the same key replaces the old one.

    >>> waiting_key(Label(tenant="default", stream="pumps", device_id="p1", boot_epoch=2, seq=7))
    'default/pumps/p1/2/7'
    """
    named = f"{label.seq}" if label.seq >= 0 else f"?{label.request_id}"
    return f"{DeviceKey.of(label)}/{label.boot_epoch}/{named}"


class WaitingLabels:
    """Waiting labels, by key and by age.

    Parameters
    ----------
    labels
        Waiting labels in any order.
    """

    def __init__(self, labels: Iterable[WaitingLabel] = ()) -> None:
        self._by_age: dict[str, WaitingLabel] = {}
        self._devices: dict[str, int] = {}
        self._asked: dict[str, dict[str, None]] = {}  # keys of labels with an epoch and a request id, by device and request id
        for label in sorted(labels, key=_age):
            self.put(label)

    def __len__(self) -> int:
        return len(self._by_age)

    def get(self, key: str) -> WaitingLabel | None:
        """Label that waits under a key."""
        return self._by_age.get(key)

    def put(self, label: WaitingLabel) -> None:
        """Add a label as the youngest; it replaces a label of the same row."""
        self.remove(label)
        self._by_age[waiting_key(label)] = label
        device = DeviceKey.of(label)
        self._devices[device] = self._devices.get(device, 0) + 1
        if label.seq < 0 and label.boot_epoch:
            self._asked.setdefault(f"{device}/?{label.request_id}", {})[waiting_key(label)] = None

    def remove(self, label: WaitingLabel) -> None:
        """Remove the label of the same row, if there is one."""
        if self._by_age.pop(waiting_key(label), None) is not None:
            device = DeviceKey.of(label)
            self._devices[device] -= 1
            if not self._devices[device]:
                del self._devices[device]
            asked = self._asked.get(f"{device}/?{label.request_id}", {}) if label.seq < 0 else {}
            asked.pop(waiting_key(label), None)
            if label.seq < 0 and not asked:
                self._asked.pop(f"{device}/?{label.request_id}", None)

    def any_for(self, device: str) -> bool:
        """Whether a label waits for rows of a device."""
        return device in self._devices

    def matching(self, device: str, epoch: int, seq: int, request_id: str) -> list[WaitingLabel]:
        """Labels of a row, oldest first. A label names a row without its own sequence number by its request id, in any epoch."""
        head = f"{device}/{epoch}"
        keys = [f"{head}/{seq}"]
        if request_id:
            keys += [f"{head}/?{request_id}"] + ([f"{device}/0/?{request_id}"] if epoch else [])
            keys += self._asked.get(f"{device}/?{request_id}", ()) if epoch == UNNUMBERED else ()
        return sorted((label for key in keys if (label := self._by_age.get(key))), key=_age)

    def overdue(self, until: int, keep: int = MAX_WAITING) -> Iterator[WaitingLabel]:
        """Remove and give back labels that wait since ``until`` or longer, and the oldest beyond ``keep``; oldest first."""
        while self._by_age:
            oldest = next(iter(self._by_age.values()))
            if oldest.since > until and len(self._by_age) <= keep:
                return
            self.remove(oldest)
            yield oldest


def _age(label: WaitingLabel) -> tuple[int, int]:
    return label.since, label.offset
