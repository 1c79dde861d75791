"""The command line of a service: ``--help`` and ``--version``; all else is set by variables."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from importlib.metadata import metadata
from textwrap import fill

from edgeloop_kafka.settings import KafkaSettings
from edgeloop_kafka.settings_table import Setting, described
from pydantic_settings import BaseSettings

_WIDTH = 110


def look_at(name: str, kinds: Iterable[type[BaseSettings]], arguments: Sequence[str] | None = None) -> None:
    """Take up the command line of a service.

    Parameters
    ----------
    name
        Of the service.
    kinds
        Settings of its own.
    arguments
        Those of the process by default.

    Raises
    ------
    SystemExit
        Help or the version was asked for (code 0), or an argument is unknown (code 2).
    """
    package = metadata(f"edgeloop-{name}")
    parser = argparse.ArgumentParser(
        prog=f"edgeloop-{name}",
        description=f"{package['Summary']}.",
        epilog=_told(name, kinds),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"edgeloop-{name} {package['Version']}", help="print the version and end")
    parser.parse_args(arguments)


def _told(name: str, kinds: Iterable[type[BaseSettings]]) -> str:
    own = [setting for kind in kinds for setting in described(kind)]
    parts = ["It is set up by environment variables. It runs until SIGTERM or Ctrl-C."]
    if own:
        parts.append("\n".join([f"settings of {name}:", *map(_lines, own)]))
    parts.append("\n".join(["settings that all services share:", *map(_lines, described(KafkaSettings))]))
    return "\n\n".join(parts)


def _lines(setting: Setting) -> str:
    state = "required" if setting.required else f"default: {setting.default}" if setting.default else "no default"
    meaning = fill(setting.meaning.replace("`", ""), _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return f"  {setting.variable}  ({state})\n{meaning}"
