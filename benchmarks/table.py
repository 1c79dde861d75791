"""Tables for the README and the terminal: the newest figures, those before, and regressions."""

from __future__ import annotations

from pathlib import Path

from benchmarks.figures import Figure, History, Kind, Run
from benchmarks.matrix import is_matrix, matrices

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- figures: made by `make bench` -->", "<!-- end of figures -->"
_TITLES = {
    "startup": "Start of the command",
    "codec": "Codec",
    "consume": "Consumption",
    "mixture": "A mixture's latency",
    "requests": "Short requests beside long ones",
    "transactions": "Transactions",
    "pipeline": "The pipeline",
    "profiles": "Where the pipeline's time goes",
    "services": "Services",
    "quality": "How right the answers are",
    "rollout_evidence": "Evidence of rollouts",
    "numbers": "How right they are where labels are numbers",
}


def markdown(history: History) -> str:
    """All newest figures, one table per benchmark."""
    parts: list[str] = []
    rows = history.compared()
    for benchmark in dict.fromkeys(one.benchmark for _, one, _ in rows):
        own = [row for row in rows if row[1].benchmark == benchmark]
        parts += [f"### {_TITLES.get(benchmark, benchmark)}", "", _taken(own[0][0]), ""]
        if is_matrix([one for _, one, _ in own]):
            parts += matrices([one for _, one, _ in own], number)
            continue
        parts += ["| what | now | quartiles | aim | before | now / before |", "| --- | --- | --- | --- | --- | --- |"]
        parts += [_row(one, before) for _, one, before in own]
        parts.append("")
    return "\n".join(parts).rstrip()


def write(history: History, path: Path = README) -> None:
    """Put the tables between their marks in the README."""
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    path.write_text(f"{head}{BEGIN}\n\n{markdown(history)}\n\n{END}{tail}", encoding="utf-8")


def number(value: float, unit: str = "") -> str:
    """A value with three significant digits; rates in thousands and millions.

    >>> number(1234567, "rows/s"), number(0.0123, "s"), number(12.34, "x")
    ('1.23 M rows/s', '0.0123 s', '12.3x')
    """
    for limit, letter in ((1e6, " M"), (1e4, " k")):
        if abs(value) >= limit:
            return _joined(f"{_three(value / (1e6 if letter == ' M' else 1e3))}{letter}", unit)
    return _joined(_three(value), unit)


def _three(value: float) -> str:
    if value == 0:
        return "0"
    digits = f"{value:.3g}"
    return f"{float(digits):.0f}" if "e" in digits else digits


def _joined(text: str, unit: str) -> str:
    return f"{text}{unit}" if unit in {"x", "%", ""} else f"{text} {unit}"


def _taken(run: Run) -> str:
    machine = dict(run.machine)
    cores, load = machine.pop("cores", "?"), machine.pop("load", "?")
    busy = " (**busy with other programs**: no measure for later runs)" if run.busy else ""
    return f"{run.at} UTC, {cores} cores, load {load} at the start{busy}; " + ", ".join(f"{k} {v}" for k, v in machine.items()) + "."


def _row(one: Figure, before: Figure | None) -> str:
    name = one.name.partition("/")[2] + (f" ({one.note})" if one.note else "")
    aim = ""
    if one.aim is not None:
        aim = f"{'≤' if one.lower_is_better else '≥'} {number(one.aim, one.unit)}{'' if one.met() else ' **missed**'}"
    spread = "" if one.low == one.high else f"{number(one.low)} to {number(one.high)}"
    value = number(one.value, one.unit)
    if one.kind is Kind.RATIO:
        value = f"**{value}**"
    then = number(before.value, before.unit) if before else ""
    ratio = f"{one.value / before.value:.2f}" if before and before.value else ""
    if before and one.worse_than(before):
        ratio = f"**{ratio} worse**"
    return f"| {name} | {value} | {spread} | {aim} | {then} | {ratio} |"
