"""Tables, containers and targets of services, made from their specifications."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from edgeloop_contracts import Event
from edgeloop_contracts.service_spec import CONTAINER, Access, ServiceSpec
from edgeloop_contracts.topics import GAPS, SKIPS

VERSION = (Path(__file__).resolve().parent.parent / "VERSION").read_text(encoding="utf-8").strip()
TAG = f"${{EDGELOOP_VERSION:-{VERSION}}}"
PAIR = """\
import shutil
from pathlib import Path
from edgeloop_signing.keys import Role, generate_keys
shutil.copy(generate_keys(Path("{keys}"), Role.{role}).public, "{trust}")
"""


def table(*rows: Iterable[str]) -> str:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "| " + " | ".join("---" for _ in rows[0]) + " |"
    return "\n".join(line.replace("|  |", "| |") for line in [lines[0], rule, *lines[1:]]) + "\n"


def named(kinds: Iterable[type[Event]]) -> str:
    """Events, as Markdown."""
    return ", ".join(f"`{kind.__name__}`" for kind in kinds)


def consumes(spec: ServiceSpec) -> str:
    """What a service reads."""
    rows = [(f"`{r.topic.name}`", named(r.kinds or r.topic.kinds), r.purpose, r.access.value) for r in spec.reads]
    if spec.state is not None:
        rows.append((f"`redrive.{spec.name}`", "`Redrive`", "dead letters that `edgeloop redrive` hands back", Access.GROUP.value))
    if spec.halts:
        rows.append((f"`{SKIPS.name}`", named(SKIPS.kinds), "the order to pass lost records, while halted", Access.WHOLE.value))
    return table(("topic", "events", "purpose", "read by"), *rows)


def produces(spec: ServiceSpec) -> str:
    """What a service writes."""
    rows = [(f"`{w.topic.name}`", named(w.kinds or w.topic.kinds), w.topic.key.text, w.purpose) for w in spec.writes]
    if spec.state is not None:
        rows.append((f"`{spec.name}.state`", named(spec.state.kinds) or "`Checkpoint`", "kind/key", spec.state.purpose))
        rows.append((f"`deadletters.{spec.name}`", "`DeadLetter`", "as received", spec.refuses))
    if spec.halts:
        rows.append((f"`{GAPS.name}`", named(GAPS.kinds), GAPS.key.text, "lost records that were passed"))
    return table(("topic", "events", "key", "purpose"), *rows)


def service_table(specs: Iterable[ServiceSpec]) -> str:
    """All services at a glance, for the README."""

    def row(spec: ServiceSpec) -> tuple[str, ...]:
        inputs = spec.inputs or tuple(each.topic for each in spec.reads)
        owned = [each.topic.name for each in spec.writes if each.topic.producer == spec.name or spec.device]
        return (f"[`{spec.name}`](services/{spec.name})", ", ".join(topic.name for topic in inputs), ", ".join(owned), spec.decides)

    return table(("service", "consumes", "produces", "decides alone"), *map(row, specs))


def settings_links(specs: Iterable[ServiceSpec]) -> str:
    """Where each service's own settings stand."""
    with_some = [spec.name for spec in specs if spec.settings]
    links = [f"[{name}](../services/{name}/README.md#settings)" for name in with_some]
    return ",\n".join(links) + ".\n"


def container_table(specs: Iterable[ServiceSpec]) -> str:
    """Containers of the services beside the broker."""

    def row(spec: ServiceSpec) -> tuple[str, ...]:
        private = f"`{spec.name}-keys`, its private key" if spec.signs else ""
        kept = ", ".join(filter(None, [f"`{spec.name}-cache`, which may be lost" if spec.data_dir else "", private]))
        started = f"`--profile {spec.profile}`, with `{spec.needs}`" if spec.profile else "always"
        scales = "yes" if spec.scales else "no"
        return (f"[`{spec.name}`](../services/{spec.name})", f"`{spec.image}`", started, scales, spec.memory, kept)

    head = ("container", "image", "started", "several instances", "memory", "volumes")
    return table(head, *(row(spec) for spec in specs if not spec.device))


