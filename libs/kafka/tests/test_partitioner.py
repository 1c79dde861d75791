"""The partitioner agrees with Java's."""

import pytest
from edgeloop_kafka import murmur2, partition_of


# values of org.apache.kafka.common.utils.UtilsTest
@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("abc", 479470107),
    ],
)
def test_murmur2_gives_the_values_of_javas_own_test(key: str, expected: int) -> None:
    assert murmur2(key.encode()) == expected & 0xFFFFFFFF


def test_a_partition_is_never_negative() -> None:
    assert all(0 <= partition_of(f"default/s/d{i}", 7) < 7 for i in range(1000))
