"""Putting off imports that a library makes in passing and a service hardly ever needs."""

from __future__ import annotations

import importlib.util
import sys


def put_off(*names: str) -> None:
    """Have submodules loaded when they are first used, whoever imports them.

    A module that has been imported already, or that its package does not have, is left as it is.

    Parameters
    ----------
    names
        Full names; their packages are imported.
    """
    for name in names:
        package, _, own = name.rpartition(".")
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            continue
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        setattr(sys.modules[package], own, module)  # or `from package import module` would import it again, which is a use
