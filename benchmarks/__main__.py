"""``python -m benchmarks``: benchmarks, with a table and a record of their figures."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import traceback

from benchmarks.figures import Figure, History, Run, as_object, describe_machine, now
from benchmarks.table import markdown, write

# The docstring of each module has its comparison; run(quick=...) returns a list of figures.
BENCHMARKS = (
    "startup",
    "codec",
    "signatures",
    "consume",
    "compression",
    "transactions",
    "pipeline",
    "profiles",
    "services",
    "mixture",
    "requests",
)
BY_NAME_ONLY = (
    "fleet",
    "rollout_evidence",
    "numbers",
    "quality",
)  # three minutes, two minutes, a quarter of an hour, and more than an hour


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns 1 if a benchmark failed."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.record and given.quick:
        parser.error("--quick only tries whether the benchmarks work: its figures are not worth recording")
    if given.data:
        os.environ["EDGELOOP_BENCH_DATA"] = given.data
    run = Run(now(), describe_machine(), ())
    failed: list[str] = []
    for name in given.benchmark or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            figures: list[Figure] = importlib.import_module(f"benchmarks.{name}").run(quick=given.quick)
        except Exception:  # the others' figures are kept
            traceback.print_exc()
            failed.append(name)
        else:
            run = Run(run.at, run.machine, (*run.figures, *figures))
    if given.record and run.figures:
        history = History.load()
        history.runs.append(run)
        history.save()
        write(history)
    else:
        history = History([run])
    print(json.dumps(as_object(run), indent=1) if given.json else markdown(history))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures edgeloop against the libraries that it builds on, in one run, and prints ratios.",
        epilog="Starts an embedded Kafka, unless EDGELOOP_KAFKA_BOOTSTRAP and EDGELOOP_SCHEMA_REGISTRY_URL name another one.",
    )
    names = [*BENCHMARKS, *BY_NAME_ONLY]
    parser.add_argument(
        "benchmark", nargs="*", choices=[*names, []], metavar="benchmark", help=f"{', '.join(names)}; default: all but the last four"
    )
    parser.add_argument("--quick", action="store_true", help="a few seconds of everything, as a test; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="print the run as JSON")
    parser.add_argument("--data", metavar="DIR", help="folder of the streams of quality; default: EDGELOOP_BENCH_DATA, else examples/data")
    parser.add_argument("--record", action="store_true", help="append the run to benchmarks/results.json and update benchmarks/README.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
