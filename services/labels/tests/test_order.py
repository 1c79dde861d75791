from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

from edgeloop_contracts import Label, LabelledRows, ObservationBatch
from edgeloop_labels.core.blocks import ROWS, block_of, count_of, label_of, with_label
from edgeloop_labels.core.pending_batch import Pending
from edgeloop_labels.core.recent_batches import DEVICE, RecentBatches
from edgeloop_labels.core.rules import Rules
from hypothesis import given, settings
from hypothesis import strategies as st

DEVICES = ("p1", "p2")


@st.composite
def histories(draw: st.DrawFn) -> list[list[tuple[str, str, int, int]]]:
    """Transactions of records (kind, device, first row, rows); each device's observations and labels each in row order."""
    queues: list[list[tuple[str, str, int, int]]] = []
    for device in DEVICES:
        sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
        firsts = [sum(sizes[:i]) for i in range(len(sizes))]
        queues.append([("rows", device, first, size) for first, size in zip(firsts, sizes, strict=True)])
        queues.append([(draw(st.sampled_from(["seq", "request"])), device, seq, 1) for seq in range(sum(sizes))])
    order = draw(st.permutations([i for i, queue in enumerate(queues) for _ in queue]))
    line = [queues[i].pop(0) for i in order]
    cuts = draw(st.sets(st.integers(1, len(line)))) | {0, len(line)}
    edges = sorted(cuts)
    return [line[a:b] for a, b in pairwise(edges)]


def truth(device: str, seq: int) -> str:
    return f"{device} {seq % 3}"


@settings(max_examples=60)
@given(histories(), st.data())
def test_examples_of_a_device_come_in_row_order_however_observations_and_labels_interleave(
    bench_type, observed, label, examples, history: list[list[tuple[str, str, int, int]]], data: st.DataObject
) -> None:
    def event(kind: str, device: str, first: int, rows: int) -> ObservationBatch | Label:
        if kind == "rows":
            return observed(first, rows, device, request_ids=[f"r{seq}" for seq in range(first, first + rows)])
        if kind == "seq":
            return label(first, truth(device, first), device)
        return label(-1, truth(device, first), device, epoch=0, request_id=f"r{first}")

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        steady, shaken = bench_type(Path(one), Rules()), bench_type(Path(two), Rules(), memory=0)
        for transaction in history:
            events = [event(*record) for record in transaction]
            sent = steady.send(*events)
            match data.draw(st.sampled_from(["go on", "restart", "lose disk"])):
                case "restart":
                    shaken.driver.restart()
                case "lose disk":
                    shaken.lose_disk()
                    shaken.driver.restart()
                case _:
                    pass
            assert shaken.send(*events) == sent, "a restart and a lost disk change nothing"
        assert shaken.driver.stored == steady.driver.stored

        batches = examples(steady.driver.sent)
        for device in DEVICES:
            seqs = [seq for batch in batches if batch.device_id == device for seq in batch.seqs]
            rows = sum(rows for step in history for kind, d, _, rows in step if kind == "rows" and d == device)
            assert seqs == list(range(rows))
        assert [batch.first_index for batch in batches] == [sum(len(b.seqs) for b in batches[:i]) for i in range(len(batches))]
        for batch in batches:
            assert batch.labels == tuple(truth(batch.device_id, seq) for seq in batch.seqs)
            assert batch.features == b"".join(observed(seq).features for seq in batch.seqs)


@given(st.lists(st.tuples(st.integers(0, ROWS - 1), st.text(min_size=1, max_size=3)), max_size=300))
def test_a_block_holds_the_newest_label_of_each_row(labels: list[tuple[int, str]]) -> None:
    block: LabelledRows | None = None
    model: dict[int, str] = {}
    for row, text in labels:
        block = with_label(block, row + 5 * ROWS, text)
        model[row] = text
    assert {row: found for row in range(ROWS) if (found := label_of(block, row))} == model
    assert count_of(block, 0, ROWS) == len(model)
    assert count_of(block, 10, 20) == sum(10 <= row < 20 for row in model)


def test_a_block_of_all_different_labels_takes_corrections_without_end() -> None:
    block: LabelledRows | None = None
    for n in range(1000):
        block = with_label(block, n % ROWS, f"label {n}")
    assert block is not None
    assert len(block.labels) == ROWS
    assert block_of(ROWS) == 1
    assert label_of(block, 999 % ROWS) == "label 999"


@given(st.lists(st.tuples(st.sampled_from(DEVICES), st.integers(1, 2), st.integers(1, 3)), max_size=20), st.integers(0, 12_000))
def test_recent_batches_are_the_newest_and_are_found_by_row_and_by_request(observed, adds: list[tuple[str, int, int]], memory: int) -> None:
    recent, ends = RecentBatches(), dict[tuple[str, int], int]()
    held: list[Pending] = []
    for offset, (device, epoch, rows) in enumerate(adds):
        first = ends.get((device, epoch), 0)
        ends[device, epoch] = first + rows
        ids = [f"{epoch} {seq}" for seq in range(first, first + rows)]
        pending = Pending(offset, 0, "", observed(first, rows, device, epoch, request_ids=ids))
        recent.add(pending)
        held.append(pending)
        recent.shrink(memory)
        while sum(p.memory for p in held) + DEVICE * len({(p.key, p.batch.boot_epoch) for p in held}) > memory:
            held.pop(0)
    for (device, epoch), end in ends.items():
        key = f"default/pumps/{device}"
        for seq in range(end + 1):
            expected = next((p for p in held if p.key == key and p.batch.boot_epoch == epoch and p.holds(seq)), None)
            assert recent.find(key, epoch, seq) is expected
            for asked in (epoch, 0):
                hit = recent.find_request(key, asked, f"{epoch} {seq}")
                assert hit == ((expected, seq - expected.batch.first_seq) if expected else None)
    recent.shrink(0)
    assert recent.size == 0
