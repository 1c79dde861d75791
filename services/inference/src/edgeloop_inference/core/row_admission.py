"""Admission of rows on the device: the rules of ingestion, applied before a row is answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from edgeloop_admission import Rows, Rules, complaints, mask
from edgeloop_contracts import StreamDefinition
from numpy.typing import NDArray

from edgeloop_inference.core.requests import InvalidRequestError


class RowAdmission:
    """Rules and masks of one stream on one device.

    Parameters
    ----------
    definition
        Of the stream.
    salt
        Secret of the device.
    """

    def __init__(self, definition: StreamDefinition, salt: bytes) -> None:
        self.definition = definition
        self.width = len(definition.features)
        self._rules = Rules.of(definition, masked=False)
        self._salt = salt

    def admit(self, values: NDArray[np.float32], request_ids: Sequence[str], event_time: int) -> NDArray[np.float32]:
        """Check rows and mask them, for the model and for all that leaves the device.

        Parameters
        ----------
        values
            float32 [n, F], unmasked.
        request_ids
            n, or none.
        event_time
            Of all rows, milliseconds since 1970.

        Raises
        ------
        InvalidRequestError
            Ingestion would refuse a row; the message names row and reason. The whole request is refused, since an answer needs a value
            for each row.
        """
        bad = complaints(Rows(values, (("request id", request_ids),), (event_time,) * len(values)), self._rules)
        if bad:
            row, one = next(iter(bad.items()))
            more = f"; {len(bad)} of {len(values)} rows are refused" if len(values) > 1 else ""
            raise InvalidRequestError(f"row {row}, {one.message}{more}")
        return mask(values, self._rules, self._salt)
