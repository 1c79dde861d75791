"""Make every list that names services from the services' own specifications, ``services/*/src/edgeloop_*/spec.py``.

``python tools/generate_services.py`` writes them, ``--check`` exits with 1 if they are not up to date.

Two modules of ``edgeloop_contracts`` hold copies of the specifications, so that libraries and the command line know services that are not
installed beside them. All other lists are blocks of hand-written files, see ``blocks.py``.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from blocks import ROOT, bring, filled
from edgeloop_contracts import topics
from edgeloop_contracts.service_spec import ServiceSpec
from service_tables import (
    compose,
    consumes,
    container_table,
    key_jobs,
    produces,
    prometheus_targets,
    service_table,
    settings_links,
    volumes,
)

CONTRACTS = ROOT / "libs/contracts/src/edgeloop_contracts"
ALLOWED = {"e", "topics", "Partitions", "Access", "Kept", "Reads", "Runtime", "ServiceSpec", "Writes"}


def specification(folder: Path) -> tuple[ServiceSpec, str]:
    """The specification of a service, and its text.

    Raises
    ------
    SystemExit
        It is missing, has another name than its folder, or uses names that its copy would lack.
    """
    path = folder / "src" / f"edgeloop_{folder.name}" / "spec.py"
    where = path.relative_to(ROOT)
    if not path.exists():
        raise SystemExit(f"generate: {where} is missing: each service needs a specification, see docs/adding-a-service.md")
    source = path.read_text(encoding="utf-8")
    assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SPEC"]
    if len(assigned) != 1:
        raise SystemExit(f"generate: {where}: expected one assignment to SPEC, found {len(assigned)}")
    value = assigned[0].value
    if strangers := {node.id for node in ast.walk(value) if isinstance(node, ast.Name)} - ALLOWED:
        raise SystemExit(f"generate: {where}: SPEC may use {', '.join(sorted(ALLOWED))} only, given {', '.join(sorted(strangers))}")
    loader = importlib.util.spec_from_file_location(f"spec_of_{folder.name}", path)
    assert loader is not None
    assert loader.loader is not None
    module = importlib.util.module_from_spec(loader)
    try:
        loader.loader.exec_module(module)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise SystemExit(f"generate: {where}: {error}") from error
    spec = module.SPEC
    if not isinstance(spec, ServiceSpec) or spec.name != folder.name:
        raise SystemExit(f"generate: {where}: expected SPEC to be a ServiceSpec called {folder.name!r}, the folder's name")
    return spec, ast.get_source_segment(source, value) or ""


def found() -> list[tuple[ServiceSpec, str]]:
    """All specifications with their texts, in the order of the data: by the first topic that a service owns, those without one last."""
    flow = {topic.name: number for number, topic in enumerate(topics.PUBLIC)}
    pairs = [specification(path.parent) for path in sorted((ROOT / "services").glob("*/pyproject.toml"))]

    def place(pair: tuple[ServiceSpec, str]) -> tuple[bool, bool, int, str]:
        spec = pair[0]
        owned = [flow[each.topic.name] for each in spec.writes if each.topic.producer == spec.name]
        return (not spec.device, spec.observer, min(owned, default=len(flow)), spec.name)

    return sorted(pairs, key=place)


def check_topics(specs: Iterable[ServiceSpec]) -> None:
    """Hold the specifications against what ``topics.py`` says of producers.

    Raises
    ------
    SystemExit
        A topic and its service do not agree.
    """
    by_name = {spec.name: spec for spec in specs}
    for topic in topics.PUBLIC:
        if topic.producer and topic.producer not in by_name:
            raise SystemExit(f"generate: topics.py: {topic.name} names the producer {topic.producer!r}, and there is no such service")
        if topic.producer and topic not in [each.topic for each in by_name[topic.producer].writes]:
            raise SystemExit(f"generate: services/{topic.producer}: `writes` lacks {topic.name}, whose producer it is in topics.py")
    for spec in by_name.values():
        for each in spec.writes:
            if each.topic.producer not in ("", spec.name):
                raise SystemExit(f"generate: services/{spec.name} writes {each.topic.name}, whose producer is {each.topic.producer}")


def state_kinds(specs: Iterable[ServiceSpec]) -> str:
    """Text of the module ``state_kinds``."""
    lines = [
        '"""State kinds of each service, generated from the services\' specifications by ``make generate``. Do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from edgeloop_contracts import events as e",
        "from edgeloop_contracts.event import Event",
        "",
        "KINDS: dict[str, tuple[str, tuple[type[Event], ...]]] = {",
    ]
    for spec in specs:
        if spec.state is not None:
            kinds = " ".join(f"e.{kind.__name__}," for kind in spec.state.kinds)
            lines.append(f'    "{spec.name}": ("{spec.state.partitions}", ({kinds})),')
    return "\n".join(
        [*lines, "}", '"""By service: how many partitions its state topic has, and the records in it besides the checkpoint."""', ""]
    )


