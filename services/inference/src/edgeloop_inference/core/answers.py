"""Answers in the forms in which the protocol carries them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeloop_inference.core.model_contract import LABEL, PREDICTION
from edgeloop_inference.core.requests import InvalidRequestError, Wanted

MOST_COLUMNS_BYTES = 8_192
HEAD = 1_024  # bytes of an answer besides its rows, request id and columns
SCORE = 64  # bytes of a score with its index, at most, and of what stands before a text


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answers to some rows.

    Attributes
    ----------
    labels
        Class of each row, or its number as text.
    values
        Probabilities, float32 [n, C], columns in the order of the model's classes; or the numbers, float32 [n].
    alone
        Answer of the version alone for each row, if an adapter answered. A row whose answer is the same has an empty text; if all are the
        same, the tuple is empty.
    """

    labels: tuple[str, ...]
    values: NDArray[np.float32]
    alone: tuple[str, ...] = ()


def joined(parts: Sequence[Answer]) -> Answer:
    """Answers to consecutive rows as one."""
    if len(parts) == 1:
        return parts[0]
    labels = tuple([label for part in parts for label in part.labels])
    alone: tuple[str, ...] = ()
    if any(part.alone for part in parts):
        alone = tuple([text for part in parts for text in part.alone or ("",) * len(part.labels)])
    return Answer(labels, np.concatenate([part.values for part in parts]), alone)


def raw_texts(texts: Sequence[str]) -> bytes:
    """Pack texts as the protocol's raw BYTES: each with its length before it, four bytes, little-endian.

    >>> list(raw_texts(["ab", ""]))
    [2, 0, 0, 0, 97, 98, 0, 0, 0, 0]
    """
    parts: list[bytes] = []
    for text in texts:
        data = text.encode()
        parts += [len(data).to_bytes(4, "little"), data]
    return b"".join(parts)


def raw_floats(values: NDArray[np.float32]) -> bytes:
    """Pack float32 row by row, little-endian."""
    return values.astype("<f4", copy=False).tobytes()


@dataclass(frozen=True, slots=True)
class Columns:
    """Class of each column of the probabilities.

    Attributes
    ----------
    classes
        In the order of the columns.
    text
        The same as a list in JSON.
    longest
        Bytes of the longest name.

    Examples
    --------
    >>> Columns.of(("bad", "good"))
    Columns(classes=('bad', 'good'), text='["bad","good"]', longest=4)
    """

    classes: tuple[str, ...]
    text: str
    longest: int

    @classmethod
    def of(cls, classes: tuple[str, ...]) -> Columns:
        """Columns of a model, made once because each answer repeats them."""
        text = json.dumps(list(classes), ensure_ascii=False, separators=(",", ":"))
        return cls(classes, text, max((len(name.encode()) for name in classes), default=0))

    @property
    def in_answer(self) -> str:
        """Text for an answer: empty if it is long. The model's metadata always has it."""
        return self.text if len(self.text) <= MOST_COLUMNS_BYTES // 4 else ""


def best_classes(values: NDArray[np.float32], classes: Sequence[str], best: int) -> list[list[str]]:
    """The classes with the highest scores of each row, as Triton's classification extension writes them: ``score:index:label``.

    >>> best_classes(np.array([[0.25, 0.75]], np.float32), ["bad", "good"], 2)
    [['0.750000:1:good', '0.250000:0:bad']]
    """
    order = np.argsort(-values, axis=1, kind="stable")[:, :best]
    scores = np.take_along_axis(values, order, axis=1)
    return [
        [f"{score:f}:{i}:{classes[i]}" for score, i in zip(row_scores, row, strict=True)]
        for row_scores, row in zip(scores.tolist(), order.tolist(), strict=True)
    ]


def check_size(count: int, wanted: Sequence[Wanted], columns: Columns, request_id: str, most: int) -> None:
    """Refuse rows whose answer could exceed a message, before they are answered.

    Parameters
    ----------
    most
        Bytes of a message.

    Raises
    ------
    InvalidRequestError
        With the number of rows whose answer fits.
    """
    classes, longest = len(columns.classes), columns.longest
    row = 0
    for output in wanted:
        if output.best:
            row += min(output.best, classes) * (SCORE + longest)
        elif output.name == LABEL:
            row += longest + 5
        else:
            row += 4 if output.name == PREDICTION else 4 * classes
    room = most - HEAD - len(request_id.encode()) - MOST_COLUMNS_BYTES
    if count * row > room:
        raise InvalidRequestError(
            f"the answer to {count} rows takes up to {count * row} bytes, and a message holds {most}: "
            f"ask for at most {max(room // row, 0)} rows at once or for fewer outputs, "
            "or raise EDGELOOP_INFERENCE_GRPC_MAX_MESSAGE_BYTES of the device"
        )
