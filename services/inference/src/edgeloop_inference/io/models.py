"""The models that serve, by stream."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from edgeloop_inference.core.requests import ModelNotFoundError, ModelNotReadyError, shown
from edgeloop_inference.core.version_admission import Installed
from edgeloop_inference.io.mixture_sessions import ServingMixture
from edgeloop_inference.io.sessions import ServingModel

Serving = ServingModel | ServingMixture


class Models:
    """Serving models, by stream.

    A lookup takes one dictionary read without a lock; an installation puts a new dictionary in place. A request keeps
    the model that it looked up, so those in flight end on the old one.

    Parameters
    ----------
    streams
        Streams that this device serves; empty for every stream that it hears of.
    changed
        Called after each installation.
    """

    def __init__(self, streams: Iterable[str], changed: Callable[[Serving], None] = lambda _: None) -> None:
        self._only = frozenset(streams)
        self._known = set(self._only)
        self._serving: dict[str, Serving] = {}
        self._changed = changed
        self._lock = threading.Lock()

    @property
    def ready(self) -> bool:
        """Whether at least one model serves."""
        return bool(self._serving)

    @property
    def known(self) -> list[str]:
        """Streams of this device, with a model or without."""
        return sorted(self._known)

    def concerns(self, stream: str) -> bool:
        """Whether a stream is one of this device's."""
        return not self._only or stream in self._only

    def learn(self, stream: str) -> bool:
        """Hear of a stream; give back whether it is one of this device's and new to it."""
        with self._lock:
            if not self.concerns(stream) or stream in self._known:
                return False
            self._known = {*self._known, stream}
            return True

    def serve(self, streams: Iterable[str]) -> bool:
        """Serve these streams from now on, empty for all; models of others go. Give back whether that is a change."""
        with self._lock:
            only = frozenset(streams)
            if only == self._only:
                return False
            self._only = only
            self._known = {stream for stream in self._known if self.concerns(stream)} | only
            self._serving = {stream: model for stream, model in self._serving.items() if self.concerns(stream)}
            return True

    def install(self, model: Serving) -> None:
        """Let a model answer for its stream from the next request on."""
        with self._lock:
            self._known = {*self._known, model.stream}
            self._serving = {**self._serving, model.stream: model}
        self._changed(model)

    def serving(self, stream: str) -> Serving | None:
        """Serving model of a stream."""
        return self._serving.get(stream)

    def installed(self, stream: str) -> Installed | None:
        """Numbers of the serving model of a stream."""
        model = self._serving.get(stream)
        return None if model is None else Installed(model.version, model.digest, model.adapter)

    def find(self, name: str, version: str) -> Serving:
        """Give back the model that answers.

        Parameters
        ----------
        version
            Version that the client wants; empty for the one that serves.

        Raises
        ------
        ModelNotFoundError
            No such stream here, or another version serves.
        ModelNotReadyError
            The stream has no model yet.
        """
        model = self._serving.get(name)
        if model is None:
            if name in self._known:
                raise ModelNotReadyError(f"model {name!r}: no version has been installed yet")
            raise ModelNotFoundError(f"model {shown(name)} is unknown; known are {self.known}")
        if version and version != str(model.version):
            raise ModelNotFoundError(f"model {name!r}: version {model.version} serves, asked for was {shown(version)}")
        return model
