"""Start of the command: processor time of help and completion, against a Python process that imports typer alone.

A user waits for this each time, and for completion while typing.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping

from benchmarks.figures import Figure, Kind, figure
from benchmarks.rounds import interleaved

BASE = "import typer"
COMMAND = "from edgeloop_cli.main import main; main()"
COMPLETION = {"_EDGELOOP_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
# Help and a command's name need little more than typer; a topic's name needs the declarations of all topics and events.
VARIANTS: Mapping[str, tuple[str, Mapping[str, str], float | None]] = {
    BASE: (BASE, {}, None),
    "edgeloop --help": (COMMAND, {}, 2.0),
    "completion of a command": (COMMAND, {**COMPLETION, "COMP_WORDS": "edgeloop ta"}, 4.0),
    "completion of a topic": (COMMAND, {**COMPLETION, "COMP_WORDS": "edgeloop tail dr", "COMP_CWORD": "2"}, 6.0),
}


def run(*, quick: bool) -> list[Figure]:
    """Ratios of processor time."""
    measured = interleaved({name: _process(code, environment) for name, (code, environment, _) in VARIANTS.items()}, 2 if quick else 15)
    base = measured[BASE]
    figures = [figure(f"startup/{BASE}", base, "s", Kind.RESOURCE, lower_is_better=True)]
    for name, (_, _, aim) in VARIANTS.items():
        if name != BASE:
            note = f"{measured[name].median:.2f} s of processor time"
            ratio = measured[name].over(base)
            figures.append(figure(f"startup/{name} over {BASE}", ratio, "x", Kind.RATIO, lower_is_better=True, aim=aim, note=note))
    return figures


def _process(code: str, environment: Mapping[str, str]) -> Callable[[], float]:
    command = [sys.executable, "-c", f"import sys; sys.argv = ['edgeloop', '--help']; {code}"]

    def measure() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return measure
