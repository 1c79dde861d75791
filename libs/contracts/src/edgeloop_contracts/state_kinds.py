"""State kinds of each service, generated from the services' specifications by ``make generate``. Do not edit."""

from __future__ import annotations

from edgeloop_contracts import events as e
from edgeloop_contracts.event import Event

KINDS: dict[str, tuple[str, tuple[type[Event], ...]]] = {
    "ingestion": ("many", (e.SeenRows, e.SeenContents, e.SeenSamples, e.SeenEpochs,)),
    "labels": ("many", (e.JoinState, e.LabelledRows, e.WaitingLabel,)),
    "drift": ("many", (e.DetectorState, e.BlockState,)),
    "retraining": ("many", (e.CampaignState, e.RowPage,)),
    "trainer": ("many", (e.GateState,)),
    "registry": ("one", (e.RegistryState,)),
    "adapter": ("many", (e.LearnerState, e.AdapterFrame, e.ModelAdapter, e.MemoryBlock,)),
    "rollout": ("one", (e.RolloutState, e.RolloutVersion, e.Policy,)),
    "fleet": ("one", (e.Device, e.DeviceHealth, e.MemberProcesses, e.FleetToken, e.FleetConfig, e.FleetPolicy, e.SeenCommand,)),
}
"""By service: how many partitions its state topic has, and the records in it besides the checkpoint."""
