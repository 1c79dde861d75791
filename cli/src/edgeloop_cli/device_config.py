"""Configurations and the policy of a fleet: ``edgeloop device config`` and ``edgeloop device admission``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeloop_cli import options
from edgeloop_cli.device_steps import Reason, context_of
from edgeloop_cli.errors import RefusedError, exit_on_error
from edgeloop_cli.fleet_service import PATIENCE_S, Timeout
from edgeloop_cli.redrive import Who, requester

if TYPE_CHECKING:
    from edgeloop_contracts import ConfigScope, FleetConfig


def config(
    group: Annotated[str, typer.Option(help="Group that is configured; it needs no device yet.")] = "",
    device: Annotated[str, typer.Option(help="Device that is configured.")] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Setting; NAME= takes it away; may be repeated.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw the configuration of this scope.")] = False,
    shown: Annotated[bool, typer.Option("--show", help="Only show configurations.")] = False,
    why: Reason = "",
    who: Who = "",
    timeout: Timeout = PATIENCE_S,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Set, show or withdraw the configuration of all devices, of a group or of one device. The nearest scope wins.

    edgeloop device config --set heartbeat_s=5 --set log_level=DEBUG --group north

    edgeloop device config --device pump-7 --show
    """
    with exit_on_error():
        from edgeloop_contracts import ConfigScope, SetConfig

        from edgeloop_cli import fleet_service
        from edgeloop_cli.core.members import config_of

        if group and device:
            raise RefusedError("expected --group or --device, given both")
        if withdraw and settings:
            raise RefusedError("expected --set or --withdraw, given both")
        scope = ConfigScope.DEVICE if device else ConfigScope.GROUP if group else ConfigScope.TENANT
        here = context_of(data_dir, bootstrap, schema_registry)
        configs = held(fleet_service.configurations(here), tenant)
        if shown or not (settings or withdraw):
            _show(configs, (scope, group or device), fleet_service.device_of(here, tenant, device) if device else None, as_json=as_json)
            return
        before = next((one for one in configs if (one.scope, one.name) == (scope, group or device)), None)
        command = SetConfig(
            tenant=tenant,
            command_id=fleet_service.command_id(),
            scope=scope,
            name=group or device,
            withdrawn=withdraw,
            who=requester(who),
            why=why,
        )
        if not withdraw:
            from dataclasses import replace

            try:
                command = replace(command, config=config_of(settings or [], before.config if before is not None else command.config))
            except ValueError as error:
                raise RefusedError(str(error)) from None
        fleet_service.tell(fleet_service.ask(here, command, timeout), as_json=as_json)


def admission(
    admitted: Annotated[str, typer.Argument(metavar="[open|enrolled]", help="Devices that may speak; empty to show.")] = "",
    late: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time without a heartbeat after which a device is late.")] = None,
    lost: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time without a heartbeat after which a device is lost.")] = None,
    why: Reason = "",
    who: Who = "",
    timeout: Timeout = PATIENCE_S,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Set or show the devices that may speak, and the times after which a silent one is late and lost.

    edgeloop device admission enrolled --why "all devices have keys now"

    edgeloop device admission --late 60 --lost 1800
    """
    with exit_on_error():
        from edgeloop_contracts import Admission, SetAdmission

        from edgeloop_cli import fleet_service

        if admitted and admitted.upper() not in Admission.__members__:
            raise RefusedError(f"expected open or enrolled, given {admitted!r}")
        here = context_of(data_dir, bootstrap, schema_registry)
        policy = fleet_service.policy_of(here, tenant)
        if not admitted and late is None and lost is None:
            content = {"tenant": tenant, "admission": policy.admission.value, "late_s": policy.late_s, "lost_s": policy.lost_s}
            text = f"{tenant}: {policy.admission.value.lower()}; late after {policy.late_s:g} s, lost after {policy.lost_s:g} s"
            print(json.dumps(content, indent=2) if as_json else text)
            return
        command = SetAdmission(
            tenant=tenant,
            command_id=fleet_service.command_id(),
            admission=Admission[admitted.upper()] if admitted else policy.admission,
            late_s=policy.late_s if late is None else late,
            lost_s=policy.lost_s if lost is None else lost,
            who=requester(who),
            why=why,
        )
        fleet_service.tell(fleet_service.ask(here, command, timeout), as_json=as_json)


def held(found: dict[str, Any], tenant: str) -> list[FleetConfig]:
    """Configurations of a tenant that hold."""
    from edgeloop_contracts import FleetConfig

    configs = [one for one in found.values() if isinstance(one, FleetConfig) and one.tenant == tenant and not one.withdrawn]
    return sorted(configs, key=lambda one: (one.scope.value, one.name))


def _show(held: list[FleetConfig], asked: tuple[ConfigScope, str], device: Any, *, as_json: bool) -> None:
    from edgeloop_cli.core.members import effective, settings_of

    scope, name = asked
    if device is not None:
        found = effective(held, device.member.tenant, device.member.device_group, name)
        if as_json:
            settings = {key: {"value": value, "scope": one.scope.value, "version": one.version} for key, (value, one) in found.items()}
            print(json.dumps({"device": name, "settings": settings}, indent=2))
            return
        for key, (value, one) in found.items():
            print(f"{key} {_text(value)}  ({one.scope.value.lower()} {one.name or one.tenant}, version {one.version})")
        if not found:
            print(f"{name} has no configuration; it uses its own settings")
        return
    chosen = [one for one in held if not name or (one.scope, one.name) == (scope, name)]
    if as_json:
        rows = [{"scope": one.scope.value, "name": one.name, "version": one.version, "settings": settings_of(one.config)} for one in chosen]
        print(json.dumps(rows, indent=2))
        return
    for one in chosen:
        settings = ", ".join(f"{key} {_text(value)}" for key, value in settings_of(one.config).items())
        print(f"{one.scope.value.lower()} {one.name or one.tenant}, version {one.version}: {settings or 'nothing'}")
    if not chosen:
        print("there is no configuration; devices use their own settings")


def _text(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
