"""``edgeloop rollout``: shows rollouts, and gives orders about them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeloop_cli import options
from edgeloop_cli.device_steps import context_of, lasting_ms, where
from edgeloop_cli.errors import RefusedError, exit_on_error
from edgeloop_cli.fleet_service import PATIENCE_S
from edgeloop_cli.redrive import Who, Why, recorded_text, requester

if TYPE_CHECKING:
    from edgeloop_contracts import RolloutEvent

Stream = Annotated[str, typer.Argument(metavar="STREAM", help="Name of the stream.")]
Device = Annotated[str, typer.Argument(metavar="DEVICE", help="Name of the device.")]
Of = Annotated[str, typer.Option("--stream", help="Stream of the device; needed if it serves several.")]
Timeout = Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Time to wait for the service `rollout`.")]
Version = Annotated[int, typer.Option(min=0, help="Version that the order is about; by default that of the newest rollout.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Show rollouts, or pause, approve and turn them back.", no_args_is_help=True, rich_markup_mode=None)
    group.command(name="list")(list_rollouts)
    group.command(name="show")(show)
    for name, text in _TEXTS.items():
        group.command(name=name, help=text)(_command(name))
    group.command(name="approve")(approve)
    group.command(name="pin")(pin)
    group.command(name="unpin")(unpin)
    app.add_typer(group, name="rollout")


_TEXTS = {
    "pause": "Pause a rollout: no further device gets the version. It is still judged.",
    "resume": "Resume a paused rollout.",
    "abort": "Abort a rollout that is under way: its devices go back.",
    "rollback": "Go back to the version before, also after the rollout is done.",
    "offer": "Offer a version again that was turned back. The evidence begins anew.",
}


def list_rollouts(
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """List the newest rollout of each stream. Streams without phases have none."""
    with exit_on_error():
        from edgeloop_contracts import StreamKey, topics

        from edgeloop_cli.answered import events
        from edgeloop_cli.core import rollouts as core

        found = core.rollouts(events(context_of(data_dir, bootstrap, schema_registry), topics.ROLLOUT_EVENTS), tenant)
        if as_json:
            print(json.dumps({"tenant": tenant, "rollouts": [core.as_object(one) for one in found.values()]}, indent=2))
            return
        if not found:
            print(f"there is no rollout of {tenant}: each version goes to every device at once")
        for one in found.values():
            pinned = f"; {len(one.pinned)} pinned" if one.pinned else ""
            print(f"{StreamKey(one.tenant, one.stream)}: version {one.version}, {core.place(one)}{pinned}")


def show(
    stream: Stream,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Show the rollouts of a stream: each stage with its evidence, each order with its reason."""
    with exit_on_error():
        from edgeloop_contracts import StreamKey, topics

        from edgeloop_cli.answered import events
        from edgeloop_cli.core import rollouts as core

        found = core.rollouts(events(context_of(data_dir, bootstrap, schema_registry), topics.ROLLOUT_EVENTS), tenant)
        if (one := found.get(stream)) is None:
            raise RefusedError(f"there is no rollout of {StreamKey(tenant, stream)}; there are those of {', '.join(found) or 'no stream'}")
        if as_json:
            print(json.dumps(core.as_object(one, facts=True), indent=2))
            return
        print(f"{StreamKey(one.tenant, one.stream)}: version {one.version}, {core.place(one)}")
        for name, version in sorted(one.pinned.items()):
            print(f"  pinned: {name} at version {version}")
        for fact in one.facts:
            print(f"  {core.line(fact)}")
            for finding in fact.evidence:
                print(f"    {core.evidence(finding)}")


def _command(name: str) -> Any:
    """The function of an order that needs a stream alone."""

    def command(
        stream: Stream,
        why: Why,
        version: Version = 0,
        who: Who = "",
        timeout: Timeout = PATIENCE_S,
        tenant: options.Tenant = "default",
        as_json: options.Json = False,
        bootstrap: options.Bootstrap = "",
        schema_registry: options.SchemaRegistry = "",
        data_dir: options.DataDir = options.DATA_DIR,
    ) -> None:
        place = where(data_dir, bootstrap, schema_registry)
        _order(name, tenant, (who, why), timeout, place, as_json=as_json, stream=stream, version=version)

    return command


