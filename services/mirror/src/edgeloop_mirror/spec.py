"""Specification of the service `mirror`: every list that names it is made from this."""

from __future__ import annotations

from edgeloop_contracts import events as e
from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import Access, Reads, Runtime, ServiceSpec

SPEC = ServiceSpec(
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
)
