"""Changes of one device: ``edgeloop device revoke``, ``retire``, ``readmit``, ``forget`` and ``label``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeloop_cli import options
from edgeloop_cli.device_steps import Name, carry_out, context_of, given_labels, where
from edgeloop_cli.errors import RefusedError, exit_on_error
from edgeloop_cli.fleet_service import PATIENCE_S, Timeout
from edgeloop_cli.redrive import Who, Why, recorded_text, requester

if TYPE_CHECKING:
    from edgeloop_contracts import DeviceAction

Reason = Annotated[str, typer.Option("--why", help="Reason, which is recorded.")]


def revoke(
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
    """Revoke a device: its keys end, and nothing of it is admitted."""
    from edgeloop_contracts import DeviceAction

    _change(DeviceAction.REVOKE, name, tenant, (who, why), timeout, where(data_dir, bootstrap, schema_registry), as_json=as_json)


def retire(
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
    """Retire a device: its keys end, and it is not missed."""
    from edgeloop_contracts import DeviceAction

    _change(DeviceAction.RETIRE, name, tenant, (who, why), timeout, where(data_dir, bootstrap, schema_registry), as_json=as_json)


def readmit(
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
    """Readmit a revoked or retired device. It then needs a new key."""
    from edgeloop_contracts import DeviceAction

    _change(DeviceAction.READMIT, name, tenant, (who, why), timeout, where(data_dir, bootstrap, schema_registry), as_json=as_json)


def forget(
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
    """Remove a device that has no key from the list. It is back when it is heard again."""
    from edgeloop_contracts import DeviceAction

    _change(DeviceAction.FORGET, name, tenant, (who, why), timeout, where(data_dir, bootstrap, schema_registry), as_json=as_json)


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
    from edgeloop_contracts import DeviceAction

    with exit_on_error():
        if not labels and group is None:
            raise RefusedError("expected labels such as site=bremen or hw-, or --group")
        changed = given_labels(labels, removals=True)
    place = where(data_dir, bootstrap, schema_registry)
    _change(DeviceAction.LABEL, name, tenant, (who, why or None), timeout, place, as_json=as_json, device_group=group, labels=changed)


def _change(
    action: DeviceAction,
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
        from edgeloop_contracts import ChangeDevice

        from edgeloop_cli import fleet_service

        who, why = asked
        command = ChangeDevice(
            tenant=tenant,
            device_id=name,
            command_id=fleet_service.command_id(),
            action=action,
            who=requester(who),
            why="" if why is None else recorded_text("--why", why),
            **more,
        )
        carry_out(context_of(**place), command, timeout, as_json=as_json)
