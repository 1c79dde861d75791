"""Readers of topics without a group: partitions, ranges, followers, tables, and views for people."""

from edgeloop_readers.follower import Follower
from edgeloop_readers.partition_reader import PartitionReader, RangeGoneError
from edgeloop_readers.policies import Policies
from edgeloop_readers.range_reader import RangeReader
from edgeloop_readers.table import Table

__all__ = ["Follower", "PartitionReader", "Policies", "RangeGoneError", "RangeReader", "Table"]
