"""Labelled rows, model files and versions, read by their places in topics."""

from edgeloop_datasets.definitions import StreamDefinitions
from edgeloop_datasets.labelled_rows import LabelledRows
from edgeloop_datasets.model_files import ModelFiles, ModelGoneError, chunked, model_file
from edgeloop_datasets.model_versions import ModelVersions
from edgeloop_datasets.reader import Reader

__all__ = ["LabelledRows", "ModelFiles", "ModelGoneError", "ModelVersions", "Reader", "StreamDefinitions", "chunked", "model_file"]
