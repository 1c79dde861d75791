"""The loop with its default policy, and without some of its parts."""

from __future__ import annotations

import time

from edgeloop_mixture.rule import Rule
from edgeloop_replay.policy import Policy
from edgeloop_replay.result import replay
from edgeloop_replay.setting import setting_of
from edgeloop_retraining.core.policy import Policy as Retraining

from benchmarks.loop_quality.played import Played
from benchmarks.loop_quality.streams import WARMUP, Stream

STATIC, DEFAULT = "never retrained", "default"
FITS, ADAPTERS, VERSIONS = "fits", "KiB of adapters to a device", "KiB of versions to a device"
NEVER = 1 << 40

_DEFAULT = Policy()
VARIANTS: dict[str, tuple[Policy, int]] = {
    DEFAULT: (_DEFAULT, 0),
    "default, labels 200 rows late": (_DEFAULT, 200),
    "default, labels 1,000 rows late": (_DEFAULT, 1_000),
    "without adapters": (Policy(adapters=False), 0),
    "without fits": (Policy(retraining=Retraining(stages=(NEVER,), quiet=(), quiet_doubling=False)), 0),
    "without memories": (Policy(adapter=Rule(memories=())), 0),
}
"""By name: what is tried, and how many rows labels come late."""


def play(stream: Stream, name: str) -> list[Played]:
    """A variant on a stream; with the default comes the first version, never retrained."""
    policy, delay = VARIANTS[name]
    setting = setting_of(stream.table, stream.name, warmup=WARMUP, delay=delay)
    began = time.process_time()
    result = replay(setting, policy)
    seconds = time.process_time() - began
    report = result.report
    sent = report["bytes_per_device"]
    counted = {FITS: report["fits"], ADAPTERS: sent["adapters"] / 1024, VERSIONS: sent["versions"] / 1024}
    rows = len(result.right)
    played = [Played(stream.name, name, result.right, rows, seconds, {key: float(value) for key, value in counted.items()})]
    if name == DEFAULT:
        played.append(Played(stream.name, STATIC, result.static, rows, 0.0))
    return played
