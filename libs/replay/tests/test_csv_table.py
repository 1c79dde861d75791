import gzip
import os
import time
from pathlib import Path

import numpy as np
import pytest
from edgeloop_replay.errors import BadTableError
from edgeloop_replay.tables.csv_file import name_of, read_table
from edgeloop_replay.tables.csv_options import CsvOptions
from edgeloop_replay.tables.stream_table import AT_ONCE, check_playable, parse

Y = CsvOptions(label="y")
GOOD = "a,b,y\n1,2.5,cat\n3,,dog\n-4e1,0,cat\n"


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def refused(text: str, label: str = "y") -> str:
    with pytest.raises(BadTableError) as problem:
        parse(lines(text), CsvOptions(label=label))
    return str(problem.value)


def test_numbers_become_float32_and_an_empty_cell_is_missing():
    table = parse(lines(GOOD), Y)
    assert table.names == ("a", "b")
    assert table.labels == ("cat", "dog", "cat")
    assert table.classes == ("cat", "dog")
    assert table.features.dtype == np.float32
    assert table.nullable == (False, True)
    np.testing.assert_array_equal(table.features, np.array([[1, 2.5], [3, np.nan], [-40, 0]], np.float32))


def test_the_label_may_stand_anywhere():
    table = parse(lines("y,a\nk,1\nm,2\n"), Y)
    assert (table.names, table.labels) == (("a",), ("k", "m"))


def test_whether_a_feature_may_be_missing_is_told_by_the_whole_file():
    table = parse(lines("a,y\n1,k\n2,m\n,k\n"), Y).first(2)
    assert len(table) == 2
    assert table.nullable == (True,)


def test_blank_lines_at_the_end_do_no_harm():
    assert len(parse(lines(GOOD + "\n\n"), Y)) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty", "header"]),
        ("a,y\n", ["no rows"]),
        ("a,b\n1,2\n", ["'y'", "a, b"]),
        ("a,,y\n1,2,k\n", ["column 2", "no name"]),
        ("a,a,y\n1,2,k\n", ["two columns", "'a'"]),
        ("y\nk\n", ["no feature"]),
        ("a,b,y\n1,2,k\n1,k\n", ["row 2", "2 cells", "3", "'y' is missing"]),
        ("a,b,y\n1,2,k,9\n", ["row 1", "4 cells", "3"]),
        ("a,b,y\n1,2,k\n1,red,k\n", ["row 2", "'b'", "'red'", "number"]),
        ("a,y\n1,k\n\n2,k\n", ["row 2", "blank"]),
        ("a,y\n1,k\n1e60,k\n", ["row 2", "'a'", "1e60"]),
        ("a,y\n1,k\ninf,k\n", ["row 2", "'a'", "inf"]),
        ('a,y\n1,"k\n', []),
    ],
)
def test_what_cannot_be_played_is_refused_with_row_and_column(text: str, words: list[str]):
    if not words:  # an open quote swallows the rest of the file: one row, and its label has a line's end inside
        assert parse(lines(text), Y).labels == ("k",)
        return
    message = refused(text)
    assert all(word in message for word in words), message
    assert "\n" not in message


@pytest.mark.parametrize(("row", "told"), [("x,k", "'x'"), ("1e60,k", "'1e60'"), ("1", "'y' is missing")])
def test_what_is_wrong_far_below_is_told_with_its_row(row: str, told: str):
    message = refused("a,y\n" + "1,k\n" * AT_ONCE * 2 + f"{row}\n")
    assert message.startswith(f"row {AT_ONCE * 2 + 1}")
    assert told in message


def test_a_row_without_a_label_is_a_row() -> None:
    table = parse(lines("a,y\n1,k\n2, \n3,nan\n4,m\n"), Y)
    assert (table.labels, table.classes, table.labelled(0, 4)) == (("k", "", "", "m"), ("k", "m"), 2)


def test_rows_that_are_read_in_parts_are_one_table():
    table = parse(lines("a,y\n" + "".join(f"{row},k{row}\n" for row in range(AT_ONCE + 1))), Y)
    assert table.features[:, 0].tolist() == list(range(AT_ONCE + 1))
    assert table.labels[AT_ONCE:] == (f"k{AT_ONCE}",)


def test_there_must_be_a_row_to_play_and_two_classes_and_a_feature_to_tell_them_by():
    table = parse(lines("a,y\n1,k\n2,k\n3,m\n"), Y)
    check_playable(table, 2)
    with pytest.raises(BadTableError, match="at least 2"):
        check_playable(table, 1)
    with pytest.raises(BadTableError, match="one must be left"):
        check_playable(table, 3)
    with pytest.raises(BadTableError, match=r"column 'y': all 3 rows have the label 'k'; expected two different ones"):
        check_playable(parse(lines("a,y\n1,k\n2,k\n3,k\n"), Y), 2)
    with pytest.raises(BadTableError, match="rows 1 to 2: no feature changes in the warm-up"):
        check_playable(parse(lines("a,b,y\n1,,k\n1,,k\n2,,m\n"), Y), 2)


def test_a_file_may_be_gzipped_and_begin_with_a_byte_order_mark(tmp_path: Path):
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + GOOD.encode()))
    assert read_table(path, Y).names == ("a", "b")
    assert name_of(path) == "data"


@pytest.mark.parametrize("data", [GOOD.encode(), gzip.compress(GOOD.encode())])
def test_a_pipe_can_be_read(data: bytes):
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    assert read_table(Path(f"/dev/fd/{reading}"), Y).names == ("a", "b")
    os.close(reading)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, ["No such file"]),
        (b"a,y\n1,k\n\xff,k\n", ["line 3", "UTF-8", "0xff"]),
        (gzip.compress(b"a,y\n1,k\n")[:-9], ["gzip"]),
        (b"a,y\n1,k\nx,k\n", ["row 2", "'a'", "'x'"]),
    ],
)
def test_a_refusal_names_the_file(tmp_path: Path, data: bytes | None, words: list[str]):
    path = tmp_path / "bad.csv"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadTableError) as problem:
        read_table(path, Y)
    message = str(problem.value)
    assert message.startswith(str(path))
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_a_large_file_is_read_quickly(tmp_path: Path):
    path = tmp_path / "large.csv"
    row = ",".join(str(i / 7) for i in range(50))
    path.write_text(",".join(f"f{i}" for i in range(50)) + ",y\n" + f"{row},k\n" * 20_000)
    began = time.process_time()
    assert read_table(path, Y).features.shape == (20_000, 50)
    assert time.process_time() - began < 2.0
