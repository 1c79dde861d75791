"""The outbox's bound in bytes is what its file takes, within 1.3 times, whatever the texts of its rows are."""

from __future__ import annotations

from pathlib import Path

import pytest
from edgeloop_contracts import ObservationBatch
from edgeloop_inference.io.outbox import Outbox

WITHIN = 1.3


@pytest.mark.parametrize(
    ("entries", "rows", "width", "request_id"),
    [
        (600, 1, 4, ""),
        (600, 1, 4, "request-0000001"),
        (100, 100, 8, "request-0000001"),
        (300, 1, 1, "é" * 500),
        (300, 1, 1, "😀" * 500),
        (300, 1, 520, ""),
        (100, 1, 1_100, ""),
        (40, 1, 50_000, ""),
    ],
)
def test_the_file_takes_what_the_outbox_counts(tmp_path: Path, entries: int, rows: int, width: int, request_id: str) -> None:
    outbox = Outbox(tmp_path, max_rows=1 << 30, max_bytes=1 << 30)
    ids = (request_id,) * rows if request_id else ()
    for _ in range(entries):
        outbox.append(
            ObservationBatch(
                tenant="default",
                device_id="",
                boot_epoch=0,
                first_seq=-1,
                stream="pumps",
                count=rows,
                features=bytes(4 * width * rows),
                event_times=(1_700_000_000_000,) * rows,
                request_ids=ids,
                model_version=1,
                answers=("normal",) * rows,
            )
        )
    ((pages,),) = outbox._all("select page_count * page_size from pragma_page_count, pragma_page_size")
    assert 1 / WITHIN <= pages / outbox.bytes <= WITHIN
    outbox.close()
