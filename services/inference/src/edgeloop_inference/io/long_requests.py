"""Requests of many rows, which must not delay the others."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from edgeloop_errors import RetryableError
from numpy.typing import NDArray

from edgeloop_inference.core.answers import Answer, joined
from edgeloop_inference.io.models import Serving

SLICE = 64
LOOK_S = 0.1
# Python switches threads every 5 ms, and a short answer waits about five times before it is on disk. A shorter interval costs each
# request a little, so it holds only beside a long request.
SWITCH_S = 0.0005


class BusyError(RetryableError):
    """Too many long requests at once."""


class RequestCancelledError(RetryableError):
    """The client no longer waits for the answer."""


class LongRequests:
    """Answers requests of more than :data:`SLICE` rows one at a time, in slices.

    A running model holds a core; a mixture with memories also holds memory in proportion to the rows. Other requests are answered between
    two slices. A request ends if its client has gone.

    Parameters
    ----------
    places
        Most long requests at work or waiting; the server's other threads stay free for short ones.
    """

    def __init__(self, places: int) -> None:
        self._most = places
        self._places = threading.Semaphore(places)
        self._turn = threading.Lock()

    def answer(self, model: Serving, rows: NDArray[np.float32], alive: Callable[[], bool]) -> Answer:
        """A model's answers to rows.

        Parameters
        ----------
        alive
            Whether the client still waits for the answer.

        Raises
        ------
        BusyError
            All places are taken.
        RequestCancelledError
            The client no longer waits.
        """
        if len(rows) <= SLICE:
            return model.answer(rows)
        with self._place(alive):
            parts: list[Answer] = []
            for first in range(0, len(rows), SLICE):
                if not alive():
                    raise RequestCancelledError
                parts.append(model.answer(rows[first : first + SLICE]))
        return joined(parts)

    @contextmanager
    def _place(self, alive: Callable[[], bool]) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError(f"{self._most} requests of over {SLICE} rows are at work or wait: try again later, or with fewer rows")
        try:
            while not self._turn.acquire(timeout=LOOK_S):
                if not alive():
                    raise RequestCancelledError
            before = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_S)
            try:
                yield
            finally:
                sys.setswitchinterval(before)
                self._turn.release()
        finally:
            self._places.release()
