from edgeloop_contracts import DriftPartial, Position
from edgeloop_contracts.pooled_order import PooledOrder
from hypothesis import given
from hypothesis import strategies as st


def test_a_position_inside_a_batch_names_that_batch_and_after_its_end_the_next_offset() -> None:
    partial = DriftPartial(tenant="default", stream="", device_id="", partition=1, offset=5, first_index=10, count=4)
    assert PooledOrder().after(partial, 3).positions == (Position(partition=1, offset=5, index=13),)
    assert PooledOrder().after(partial).positions == (Position(partition=1, offset=6, index=14),)


def test_a_batch_of_two_partials_is_finished_by_the_second() -> None:
    first = DriftPartial(tenant="default", stream="", device_id="", partition=1, offset=5, first_index=10, count=4, left=2)
    second = DriftPartial(tenant="default", stream="", device_id="", partition=1, offset=5, first_index=14, count=2)
    order = PooledOrder().after(first)
    assert order.positions == (Position(partition=1, offset=5, index=14),)
    assert order.after(second) == PooledOrder(6, (Position(partition=1, offset=6, index=16),))


def test_rows_that_come_again_are_not_counted_again() -> None:
    order = PooledOrder().after(DriftPartial(tenant="default", stream="", device_id="", partition=0, offset=5, first_index=0, count=4))
    overlapping = DriftPartial(tenant="default", stream="", device_id="", partition=0, offset=5, first_index=2, count=4)
    assert order.skipped(overlapping) == 2
    assert order.after(overlapping, 2) == order
    assert order.after(overlapping).rows == 6


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 20)), max_size=30), st.integers(0, 400))
def test_going_row_by_row_comes_to_the_same_as_going_by_partials(sizes: list[tuple[int, int]], stop: int) -> None:
    order, index, offset = PooledOrder(), [0] * 4, [0] * 4
    for partition, count in sizes:
        partial = DriftPartial(
            tenant="default",
            stream="",
            device_id="",
            partition=partition,
            offset=offset[partition],
            first_index=index[partition],
            count=count,
        )
        stepped = order
        for rows in range(1, count + 1):
            stepped = stepped.after(partial, rows)
            assert stepped.rows == order.rows + rows
        order = order.after(partial)
        assert stepped == order
        index[partition] += count
        offset[partition] += 1
    assert order.rows == sum(index)
