"""Player of rows and labels: in lockstep with the platform, or in real time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgeloop_contracts import ObservationBatch
from edgeloop_kafka import Received
from edgeloop_replay.pooled_order import RowId
from edgeloop_replay.schedule import GROUP, Group, steps
from edgeloop_replay.tables.stream_table import StreamTable

from edgeloop_cli.device_client import Answer, DeviceClient
from edgeloop_cli.errors import FailedError
from edgeloop_cli.feed import Feed
from edgeloop_cli.session import Session

IN_FLIGHT = 8


@dataclass(slots=True)
class Player:
    """The played rows and their devices.

    Attributes
    ----------
    static
        What version 1 answers to each row after the warm-up.
    group
        In lockstep, rows that a device answers before their labels follow.
    """

    table: StreamTable
    warmup: int
    delay: int
    clients: Sequence[DeviceClient]
    feed: Feed
    session: Session
    static: Sequence[str]
    group: int = GROUP
    places: dict[int, RowId] = field(default_factory=dict[int, RowId])

    def lockstep(self) -> None:
        """Group by group, each once everything before it is done; the result does not depend on anybody's speed.

        Raises
        ------
        FailedError
            A device or a service does not go on.
        """
        for step in steps(self.warmup, len(self.table), len(self.clients), self.delay, self.group):
            if step.rows is not None:
                client = self.clients[step.rows.device]
                for row in range(step.rows.first, step.rows.end):
                    self._note(row, client, client.ask(self.table.features[row], self._naming(client, row), self._time(row)))
                self._learn_name(client, step.rows.first)
            for group in step.labels:
                self._send_labels(group)
            self.session.settle()

    def in_real_time(self, rate: float) -> None:
        """``rate`` rows a second to the devices in turn, whatever becomes of them; waits for everything at the end.

        Raises
        ------
        FailedError
            At the end a service does not get done.
        """
        for number, client in enumerate(self.clients):
            first = self.warmup + number
            if not client.name and first < len(self.table):
                raise FailedError(f"device {client.target}: give its name too, as NAME={client.target}")
        answered: queue.SimpleQueue[tuple[int, DeviceClient, Answer | None]] = queue.SimpleQueue()
        slots = {client: threading.Semaphore(IN_FLIGHT) for client in self.clients}
        total, began = len(self.table), time.monotonic()
        asked = done = 0
        next_label = self.warmup
        lost: set[int] = set()

        def finish(row: int, client: DeviceClient) -> Callable[[Answer | None], None]:
            def finished(answer: Answer | None) -> None:
                slots[client].release()
                answered.put((row, client, answer))

            return finished

        while done < total - self.warmup:
            due = min(total - self.warmup, int((time.monotonic() - began) * rate) + 1)
            while asked < due:
                client = self.clients[asked % len(self.clients)]
                if not slots[client].acquire(timeout=0.05):
                    break
                row = self.warmup + asked
                client.ask_later(self.table.features[row], finish(row, client), event_time=self._time(row))
                asked += 1
            while not answered.empty():
                row, client, answer = answered.get()
                done += 1
                if answer is None or answer.seq < 0:
                    lost.add(row)
                else:
                    self._note(row, client, answer)
            while next_label < self.warmup + asked - self.delay and (next_label in self.places or next_label in lost):
                self._label(next_label)
                next_label += 1
            self.session.absorb(0.002)
        for row in range(next_label, total):
            self._label(row)
        self.feed.flush()
        self.session.settle()

    def _note(self, row: int, client: DeviceClient, answer: Answer) -> None:
        if answer.seq < 0:
            raise FailedError(f"device {client.name} answered row {row}, and could not keep it: its disk is full or broken")
        self.places[row] = (client.name, answer.epoch, answer.seq)
        self.session.ledger.record(
            row, self.places[row], answer.label, answer.version, self.table.labels[row], self.static[row - self.warmup]
        )

    def _send_labels(self, group: Group) -> None:
        rows = [row for row in range(group.first, group.end) if self.table.labels[row]]
        now = self.feed.labels((self.places[row], self.table.labels[row]) for row in rows)
        for row in rows:
            self.session.ledger.label_sent(row, now)

    def _label(self, row: int) -> None:
        if row in self.places:
            self._send_labels(Group(row, row + 1, 0))

    def _time(self, row: int) -> int | None:
        """When a row was seen, as its file tells; ``None`` where it does not, so that it is now."""
        return None if self.table.times is None else int(self.table.times[row])

    def _naming(self, client: DeviceClient, row: int) -> str:
        return "" if client.name else f"{self.feed.key}/row-{row}"

    def _learn_name(self, client: DeviceClient, first: int) -> None:
        """A device of which only the address is known tells its name in what it observed."""
        if client.name:
            return
        asked = self._naming(client, first)

        def look(record: Received[Any]) -> None:
            match record.event:
                case ObservationBatch(device_id=device, request_ids=ids) if asked in ids:
                    client.name = device
                case _:
                    return

        self.session.listeners.append(look)
        self.session.until(lambda: bool(client.name), f"an observation of the device at {client.target}")
        self.session.listeners.remove(look)
        for row, (_, epoch, seq) in list(self.places.items()):
            if row >= first and not self.places[row][0]:
                self.session.ledger.rows.pop(self.places[row])
                self.places[row] = (client.name, epoch, seq)
                self.session.ledger.rows[self.places[row]] = row
