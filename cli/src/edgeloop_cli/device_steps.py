"""Arguments and steps that the commands about one device share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeloop_cli.errors import RefusedError

if TYPE_CHECKING:
    from edgeloop_streaming import Context

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the device.")]
Group = Annotated[str, typer.Option(help="Group of the device.")]
Reason = Annotated[str, typer.Option("--why", help="Reason, which is recorded.")]
Label = Annotated[list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="Label of the device; may be repeated.")]


def given_labels(texts: list[str] | None, *, removals: bool = False) -> dict[str, str]:
    """Labels of a command line.

    Raises
    ------
    RefusedError
        A text is none.
    """
    from edgeloop_cli.core.members import labels_of

    try:
        return labels_of(texts or [], removals=removals)
    except ValueError as error:
        raise RefusedError(str(error)) from None


def lasting_ms(expires: str) -> int:
    """Milliseconds of the option ``--expires``, such as ``2h``.

    Raises
    ------
    RefusedError
        The text is no age.
    """
    from edgeloop_cli.core.letters import age_ms

    try:
        return age_ms(expires)
    except ValueError as error:
        raise RefusedError(f"--expires: {error}") from None


def carry_out(context: Context, command: Any, timeout: float, *, as_json: bool) -> None:
    """Send a command about one device, and tell the outcome."""
    from edgeloop_contracts import MemberKey

    from edgeloop_cli import fleet_service

    answer = fleet_service.ask(context, command, timeout)
    more: dict[str, Any] = {}
    if as_json:
        known = fleet_service.known_devices(context).get(MemberKey.of(command))
        more = {"device": command.device_id, **(fleet_service.as_object(known.member) if known is not None else {})}
    fleet_service.tell(answer, as_json=as_json, **more)


def where(data_dir: Path, bootstrap: str, schema_registry: str) -> dict[str, Any]:
    """Arguments of :func:`context_of`."""
    return {"data_dir": data_dir, "bootstrap": bootstrap, "schema_registry": schema_registry}


def context_of(data_dir: Path, bootstrap: str, schema_registry: str) -> Context:
    """Context to read and write events of the cluster."""
    from edgeloop_cli import connection

    return connection.required(data_dir, bootstrap, schema_registry).context("cli")
