"""MLflow's tracking server through its own client, which only this module imports, after :mod:`.mlflow_environment`."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import mlflow
import mlflow.onnx as flavor
import numpy as np
import onnx
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelStatus, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.protos.databricks_pb2 import (
    BAD_REQUEST,
    INVALID_PARAMETER_VALUE,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    ErrorCode,
)
from mlflow.types import Schema, TensorSpec

from edgeloop_mirror.core.notes import KEY, DatasetNote, Note
from edgeloop_mirror.core.versions import CHAMPION, NUMBER, VersionNote
from edgeloop_mirror.io.tracking import Found, ModelNote, TrackingRefusedError, TrackingUnavailableError

_REFUSALS = frozenset({ErrorCode.Name(BAD_REQUEST), ErrorCode.Name(INVALID_PARAMETER_VALUE)})
_THERE = ErrorCode.Name(RESOURCE_ALREADY_EXISTS)
_ABSENT = ErrorCode.Name(RESOURCE_DOES_NOT_EXIST)
_PARENT = "mlflow.parentRunId"
_CONTEXT = "mlflow.data.context"
_ACTIVE = "active"


class MlflowTracking:
    """Implements :class:`edgeloop_mirror.io.tracking.Tracking`.

    Parameters
    ----------
    uri
        Address of the tracking server.
    """

    def __init__(self, uri: str) -> None:
        mlflow.set_tracking_uri(uri)
        self._client: Any = mlflow.MlflowClient(uri)

    def find(self, experiment: str, key: str) -> list[Found]:
        """Runs with this key, oldest first."""
        with _errors():
            place = self._experiment(experiment)
            runs = self._client.search_runs([place], f"tags.`{KEY}` = '{key}'", ViewType.ACTIVE_ONLY, 100, ["attributes.start_time ASC"])
            return [Found(run.info.run_id, run.data.tags) for run in runs]

    def create(self, experiment: str, name: str, tags: Mapping[str, str], began_ms: int, parent: str) -> str:
        """Create a run; returns its id."""
        with _errors():
            given = {**tags, **({_PARENT: parent} if parent else {})}
            run = self._client.create_run(self._experiment(experiment), start_time=began_ms, tags=given, run_name=name)
            return str(run.info.run_id)

    def write(self, run_id: str, note: Note, at_ms: int) -> None:
        """Write parameters, metrics and tags; metrics to the run's model, too, if it has one."""
        with _errors():
            outputs = self._client.get_run(run_id).outputs
            models = [output.model_id for output in outputs.model_outputs] if outputs else []
            metrics = [Metric(name, value, at_ms, note.step) for name, value in sorted(note.metrics.items())]
            for model_id in models:
                metrics += [Metric(name, value, at_ms, note.step, model_id=model_id) for name, value in sorted(note.metrics.items())]
            parameters = [Param(name, value) for name, value in sorted(note.parameters.items())]
            self._client.log_batch(run_id, metrics=metrics, params=parameters)
            self._client.log_batch(run_id, tags=[RunTag(name, value) for name, value in note.tags.items()])

    def dataset(self, run_id: str, note: DatasetNote) -> None:
        """Add the dataset as an input of the run."""
        with _errors():
            described = Dataset(note.name, note.digest, "kafka", note.source, note.schema or None, note.profile)
            self._client.log_inputs(run_id, [DatasetInput(described, [InputTag(_CONTEXT, "training")])])

    def model(self, run_id: str, note: ModelNote, step: int) -> None:
        """Store the model as an output of the run, in the ONNX flavour with its signature; removes the rest of a failed attempt."""
        with _errors():
            place = self._client.get_run(run_id).info.experiment_id
            for left in self._client.search_logged_models([place], f"source_run_id = '{run_id}'"):
                if left.status == LoggedModelStatus.READY:
                    return
                self._client.delete_logged_model(left.model_id)
            graph = onnx.load_model_from_string(note.onnx)
            # Created here: MLflow would use its default experiment and add tags of this process.
            made = self._client.create_logged_model(place, note.name, run_id, note.tags, note.parameters)
            Model.log(
                artifact_path=None,
                model_id=made.model_id,
                flavor=flavor,
                run_id=run_id,
                step=step,
                onnx_model=graph,
                signature=signature(graph),
                # Otherwise MLflow would install and load the model to infer them.
                pip_requirements=["onnx", "onnxruntime"],
                save_as_external_data=False,
            )

    def register(self, run_id: str, note: VersionNote) -> None:
        """Register the run's model, or its absence, as a version of a registered model; the newest one is its champion.

        edgeloop's number identifies a version. A lost response may leave two; then the first one stays.
        """
        with _errors():
            aliases = self._registered(note)
            found = self._client.search_model_versions(f"name = '{note.name}' and tags.`{NUMBER}` = '{note.number}'")
            first, *others = sorted(found, key=lambda version: int(version.version)) or [self._new_version(run_id, note)]
            for other in others:
                self._client.delete_model_version(note.name, other.version)
            if not note.champion:
                return
            champion = self._client.get_model_version(note.name, aliases[CHAMPION]) if CHAMPION in aliases else None
            if champion is None or int(champion.tags.get(NUMBER, 0)) < note.number:
                self._client.set_registered_model_alias(note.name, CHAMPION, first.version)

    def end(self, run_id: str, status: str, at_ms: int) -> None:
        """End the run."""
        with _errors():
            self._client.set_terminated(run_id, status, at_ms)

    def _registered(self, note: VersionNote) -> dict[str, Any]:
        """Aliases of the note's registered model; creates it if it is missing."""
        try:
            return dict(self._client.get_registered_model(note.name).aliases)
        except MlflowException as error:
            if error.error_code != _ABSENT:
                raise
        try:
            self._client.create_registered_model(note.name, note.about)
        except MlflowException as error:  # another mirror created it first
            if error.error_code != _THERE:
                raise
        return {}

    def _new_version(self, run_id: str, note: VersionNote) -> Any:
        outputs = self._client.get_run(run_id).outputs
        model = next((output.model_id for output in outputs.model_outputs), None) if outputs else None
        source = f"models:/{model}" if model else f"edgeloop:///{note.name}/{note.number}"
        return self._client.create_model_version(note.name, source, run_id, note.tags, description=note.description, model_id=model)

    def _experiment(self, name: str) -> str:
        """Id of an experiment; creates it if it is missing."""
        found = self._client.get_experiment_by_name(name)
        if found is None:
            return str(self._client.create_experiment(name))
        if found.lifecycle_stage != _ACTIVE:
            raise TrackingUnavailableError(
                f"the experiment {name} is deleted: restore it, or set another name in EDGELOOP_MIRROR_EXPERIMENT"
            )
        return str(found.experiment_id)


def signature(graph: Any) -> ModelSignature:
    """Inputs and outputs of a graph, in MLflow's form."""
    inputs, outputs = (Schema([_tensor(value) for value in values]) for values in (graph.graph.input, graph.graph.output))
    return ModelSignature(inputs, outputs)


def _tensor(value: Any) -> TensorSpec:
    tensor = value.type.tensor_type
    shape = tuple(dimension.dim_value or -1 for dimension in tensor.shape.dim)
    return TensorSpec(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)), shape, value.name)


@contextmanager
def _errors() -> Generator[None]:
    """Map MLflow's errors to those of the mirror."""
    try:
        yield
    except (TrackingUnavailableError, TrackingRefusedError):
        raise
    except MlflowException as error:
        if error.error_code in _REFUSALS:
            raise TrackingRefusedError(str(error)) from error
        raise TrackingUnavailableError(str(error)) from error
    except Exception as error:  # libraries of artifact stores raise any error; an unreachable server comes back
        raise TrackingUnavailableError(f"{type(error).__name__}: {error}") from error