def copies(pairs: list[tuple[ServiceSpec, str]]) -> str:
    """Text of the module ``services``."""
    used = sorted(name for name in ALLOWED - {"e", "topics", "Partitions"} if any(re.search(rf"\b{name}\b", text) for _, text in pairs))
    head = [
        '"""Copies of the specifications of all services, generated from ``services/*/src/*/spec.py`` by ``make generate``. Do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from edgeloop_contracts import events as e",
        "from edgeloop_contracts import topics",
        f"from edgeloop_contracts.service_spec import {', '.join(used)}",
        "from edgeloop_contracts.topic import Partitions",
        "",
        "SERVICES: dict[str, ServiceSpec] = {",
    ]
    body = [f'    "{spec.name}": ' + text.replace("\n", "\n    ") + "," for spec, text in pairs]
    return "\n".join([*head, *body, "}", '"""By name, in the order in which data flows."""', ""])


def shells(specs: Iterable[ServiceSpec]) -> Iterator[str]:
    """Modules of services around their cores, the trainer's fits left out: a replay makes these, too."""
    for spec in specs:
        for layer in ("app", "handlers", "io"):
            found = list((ROOT / "services" / spec.name / "src" / spec.package).glob(f"{layer}*"))
            if found and (spec.name, layer) != ("trainer", "io"):
                yield f"{spec.package}.{layer}"


def quoted(names: Iterable[str]) -> str:
    """Lines of a TOML list."""
    return "".join(f'"{name}",\n' for name in names)


def texts() -> dict[Path, str]:
    """Files as they should be."""
    pairs = found()
    specs = [spec for spec, _ in pairs]
    check_topics(specs)
    alphabetical = sorted(specs, key=lambda spec: spec.name)
    packages = [spec.package for spec in alphabetical]
    made: dict[Path, str] = {}

    def fill(name: str, block: str, content: str) -> None:
        path = ROOT / name
        made[path] = filled(made.get(path) or path.read_text(encoding="utf-8"), block, content, name)

    made[CONTRACTS / "state_kinds.py"] = state_kinds(specs)
    made[CONTRACTS / "services.py"] = copies(pairs)
    for block in (
        "packages of services",
        "independent services",
        "services below the replay",
        "services that libraries may not import",
        "services of layers",
        "services without a client",
    ):
        fill("pyproject.toml", block, quoted(packages))
    fill("pyproject.toml", "shells of services", quoted(shells(alphabetical)))
    fill("pyproject.toml", "cores of services", quoted(f"{package}.core" for package in packages))
    fill("cli/pyproject.toml", "services", quoted(f"edgeloop-{spec.name}" for spec in alphabetical))
    fill("docker-compose.yml", "key jobs", key_jobs(specs))
    fill("docker-compose.yml", "containers of services", compose(specs))
    fill("docker-compose.yml", "volumes of services", volumes(specs))
    fill("deploy/prometheus/prometheus.yml", "targets of services", prometheus_targets(specs))
    libraries = sorted(path.parent.name for path in (ROOT / "libs").glob("*/pyproject.toml"))
    fill("deploy/docker/service.Dockerfile", "libraries", "\n".join(f"COPY libs/{name}/pyproject.toml libs/{name}/" for name in libraries))
    fill("README.md", "services", service_table(specs))
    fill("docs/settings.md", "settings of services", settings_links(alphabetical))
    fill("docs/containers.md", "containers of services", container_table(specs))
    for spec in specs:
        fill(f"services/{spec.name}/README.md", "consumes", consumes(spec))
        fill(f"services/{spec.name}/README.md", "produces", produces(spec))
    return made


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a list is not up to date")
    return bring(texts(), check=parser.parse_args().check, source="the specifications of the services")


if __name__ == "__main__":
    sys.exit(main())
