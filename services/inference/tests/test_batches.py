"""Batches of rows for sending."""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import ObservationBatch
from edgeloop_contracts.rows import slices
from edgeloop_inference.core.rows import OutgoingBatch, StoredRows, pack
from hypothesis import given
from hypothesis import strategies as st

ONE = ObservationBatch(
    tenant="default",
    device_id="",
    boot_epoch=0,
    first_seq=-1,
    stream="pumps",
    count=1,
    features=b"\0" * 8,
    event_times=(5,),
    model_version=1,
    answers=("good",),
)


def stored(*numbers: int, **changed: object) -> list[StoredRows]:
    return [StoredRows(100 + n, replace(ONE, first_seq=n, **changed)) for n in numbers]


def runs(outgoing: list[OutgoingBatch]) -> list[tuple[str, int, int, int]]:
    return [(p.batch.stream, p.batch.model_version, p.batch.first_seq, p.batch.count) for p in outgoing]


def test_consecutive_rows_of_one_version_share_a_batch_up_to_its_limit() -> None:
    outgoing = pack("acme", "p1", 2, stored(*range(300)))
    assert runs(outgoing) == [("pumps", 1, 0, 256), ("pumps", 1, 256, 44)]
    assert outgoing[0].places == tuple(range(100, 356))
    assert (outgoing[0].batch.tenant, outgoing[0].batch.device_id, outgoing[0].batch.boot_epoch) == ("acme", "p1", 2)


def test_a_new_version_and_a_gap_in_the_numbers_begin_a_new_batch() -> None:
    given = [*stored(0, 1), *stored(2, model_version=2), *stored(3, 7, model_version=2)]
    assert runs(pack("acme", "p1", 1, given)) == [("pumps", 1, 0, 2), ("pumps", 2, 2, 2), ("pumps", 2, 7, 1)]


def test_a_new_adapter_begins_a_new_batch() -> None:
    outgoing = pack("acme", "p1", 1, [*stored(0, 1), *stored(2, adapter=150), *stored(3, adapter=150), *stored(4, adapter=200)])
    assert [(p.batch.adapter, p.batch.first_seq, p.batch.count) for p in outgoing] == [(0, 0, 2), (150, 2, 2), (200, 4, 1)]


def test_streams_that_alternate_do_not_cut_each_others_batches() -> None:
    given = [item for n in range(3) for item in (*stored(n), *stored(n, stream="fans"))]
    assert runs(pack("acme", "p1", 1, given)) == [("pumps", 1, 0, 3), ("fans", 1, 0, 3)]


def test_a_row_without_an_id_among_rows_with_ids_has_an_empty_one() -> None:
    given = [*stored(0), *stored(1, request_ids=("a",))]
    assert pack("acme", "p1", 1, given)[0].batch.request_ids == ("", "a")
    assert pack("acme", "p1", 1, stored(0))[0].batch.request_ids == ()


def test_a_row_that_the_version_alone_answers_alike_is_empty_among_others() -> None:
    given = [*stored(0), *stored(1, answers_alone=("bad",))]
    assert pack("acme", "p1", 1, given)[0].batch.answers_alone == ("", "bad")
    assert pack("acme", "p1", 1, stored(0))[0].batch.answers_alone == ()


@given(st.lists(st.integers(1, 600), max_size=20), st.integers(1, 64))
def test_packing_loses_nothing_doubles_nothing_and_keeps_the_order(counts: list[int], limit: int) -> None:
    pieces: list[StoredRows] = []
    number = 0
    for count in counts:
        data = b"".join((number + i).to_bytes(8, "little") for i in range(count))
        times, answers = tuple(range(number + 1, number + count + 1)), ("x",) * count
        for piece in slices(replace(ONE, count=count, features=data, event_times=times, answers=answers), limit):
            pieces.append(StoredRows(len(pieces), replace(piece, first_seq=number)))
            number += piece.count
    outgoing = pack("acme", "p1", 1, pieces, limit)
    assert all(p.batch.count <= limit for p in outgoing)
    assert b"".join(p.batch.features for p in outgoing) == b"".join(n.to_bytes(8, "little") for n in range(number))
    assert [t for p in outgoing for t in p.batch.event_times] == list(range(1, number + 1))
    assert [place for p in outgoing for place in p.places] == list(range(len(pieces)))
