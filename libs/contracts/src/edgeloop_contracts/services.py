"""Copies of the specifications of all services, generated from ``services/*/src/*/spec.py`` by ``make generate``. Do not edit."""

from __future__ import annotations

from edgeloop_contracts import events as e
from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import Access, Kept, Reads, Runtime, ServiceSpec, Writes
from edgeloop_contracts.topic import Partitions

SERVICES: dict[str, ServiceSpec] = {
    "inference": ServiceSpec(
        name="inference",
        decides="what the device answers",
        runtime=Runtime.DEVICE,
        reads=(
            Reads(topics.ROLLOUT_ASSIGNMENTS, "the version that this device runs", Access.WHOLE),
            Reads(topics.STREAMS, "streams and their features", Access.WHOLE),
            Reads(topics.MODEL_CHUNKS, "model files", Access.OFFSET),
            Reads(topics.MODEL_ADAPTERS, "what each stream's mixture has learned: frames, adapters, memory blocks", Access.WHOLE),
            Reads(topics.FLEET_REPORTED, "once for a new outbox: whether this device has reported before, and its epoch", Access.WHOLE),
        ),
        writes=(
            Writes(topics.OBSERVATIONS_RAW, "rows that were answered, in batches of up to 256"),
            Writes(topics.FLEET_REPORTED, "the device is online, its version and adapter, refusals and their reasons"),
        ),
        settings="edgeloop_inference.settings:Settings",
        memory="1g",
        data_dir=True,
        trusts=(("TRUST_FILE", "registry"), ("ADAPTER_TRUST_FILE", "adapter")),
    ),
    "ingestion": ServiceSpec(
        name="ingestion",
        decides="which raw records are valid and new, and their device's partition",
        reads=(
            Reads(topics.OBSERVATIONS_RAW, "batches of rows of one device"),
            Reads(topics.OBSERVATION_ROWS_RAW, "single rows, of producers that cannot batch"),
            Reads(topics.OBSERVATION_NAMED_RAW, "single rows with their features by name"),
            Reads(topics.LABELS_RAW, "labels"),
            Reads(topics.STREAMS, "stream definitions", Access.WHOLE),
        ),
        writes=(
            Writes(topics.OBSERVATIONS, "checked batches, each row once"),
            Writes(topics.LABELS, "checked labels; a [number](../../docs/regression.md) in its one text"),
            Writes(
                topics.DEVICES_DOUBTED, "a device in whose name records came that cannot all be its own; monitoring raises `DOUBTED_DEVICES`"
            ),
            Writes(topics.OBSERVATIONS_RAW, "records that lay in another device's partition, unchanged"),
            Writes(topics.OBSERVATION_ROWS_RAW, "the same"),
            Writes(topics.OBSERVATION_NAMED_RAW, "the same"),
            Writes(topics.LABELS_RAW, "the same"),
        ),
        state=Kept(
            (e.SeenRows, e.SeenContents, e.SeenSamples, e.SeenEpochs),
            "rows seen by device and epoch: their numbers, and digests of their contents",
        ),
        refuses="records that it refused, with the reason",
        settings="edgeloop_ingestion.settings:Settings",
    ),
    "labels": ServiceSpec(
        name="labels",
        decides="which label belongs to which observation, however late it comes",
        reads=(
            Reads(topics.OBSERVATIONS, "rows, each once"),
            Reads(topics.LABELS, "labels"),
        ),
        writes=(
            Writes(topics.EXAMPLES, "rows with their labels"),
            Writes(topics.LABEL_CONTRADICTIONS, "a row whose label has changed"),
        ),
        state=Kept((e.JoinState, e.LabelledRows, e.WaitingLabel), "labels joined and waiting, counts, and the place in `observations`"),
        refuses="labels whose observation did not come in time",
        settings="edgeloop_labels.settings:Settings",
        data_dir=True,
    ),
    "drift": ServiceSpec(
        name="drift",
        decides="that a distribution or an error rate has changed, also below an adapter that hides it",
        reads=(
            Reads(topics.OBSERVATIONS, "level one: rows, labelled or not"),
            Reads(topics.EXAMPLES, "level one: labelled rows; batches that correct earlier labels are skipped"),
            Reads(topics.DRIFT_PARTIALS, "level two: its own partials, in the stream's partition"),
            Reads(topics.STREAMS, "feature names for signals; the tolerance of [numbers](../../docs/regression.md)", Access.WHOLE),
            Reads(topics.POLICIES, "a stream's detector and scopes, changed while it runs ([policies](../../docs/policies.md))", Access.WHOLE),
        ),
        writes=(
            Writes(topics.DRIFT_PARTIALS, "error bytes of consecutive labelled rows, or feature sums of a block"),
            Writes(topics.DRIFT_SIGNALS, "a change, and how far detection has come; both in the stream's partition"),
        ),
        state=Kept((e.DetectorState, e.BlockState), "snapshots of detectors, and open blocks"),
        refuses="records whose parts do not fit together (`MALFORMED`)",
        settings="edgeloop_drift.settings:Settings",
    ),
    "retraining": ServiceSpec(
        name="retraining",
        decides="that a fit is due, and on which labelled rows",
        reads=(
            Reads(topics.DRIFT_PARTIALS, "`ERRORS` partials: the count of a stream's labelled rows, and their places in `examples`"),
            Reads(topics.DRIFT_SIGNALS, "rising `ERROR_RATE` signals, which open campaigns; the progress of detection"),
            Reads(topics.RETRAINING_COMMANDS, "a person's order: a stream's first version, or one more version"),
            Reads(topics.TRAINING_RUNS, "first fits that failed or were rejected"),
            Reads(topics.POLICIES, "when a stream's fits are due, changed while it runs ([policies](../../docs/policies.md))", Access.WHOLE),
        ),
        writes=(Writes(topics.TRAINING_REQUESTS, "a fit that is due; its cause is the signal or the command"),),
        state=Kept((e.CampaignState, e.RowPage), "campaigns, and the places of recent rows"),
        refuses="malformed commands and partials",
        settings="edgeloop_retraining.settings:Settings",
    ),
    "trainer": ServiceSpec(
        name="trainer",
        decides="the challenger, and whether it beats the champion",
        reads=(
            Reads(topics.TRAINING_REQUESTS, "the rows of a fit, and the end of its gate"),
            Reads(topics.DRIFT_PARTIALS, "the order of each stream's labelled rows"),
            Reads(topics.EXAMPLES, "the rows", Access.OFFSET),
            Reads(topics.MODEL_EVENTS, "champions, and the registry's answers to candidates", Access.WHOLE),
            Reads(topics.STREAMS, "features, and whether labels are numbers", Access.WHOLE),
            Reads(topics.POLICIES, "a stream's recipe and gate, see [policies](../../docs/policies.md)", Access.WHOLE),
            Reads(topics.MODEL_CHUNKS, "files of champion and challenger after a restart", Access.OFFSET),
        ),
        writes=(
            Writes(topics.TRAINING_RUNS, "the steps and the end of each run"),
            Writes(topics.MODEL_CANDIDATES, "a challenger that won, signed"),
            Writes(topics.MODEL_CHUNKS, "its file; a tombstone once it was rejected"),
        ),
        state=Kept((e.GateState,), "runs that have not ended"),
        settings="edgeloop_trainer.settings:Settings",
        memory="2g",
        signs=True,
    ),
    "registry": ServiceSpec(
        name="registry",
        decides="stream definitions, versions and their signatures",
        reads=(
            Reads(topics.MODEL_CANDIDATES, "candidates for versions"),
            Reads(topics.MODEL_COMMANDS, "stream definitions, new or changed"),
            Reads(topics.MODEL_CHUNKS, "the candidate's file", Access.OFFSET),
            Reads(topics.TRAINING_REQUESTS, "the requests that a candidate may answer", Access.WHOLE),
        ),
        writes=(
            Writes(topics.MODEL_EVENTS, "a version, or a refusal"),
            Writes(topics.STREAMS, "the newest definition of each stream"),
        ),
        state=Kept((e.RegistryState,), "the newest event of the chain; definition, version and request of each stream", Partitions.ONE),
        settings="edgeloop_registry.settings:Settings",
        scales=False,
        signs=True,
        trusts=(("TRAINER_TRUST_FILE", "trainer"),),
    ),
    "adapter": ServiceSpec(
        name="adapter",
        decides="what a stream's mixture learns between two versions",
        reads=(
            Reads(topics.DRIFT_PARTIALS, "`ERRORS` partials: the order of each stream's labelled rows"),
            Reads(topics.EXAMPLES, "the rows", Access.OFFSET),
            Reads(topics.MODEL_EVENTS, "the versions that take part", Access.WHOLE, (e.ModelVersion,)),
            Reads(topics.MODEL_CHUNKS, "their files", Access.OFFSET),
            Reads(topics.STREAMS, "the first classes, or the tolerance of numbers", Access.WHOLE),
            Reads(
                topics.POLICIES,
                "learning rate and frequency of adapters, changed while it runs ([policies](../../docs/policies.md))",
                Access.WHOLE,
            ),
        ),
        writes=(
            Writes(
                topics.MODEL_ADAPTERS,
                "first memory blocks, then frames, then adapters, in each transaction",
                (e.MemoryBlock, e.AdapterFrame, e.ModelAdapter),
            ),
        ),
        state=Kept((e.LearnerState, e.AdapterFrame, e.ModelAdapter, e.MemoryBlock), "mixtures, and the adapters that labels may still name"),
        settings="edgeloop_adapter.settings:Settings",
        signs=True,
    ),
    "rollout": ServiceSpec(
        name="rollout",
        decides="which device runs which version",
        reads=(
            Reads(topics.MODEL_EVENTS, "the newest version of each stream"),
            Reads(topics.FLEET_REPORTED, "the devices of each stream"),
            Reads(topics.ROLLOUT_ASSIGNMENTS, "whether its last assignment of a device is unchanged", Access.WHOLE),
        ),
        writes=(Writes(topics.ROLLOUT_ASSIGNMENTS, "the version of a device"),),
        state=Kept((e.RolloutState,), "the newest version of each stream; the devices that are known", Partitions.ONE),
        scales=False,
    ),
    "fleet": ServiceSpec(
        name="fleet",
        decides="who is enrolled, in which group, alive, and with which configuration",
        reads=(
            Reads(topics.FLEET_COMMANDS, "enrolments, tokens, labels, configurations, the policy"),
            Reads(topics.FLEET_ENROLMENTS, "requests of devices that hold a token"),
            Reads(topics.FLEET_HEARTBEATS, "health of devices; its own ticks, by which silent devices are judged"),
            Reads(topics.FLEET_REPORTED, "devices of an open tenant, also those that send no heartbeats"),
        ),
        writes=(
            Writes(topics.FLEET_DEVICES, "standing, keys, group and labels of a device"),
            Writes(topics.FLEET_HEALTH, "health of a device: at changes, otherwise at most once a minute"),
            Writes(topics.FLEET_CONFIG, "configurations of tenants, groups and devices; policies of tenants"),
            Writes(topics.FLEET_ANSWERS, "outcome of each command, and refused requests with a typed reason"),
            Writes(topics.FLEET_HEARTBEATS, "ticks", (e.FleetTick,)),
        ),
        state=Kept(
            (e.Device, e.DeviceHealth, e.MemberProcesses, e.FleetToken, e.FleetConfig, e.FleetPolicy, e.SeenCommand),
            "devices with their health and processes, tokens, configurations, policies, ids of commands",
            Partitions.ONE,
        ),
        refuses="heartbeats, reports and commands that it cannot admit, with the reason",
        settings="edgeloop_fleet.settings:Settings",
        scales=False,
    ),
    "monitoring": ServiceSpec(
        name="monitoring",
        decides="that a person should look",
        runtime=Runtime.VIEW,
        reads=(
            Reads(topics.OBSERVATIONS, "rates, ages, silence"),
            Reads(topics.DRIFT_PARTIALS, "the share of wrong answers, as drift counts them"),
            Reads(topics.DRIFT_SIGNALS, "signals"),
            Reads(topics.TRAINING_RUNS, "failed fits"),
            Reads(topics.DEVICES_DOUBTED, "records in a device's name that cannot all be its own"),
            Reads(topics.FLEET_REPORTED, "what devices serve and refuse"),
            Reads(topics.MODEL_EVENTS, "the newest version of each stream; candidates of strangers"),
            Reads(topics.FLEET_DEVICES, "the standing and group of each device"),
            Reads(topics.FLEET_HEALTH, "lost devices, and names that several processes use"),
            Reads(topics.ALERTS, "alerts that are open, at the start", Access.WHOLE),
        ),
        writes=(Writes(topics.ALERTS, "an alert was raised or cleared"),),
        settings="edgeloop_monitoring.settings:Settings",
        observer=True,
        scales=False,
    ),
    "mirror": ServiceSpec(
        name="mirror",
        decides="nothing: it shows runs and versions in MLflow",
        runtime=Runtime.SUBSCRIPTION,
        reads=(
            Reads(topics.TRAINING_RUNS, "every step of every run"),
            Reads(topics.MODEL_EVENTS, "every version", kinds=(e.ModelVersion,)),
            Reads(topics.TRAINING_REQUESTS, "the manifest of a run's rows; the run names its place", Access.OFFSET),
            Reads(topics.MODEL_CHUNKS, "a challenger's file", Access.OFFSET),
            Reads(topics.STREAMS, "names of the columns", Access.WHOLE),
        ),
        settings="edgeloop_mirror.settings:Settings",
        observer=True,
        trusts=(("TRUST_FILE", "registry"),),
        needs="MLFLOW_TRACKING_URI",
        profile="mlflow",
        variables=("EDGELOOP_MIRROR_EXPERIMENT", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"),
    ),
}
"""By name, in the order in which data flows."""
