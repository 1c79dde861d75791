"""Kafka in memory for tests: a broker with the clients of one, the loop on it, and a driver for one task.

It passes ``tests/integration/test_conformance_of_*.py`` together with a real broker; what it cannot do stands there as strict xfails.
"""

from edgeloop_streaming.testing.broker import MemoryBroker
from edgeloop_streaming.testing.driver import TaskDriver
from edgeloop_streaming.testing.loop import MemoryLoop

__all__ = ["MemoryBroker", "MemoryLoop", "TaskDriver"]
