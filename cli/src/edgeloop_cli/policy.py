"""``edgeloop policy``: changes policies of running services."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from edgeloop_contracts import StreamKey

from edgeloop_cli import options
from edgeloop_cli.errors import FailedError, RefusedError, exit_on_error

if TYPE_CHECKING:
    from edgeloop_contracts import Policy
    from edgeloop_readers import Table
    from edgeloop_streaming import Context

Stream = Annotated[str, typer.Option(help="Stream; by default all streams without a policy of their own.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Set, show or remove policies of running services.", no_args_is_help=True, rich_markup_mode=None)
    group.command(name="set")(set_policy)
    group.command(name="show")(show)
    group.command(name="unset")(unset)
    app.add_typer(group, name="policy")


def set_policy(
    file: Annotated[Path, typer.Argument(metavar="POLICY.yaml", help="Policy file, as for `edgeloop backtest --policy`.")],
    stream: Stream = "",
    tenant: options.Tenant = "default",
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Set a policy. Services use it within seconds, and keep it after a restart.

    edgeloop backtest --topic examples --name pumps --policy tomorrow.yaml

    edgeloop policy set --stream pumps tomorrow.yaml
    """
    with exit_on_error():
        from edgeloop_replay.errors import BadPolicyError
        from edgeloop_replay.policy_event import event

        from edgeloop_cli.backtest import read_yaml

        content = read_yaml(file)
        try:
            policy = event(content, tenant, stream, file.stem, 1)
        except BadPolicyError as error:
            raise RefusedError(f"{file}: {error}") from None
        context = _context(data_dir, bootstrap, schema_registry)
        _check_groups(context, policy, file)
        _write(context, policy)


def show(
    stream: Annotated[str, typer.Option(help="Stream whose policy is shown.")] = "",
    as_json: options.Json = False,
    tenant: options.Tenant = "default",
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Show the policies of a tenant. Fields that they do not name are as in the services' settings."""
    with exit_on_error():
        from edgeloop_replay.policy_event import named

        found = _newest(_table(_context(data_dir, bootstrap, schema_registry)), tenant)
        if stream:
            found = [policy for policy in found if policy.stream in (stream, "")][-1:]
        if as_json:
            shown = [{"stream": p.stream, "name": p.name, "version": p.version, "policy": named(p)} for p in found]
            print(json.dumps({"tenant": tenant, "policies": shown}, indent=2))
            return
        if not found:
            print(f"there is no policy of {_place(tenant, stream)}; services use their settings")
        for policy in found:
            print(f"{_place(tenant, policy.stream)}: {policy.name}, version {policy.version}")
            for section, fields in named(policy).items():
                print(f"  {section}: " + ", ".join(f"{name} {_text(value)}" for name, value in fields.items()))


def unset(
    stream: Stream = "",
    tenant: options.Tenant = "default",
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Remove a policy. The policy of all streams, or the services' settings, take its place."""
    with exit_on_error():
        from edgeloop_contracts import Policy

        context = _context(data_dir, bootstrap, schema_registry)
        if stream not in [policy.stream for policy in _newest(_table(context), tenant)]:
            raise RefusedError(f"there is no policy of {_place(tenant, stream)}")
        _write(context, Policy(tenant=tenant, stream=stream, withdrawn=True))


def _context(data_dir: Path, bootstrap: str, schema_registry: str) -> Context:
    from edgeloop_cli import connection

    return connection.required(data_dir, bootstrap, schema_registry).context("cli")


def _check_groups(context: Context, policy: Policy, file: Path) -> None:
    """Refuse a policy of rollouts that names a group which the fleet does not have."""
    from edgeloop_contracts import topics
    from edgeloop_rollout.core.policies import Plan, apply_policy

    from edgeloop_cli.answered import newest

    plan = apply_policy(Plan(), policy)
    if plan.named_groups:
        members = [member for member in newest(context, topics.FLEET_DEVICES).values() if member.tenant == policy.tenant]
        try:
            plan.check_groups({member.device_group for member in members} - {""})
        except ValueError as error:
            raise RefusedError(f"{file}: rollout: {error}") from None


def _table(context: Context) -> Table:
    from edgeloop_contracts import topics

    try:
        table = context.table(topics.POLICIES)
    except LookupError as error:
        raise RefusedError(str(error.args[0])) from None
    table.refresh()
    return table


def _newest(table: Table, tenant: str) -> list[Policy]:
    """Policies of a tenant, the one of all streams first."""
    policies = [record.event for _, record in table.items()]
    return [policy for policy in policies if policy.tenant == tenant and not policy.withdrawn]


def _write(context: Context, policy: Policy) -> None:
    """Write a policy as the version after the newest."""
    from dataclasses import replace

    from edgeloop_contracts import topics
    from edgeloop_streaming import OvertakenError

    def follow(newest: Policy | None) -> Policy:
        return replace(policy, version=newest.version + 1 if newest else 1)

    try:
        written = context.key_updater(topics.POLICIES).update(StreamKey.of(policy), follow)
    except LookupError as error:
        raise RefusedError(str(error.args[0])) from None
    except OvertakenError as error:
        raise FailedError(f"the policy was not written: {error}") from None
    done = "is removed" if written.withdrawn else f"is {written.name}"
    print(f"the policy of {_place(written.tenant, written.stream)} {done}, version {written.version}")


def _place(tenant: str, stream: str) -> str:
    return StreamKey(tenant, stream) if stream else f"all streams of {tenant}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
