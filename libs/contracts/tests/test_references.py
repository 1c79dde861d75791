"""Row n is the same row, read now or later."""

from __future__ import annotations

from edgeloop_contracts import DriftPartial, GateState, PartialKind
from edgeloop_contracts.row_references import MARK_EVERY, PooledRows, counts, folded, mark_before, reference, replayed
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(1, 700), min_size=1, max_size=30), st.data())
def test_the_order_read_again_from_a_mark_is_the_order_that_was(sizes, data):
    gate, rows, log = GateState(), PooledRows(keep=10**9), []
    for offset, size in enumerate(sizes):
        partial = DriftPartial(
            tenant="default", stream="", device_id="", partition=offset % 3, offset=offset, first_index=offset * 1000, count=size
        )
        log.append(partial)
        rows.append(reference(partial, gate.rows))
        gate = folded(gate, partial, offset)
    assert gate.rows == sum(sizes)
    assert len(gate.marks) <= 1 + gate.rows // MARK_EVERY
    first = data.draw(st.integers(1, gate.rows))
    last = data.draw(st.integers(first, gate.rows))
    mark = mark_before(gate.marks, first)
    again = replayed(mark, log[mark.offset : gate.last_offset + 1])
    assert again.covers(first)
    assert again.between(first, last) == rows.between(first, last)
    assert sum(r.count for r in rows.between(first, last)) == last - first + 1


def test_partials_of_features_are_no_rows():
    assert not counts(DriftPartial(tenant="default", stream="", device_id="", kind=PartialKind.FEATURES, count=5))


def test_rows_that_are_too_old_have_no_mark():
    gate = GateState()
    for offset in range(150):
        gate = folded(gate, DriftPartial(tenant="default", stream="", device_id="", count=MARK_EVERY), offset)
    assert mark_before(gate.marks, 1) is None
    assert mark_before(gate.marks, gate.rows).row == gate.rows - MARK_EVERY
