"""Changes of one device: ``edgeloop device revoke``, ``retire``, ``readmit``, ``forget`` and ``label``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from edgeloop_cli import options
from edgeloop_cli.device_steps import Name, Reason, carry_out, context_of, given_labels, where
from edgeloop_cli.errors import RefusedError, exit_on_error
from edgeloop_cli.fleet_service import PATIENCE_S, Timeout
from edgeloop_cli.redrive import Who, Why, recorded_text, requester

TEXTS = {
    "revoke": "Revoke a device: its keys end, and nothing of it is admitted.",
    "retire": "Retire a device: its keys end, and it is not missed.",
    "readmit": "Readmit a revoked or retired device. It then needs a new key.",
    "forget": "Remove a device that has no key from the list. It is back when it is heard again.",
}
"""Changes that need a name and a reason alone, with their help."""


def change(name: str) -> Any:
    """The function of one of :data:`TEXTS`."""
    action = name.upper()

    def command(
        name: Name,
        why: Why,
        who: Who = "",
        timeout: Timeout = PATIENCE_S,
        tenant: options.Tenant = "default",
        as_json: options.Json = False,
        bootstrap: options.Bootstrap = "",
        schema_registry: options.SchemaRegistry = "",
        data_dir: options.DataDir = options.DATA_DIR,
    ) -> None:
        _change(action, name, tenant, (who, why), timeout, where(data_dir, bootstrap, schema_registry), as_json=as_json)

    return command


def label(
    name: Name,
    labels: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE|NAME-]...", help="Labels to set or remove.")] = None,
    group: Annotated[str | None, typer.Option(help="New group; empty for none.")] = None,
    why: Reason = "",
    who: Who = "",
    timeout: Timeout = PATIENCE_S,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Change labels and group of a device.

    edgeloop device label pump-7 site=bremen hw- --group north
    """
    with exit_on_error():
        if not labels and group is None:
            raise RefusedError("expected labels such as site=bremen or hw-, or --group")
        changed = given_labels(labels, removals=True)
    place = where(data_dir, bootstrap, schema_registry)
    _change("LABEL", name, tenant, (who, why or None), timeout, place, as_json=as_json, device_group=group, labels=changed)


def _change(
    action: str,
    name: str,
    tenant: str,
    asked: tuple[str, str | None],
    timeout: float,
    place: dict[str, Any],
    *,
    as_json: bool,
    **more: Any,
) -> None:
    """Send a change of a device; ``asked`` names who and why."""
    with exit_on_error():
        from edgeloop_contracts import ChangeDevice, DeviceAction

        from edgeloop_cli import fleet_service

        who, why = asked
        command = ChangeDevice(
            tenant=tenant,
            device_id=name,
            command_id=fleet_service.command_id(),
            action=DeviceAction[action],
            who=requester(who),
            why="" if why is None else recorded_text("--why", why),
            **more,
        )
        carry_out(context_of(**place), command, timeout, as_json=as_json)
