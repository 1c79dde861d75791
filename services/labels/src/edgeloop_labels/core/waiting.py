"""Labels that came before their observations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgeloop_contracts import Label, WaitingLabel

MAX_WAITING = 100_000


def waiting_key(label: Label | WaitingLabel) -> str:
    """What a label names, as a key: a label that names the same takes the place of the one before.

    >>> waiting_key(Label(stream="pumps", device_id="p1", boot_epoch=2, seq=7))
    'default/pumps/p1/2/7'
    """
    named = f"{label.seq}" if label.seq >= 0 else f"?{label.request_id}"
    return f"{label.tenant}/{label.stream}/{label.device_id}/{label.boot_epoch}/{named}"


class WaitingLabels:
    """Waiting labels by what they name and by age.

    Parameters
    ----------
    labels
        What waits, in any order.
    """

    def __init__(self, labels: Iterable[WaitingLabel] = ()) -> None:
        self._by_age: dict[str, WaitingLabel] = {}
        self._devices: dict[str, int] = {}
        for label in sorted(labels, key=_age):
            self.put(label)

    def __len__(self) -> int:
        return len(self._by_age)

    def get(self, key: str) -> WaitingLabel | None:
        """What waits under a key."""
        return self._by_age.get(key)

    def put(self, label: WaitingLabel) -> None:
        """Let a label wait, as the youngest; one that names the same makes place for it."""
        self.remove(label)
        self._by_age[waiting_key(label)] = label
        device = _device(label)
        self._devices[device] = self._devices.get(device, 0) + 1

    def remove(self, label: WaitingLabel) -> None:
        """Let the label that names the same go, if there is one."""
        if self._by_age.pop(waiting_key(label), None) is not None:
            device = _device(label)
            self._devices[device] -= 1
            if not self._devices[device]:
                del self._devices[device]

    def any_for(self, device: str) -> bool:
        """Whether anything waits for rows of ``tenant/stream/device``."""
        return device in self._devices

    def matching(self, device: str, epoch: int, seq: int, request_id: str) -> list[WaitingLabel]:
        """Labels that name a row, oldest first."""
        head = f"{device}/{epoch}"
        keys = [f"{head}/{seq}"]
        if request_id:
            keys += [f"{head}/?{request_id}"] + ([f"{device}/0/?{request_id}"] if epoch else [])
        return sorted((label for key in keys if (label := self._by_age.get(key))), key=_age)

    def overdue(self, until: int, keep: int = MAX_WAITING) -> Iterator[WaitingLabel]:
        """Take out the labels that began to wait at or before ``until``, and the oldest beyond ``keep``; oldest first."""
        while self._by_age:
            oldest = next(iter(self._by_age.values()))
            if oldest.since > until and len(self._by_age) <= keep:
                return
            self.remove(oldest)
            yield oldest


def _age(label: WaitingLabel) -> tuple[int, int]:
    return label.since, label.offset


def _device(label: WaitingLabel) -> str:
    return f"{label.tenant}/{label.stream}/{label.device_id}"
