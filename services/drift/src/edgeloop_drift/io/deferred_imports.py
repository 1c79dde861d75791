"""Deferred imports of modules that a library imports and a service hardly needs."""

from __future__ import annotations

import importlib.util
import sys


def defer(*names: str) -> None:
    """Load submodules at their first use, whoever imports them.

    A module that is imported already, or that its package lacks, stays as it is.

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
        setattr(sys.modules[package], own, module)  # else `from package import module` imports it again, which is a use