def approve(
    stream: Stream,
    why: Why,
    phase: Annotated[int, typer.Option(min=0, help="Phase to approve, counted from 1; by default the next one.")] = 0,
    expires: Annotated[str, typer.Option(metavar="AGE", help="Time after which the approval ends, such as 15m, 2h or 3d.")] = "",
    version: Version = 0,
    who: Who = "",
    timeout: Timeout = PATIENCE_S,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Approve the next phase of a rollout.

    edgeloop rollout approve pumps --expires 2h --why "the night shift has seen it"
    """
    with exit_on_error():
        until = int(time.time() * 1000) + lasting_ms(expires) if expires else None
    place = where(data_dir, bootstrap, schema_registry)
    more: dict[str, Any] = {"stream": stream, "phase": phase, "version": version, "until": until}
    _order("approve", tenant, (who, why), timeout, place, as_json=as_json, **more)


def pin(
    device: Device,
    version: Annotated[int, typer.Argument(min=1, metavar="VERSION", help="Version that it shall run.")],
    why: Why,
    stream: Of = "",
    who: Who = "",
    timeout: Timeout = PATIENCE_S,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Pin a device to a version. No rollout touches it until it is unpinned."""
    place = where(data_dir, bootstrap, schema_registry)
    _order("pin", tenant, (who, why), timeout, place, as_json=as_json, stream=stream, device_id=device, version=version)


def unpin(
    device: Device,
    why: Why,
    stream: Of = "",
    who: Who = "",
    timeout: Timeout = PATIENCE_S,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Unpin a device. It gets the version of the others."""
    place = where(data_dir, bootstrap, schema_registry)
    _order("unpin", tenant, (who, why), timeout, place, as_json=as_json, stream=stream, device_id=device)


def _order(
    name: str, tenant: str, asked: tuple[str, str], timeout: float, place: dict[str, Any], *, as_json: bool, stream: str, **more: Any
) -> None:
    """Give an order and tell the answer; ``asked`` names who and why."""
    with exit_on_error():
        from edgeloop_contracts import RolloutCommand, StreamKey, topics
        from edgeloop_contracts.events import RolloutFact, RolloutOrder

        from edgeloop_cli.answered import answer_to
        from edgeloop_cli.core import rollouts as core
        from edgeloop_cli.fleet_service import command_id

        who, why = requester(asked[0]), recorded_text("--why", asked[1])
        context = context_of(**place)
        command = RolloutCommand(
            tenant=tenant,
            stream=stream or _stream_of(context, tenant, more["device_id"]),
            command_id=command_id(),
            order=RolloutOrder(name.upper()),
            who=who,
            why=why,
            **more,
        )
        answer: RolloutEvent = answer_to(context, command, topics.ROLLOUT_COMMANDS, topics.ROLLOUT_EVENTS, "rollout", timeout)
        if answer.kind is RolloutFact.REFUSED:
            raise RefusedError(f"refused, {answer.reason}: {answer.message}")
        if as_json:
            print(json.dumps(answer.as_dict(), indent=2))
        else:
            print(f"{StreamKey.of(answer)}: {core.line(answer)}")


def _stream_of(context: Any, tenant: str, device: str) -> str:
    """The only stream of a device."""
    from edgeloop_contracts import topics

    from edgeloop_cli.answered import newest

    reports = newest(context, topics.FLEET_REPORTED).values()
    found = sorted({one.stream for one in reports if (one.tenant, one.device_id) == (tenant, device)})
    if len(found) != 1:
        raise RefusedError(f"--stream: expected one stream of device {device}, it serves {', '.join(found) or 'none'}")
    return found[0]
