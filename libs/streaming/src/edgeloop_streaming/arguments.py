"""The command line of a service: ``--help`` and ``--version``; settings are environment variables."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from importlib.metadata import metadata
from textwrap import fill

from edgeloop_kafka.settings import KafkaSettings
from edgeloop_kafka.settings_table import Setting, described
from pydantic_settings import BaseSettings

_WIDTH = 110


def parse_arguments(name: str, kinds: Iterable[type[BaseSettings]], arguments: Sequence[str] | None = None) -> None:
    """Parse the command line of a service.

    Parameters
    ----------
    name
        Name of the service.
    kinds
        Settings of its own.
    arguments
        By default those of the process.

    Raises
    ------
    SystemExit
        Help or the version was requested (code 0), or an argument is unknown (code 2).
    """
    package = metadata(f"edgeloop-{name}")
    parser = argparse.ArgumentParser(
        prog=f"edgeloop-{name}",
        description=f"{package['Summary']}.",
        epilog=_settings_help(name, kinds),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"edgeloop-{name} {package['Version']}", help="print the version and end")
    parser.parse_args(arguments)


def _settings_help(name: str, kinds: Iterable[type[BaseSettings]]) -> str:
    own = [setting for kind in kinds for setting in described(kind)]
    parts = ["Environment variables hold its settings. It runs until SIGTERM or Ctrl-C."]
    if own:
        parts.append("\n".join([f"settings of {name}:", *map(_lines, own)]))
    parts.append("\n".join(["settings that all services share:", *map(_lines, described(KafkaSettings))]))
    return "\n\n".join(parts)


def _lines(setting: Setting) -> str:
    state = "required" if setting.required else f"default: {setting.default}" if setting.default else "no default"
    meaning = fill(setting.meaning.replace("`", ""), _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return f"  {setting.variable}  ({state})\n{meaning}"
