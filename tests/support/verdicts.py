"""Verdicts on the records that services hand to one another, from their topics alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import getitem
from typing import Any

from support.checker import Findings, Row, Seen, check_rows

ENDS = frozenset({"PROMOTED", "REJECTED", "FAILED"})
Name = tuple[Any, ...]


def names(records: Iterable[Seen], *fields: str) -> list[Name]:
    """Some fields of each record; those of a nested one after a dot."""
    return [tuple(reduce(getitem, field.split("."), seen.value) for field in fields) for seen in records]


def once(what: str, came: Iterable[Name], found: Findings, wanted: Iterable[Name] = ()) -> None:
    """Check that nothing came twice and nothing is missing."""
    counts = Counter(came)
    found.twice += [f"{what} {name} came {n} times" for name, n in sorted(counts.items()) if n > 1]
    found.lost += [f"{what} {name}" for name in wanted if not counts[name]]


def partials(examples: Iterable[Seen], made: Iterable[Seen], found: Findings) -> None:
    """Each example is folded once, in the order of its partition; its number there stands for it."""

    def numbered(seen: Seen, partition: int, count: int) -> Iterable[Row]:
        place, first = f"{seen.value['stream']}/{partition}", seen.value["first_index"]
        return ((place, 0, first + n) for n in range(count))

    wanted = [row for seen in examples for row in numbered(seen, seen.partition, len(seen.value["seqs"]))]
    errors = [seen for seen in made if seen.value["kind"] == "ERRORS"]
    check_rows("partial", wanted, [row for seen in errors for row in numbered(seen, seen.value["partition"], seen.value["count"])], found)


def training(requests: Sequence[Seen], runs: Sequence[Seen], candidates: Sequence[Seen], found: Findings) -> None:
    """Each request once per campaign and stage, each answered by one run, each promotion with one candidate."""
    once("request", names(requests, "stream", "campaign", "stage"), found)
    once("run", names(runs, "stream", "request_id", "status"), found)
    told: dict[Name, list[str]] = {name: [] for name in names(requests, "stream", "request_id")}
    for stream, request, status in names(runs, "stream", "request_id", "status"):
        if (stream, request) in told:
            told[stream, request].append(status)
        else:
            found.torn.append(f"a run of {stream} {request}, which nobody asked for")
    newest = {seen.value["stream"]: (seen.value["stream"], seen.value["request_id"]) for seen in requests}
    for name, statuses in told.items():
        # A gate may be open at the end, if no later request has closed it.
        whole = statuses == ["FAILED"] or (len(statuses) == 2 and statuses[0] == "FITTED" and statuses[1] in ENDS)
        if not whole and not (statuses == ["FITTED"] and newest[name[0]] == name):
            found.lost.append(f"request {name} was answered by {statuses}")
    promoted = [name[:2] for name in names(runs, "stream", "request_id", "status") if name[2] == "PROMOTED"]
    same("candidate", promoted, names(candidates, "stream", "request_id"), found)


def same(what: str, wanted: Sequence[Name], came: Sequence[Name], found: Findings) -> None:
    """Check that exactly the wanted records came, each once."""
    once(what, came, found, wanted)
    found.torn += [f"{what} {name} of nothing" for name in sorted(set(came) - set(wanted))]


def versions(candidates: Sequence[Seen], made: Sequence[Seen], refused: Sequence[Seen], found: Findings) -> dict[str, dict[int, str]]:
    """Each candidate is judged once, and a stream's versions are numbered from 1 without a gap; gives their digests."""
    same("verdict", names(candidates, "stream", "request_id"), names([*made, *refused], "stream", "request_id"), found)
    digests: dict[str, dict[int, str]] = defaultdict(dict)
    for stream, version, digest in names(made, "stream", "version", "file.digest"):
        if version != len(digests[stream]) + 1:
            found.torn.append(f"version {version} of {stream} follows {len(digests[stream])}")
        digests[stream][version] = digest
    return digests


def assignments(
    digests: Mapping[str, Mapping[int, str]], reported: Iterable[tuple[str, str]], made: Sequence[Seen], found: Findings
) -> None:
    """Each device that reported is assigned the newest version of its stream, in rising order, none twice, with the version's file."""
    told: dict[tuple[str, str], list[int]] = defaultdict(list)
    for stream, device, version, digest in names(made, "stream", "device_id", "version", "file.digest"):
        told[stream, device].append(version)
        if digests.get(stream, {}).get(version) != digest:
            found.torn.append(f"{stream}/{device} was told version {version} with another file")
    for (stream, device), numbers in told.items():
        found.twice += [f"{stream}/{device} was told version {n} again" for n, count in Counter(numbers).items() if count > 1]
        if numbers != sorted(numbers):
            found.disordered.append(f"{stream}/{device} was told {numbers}")
    for stream, device in reported:
        newest = max(digests.get(stream, {}), default=0)
        if newest and newest not in told.get((stream, device), ()):
            found.lost.append(f"{stream}/{device} was not told version {newest}")