def prometheus_targets(specs: Iterable[ServiceSpec]) -> str:
    """Targets of the services that always run."""
    return "".join(f"- {spec.name}:{spec.port}\n" for spec in specs if not spec.device and not spec.profile)


def recipe(spec: ServiceSpec) -> str:
    """How compose builds an image."""
    return f"{{ context: ., dockerfile: deploy/docker/service.Dockerfile, args: {{ SERVICE: {spec.name} }} }}"


def key_jobs(specs: Iterable[ServiceSpec]) -> str:
    """One job for each service that signs: it makes the pair of keys, and keeps one that is there."""
    return "\n".join("\n".join(_key_job(spec)) for spec in specs if spec.signs)


def _key_job(spec: ServiceSpec) -> Iterator[str]:
    yield f"{spec.name}-keys: # makes the keys of `{spec.name}`; an existing pair stays, since others trust it"
    yield "  <<: *job"
    yield f"  image: {spec.image}:{TAG}"
    yield f"  build: {recipe(spec)}"
    yield "  network_mode: none"
    yield "  entrypoint: [python, -c]"
    yield "  command:"
    yield "    - |"
    yield from (f"      {line}" for line in PAIR.format(keys=CONTAINER.keys, trust=CONTAINER.trust, role=spec.name.upper()).splitlines())
    yield f'  volumes: ["{spec.name}-keys:{CONTAINER.keys}", "trust:{CONTAINER.trust}"]'
    yield ""


def compose(specs: Iterable[ServiceSpec]) -> str:
    """Containers of the services beside the broker."""
    return "\n".join("\n".join(_container(spec)) for spec in specs if not spec.device)


def _container(spec: ServiceSpec) -> Iterator[str]:
    yield f"{spec.name}:"
    yield "  <<: *service"
    if spec.profile:
        yield f"  profiles: [{spec.profile}]"
    yield f"  image: {spec.image}:{TAG}"
    yield f"  build: {recipe(spec)}"
    if spec.memory != "512m":
        yield f"  mem_limit: {spec.memory}"
    own = spec.environment(CONTAINER)
    passed = [*spec.variables, *([spec.needs] if spec.needs else [])]
    if own or passed or spec.port != 9100:
        yield "  environment:" + (" # variables without a value come from the environment of docker compose" if passed else "")
        yield "    <<: *cluster"
        if spec.port != 9100:
            yield f'    EDGELOOP_HTTP_PORT: "{spec.port}"'
        yield from (f"    {name}: {value}" for name, value in own.items())
        yield from (f"    {name}:" for name in sorted(passed))
    if mounts := list(_mounts(spec)):
        yield f"  volumes: [{', '.join(mounts)}]"
    if jobs := [f"{name}-keys" for name in signers(spec)]:
        yield "  depends_on:"
        yield "    <<: *ready"
        yield from (f"    {job}: {{ condition: service_completed_successfully }}" for job in jobs)
    yield ""


def _mounts(spec: ServiceSpec) -> Iterator[str]:
    if spec.data_dir:
        yield f'"{spec.name}-cache:{CONTAINER.data}"'
    if spec.signs:
        yield f'"{spec.name}-keys:{CONTAINER.keys}:ro"'
    if spec.trusts:
        yield f'"trust:{CONTAINER.trust}:ro"'


def signers(spec: ServiceSpec) -> list[str]:
    """Services whose keys have to be there before this one starts."""
    return [*([spec.name] if spec.signs else []), *(signer for _, signer in spec.trusts)]


def volumes(specs: Iterable[ServiceSpec]) -> str:
    """Volumes that services keep something on."""
    names = [f"{spec.name}-keys" for spec in specs if spec.signs] + [
        f"{spec.name}-cache" for spec in specs if spec.data_dir and not spec.device
    ]
    return "".join(f"{name}:\n" for name in sorted(names))
