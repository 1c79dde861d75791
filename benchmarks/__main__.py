"""``python -m benchmarks``: run benchmarks, print their table, and record it."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import traceback

from benchmarks.figures import Figure, History, Run, as_object, describe_machine, now
from benchmarks.table import markdown, write

# Each module says at its top what it compares, and has run(quick=...) -> list of figures.
BENCHMARKS = ("codec", "consume", "compression", "transactions", "pipeline", "profiles", "services", "mixture", "requests")
BY_NAME_ONLY = ("numbers", "quality")  # a quarter of an hour, and more than an hour


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 1 when a benchmark failed."""
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
        except Exception:  # what the others found is kept
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
        description="Measures edgeloop against what it builds on, side by side in one run, and tells ratios.",
        epilog="Works on an embedded Kafka of its own, or on the one that EDGELOOP_KAFKA_BOOTSTRAP and EDGELOOP_SCHEMA_REGISTRY_URL name.",
    )
    names = [*BENCHMARKS, *BY_NAME_ONLY]
    parser.add_argument(
        "benchmark", nargs="*", choices=[*names, []], metavar="benchmark", help=f"{', '.join(names)}; default: all but the last two"
    )
    parser.add_argument("--quick", action="store_true", help="a few seconds of everything, to see that it works; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="print the run as JSON")
    parser.add_argument("--data", metavar="DIR", help="of quality: where its streams are; default EDGELOOP_BENCH_DATA or examples/data")
    parser.add_argument("--record", action="store_true", help="append the run to benchmarks/results.json and renew benchmarks/README.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
