"""Commands to the service `fleet`, and its answers."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeloop_cli.errors import RefusedError

if TYPE_CHECKING:
    from edgeloop_contracts import CommandAccepted
    from edgeloop_contracts import Device as Member
    from edgeloop_streaming import Context

    from edgeloop_cli.core.members import Known

PATIENCE_S = 20.0
Timeout = Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Time to wait for the service `fleet`.")]


def command_id() -> str:
    """A fresh id of a command."""
    return f"cli-{secrets.token_hex(8)}"


def ask(context: Context, command: Any, timeout: float) -> CommandAccepted:
    """Write a command and wait for its answer.

    Raises
    ------
    RefusedError
        The service refuses it, or the topics are not there.
    FailedError
        It does not answer in time; the command stays.
    """
    from edgeloop_contracts import EnrolmentRefused, topics

    from edgeloop_cli.answered import answer_to

    answer = answer_to(context, command, topics.FLEET_COMMANDS, topics.FLEET_ANSWERS, "fleet", timeout)
    if isinstance(answer, EnrolmentRefused):
        raise RefusedError(f"refused, {answer.reason}: {answer.message}")
    return answer


def tell(answer: CommandAccepted, *, as_json: bool, **more: Any) -> None:
    """Print an answer, and what belongs to it."""
    if as_json:
        print(json.dumps({"command_id": answer.command_id, "message": answer.message, "who": answer.who, **more}, indent=2))
    else:
        print(answer.message)


def known_devices(context: Context) -> dict[str, Known]:
    """All devices of all tenants as `fleet` knows them, by ``tenant/device``.

    Raises
    ------
    RefusedError
        The topics are not there.
    """
    from edgeloop_contracts import topics

    from edgeloop_cli.answered import newest
    from edgeloop_cli.core.members import Known

    members, healths = newest(context, topics.FLEET_DEVICES), newest(context, topics.FLEET_HEALTH)
    return {key: Known(member, healths.get(key)) for key, member in members.items()}


def device_of(context: Context, tenant: str, name: str) -> Known:
    """A device as `fleet` knows it.

    Raises
    ------
    RefusedError
        It does not know the device.
    """
    from edgeloop_contracts import MemberKey

    found = known_devices(context)
    known = found.get(MemberKey(tenant, name))
    if known is None:
        near = [one.member.device_id for one in found.values() if one.member.tenant == tenant]
        raise RefusedError(f"{tenant} has no device {name!r}; it has {_some(near)}")
    return known


def configurations(context: Context) -> dict[str, Any]:
    """All configurations and policies, by key."""
    from edgeloop_contracts import topics

    from edgeloop_cli.answered import newest

    return newest(context, topics.FLEET_CONFIG)


def policy_of(context: Context, tenant: str) -> Any:
    """Policy of a tenant, or that which holds without one."""
    from edgeloop_contracts import FleetPolicy
    from edgeloop_contracts.keys import config_key

    standing = FleetPolicy(tenant=tenant)
    return configurations(context).get(config_key(standing), standing)


def as_object(member: Member) -> dict[str, Any]:
    """A device's standing, for programs."""
    from edgeloop_cli.core.event_text import moment

    return {
        "enrolment": member.enrolment.value,
        "group": member.device_group,
        "labels": dict(member.labels),
        "keys": [
            {
                "key_id": key.key_id,
                "public_key": key.public_key.hex(),
                "since": moment(key.since),
                "until": moment(key.until) if key.until is not None else None,
            }
            for key in member.keys
        ],
        "who": member.who,
        "why": member.why,
    }


def _some(names: list[str], most: int = 10) -> str:
    shown = ", ".join(sorted(names)[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "none"
