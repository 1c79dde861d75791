"""``edgeloop device``: enrols, revokes, labels and shows one device."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from edgeloop_cli import options
from edgeloop_cli.device_steps import Group, Label, Name, Reason, carry_out, context_of, given_labels, lasting_ms
from edgeloop_cli.errors import RefusedError, exit_on_error
from edgeloop_cli.fleet_service import PATIENCE_S, Timeout
from edgeloop_cli.redrive import Who, requester


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    from edgeloop_cli import device_changes, device_config, device_show

    group = typer.Typer(help="Enrol, revoke, label, configure or show one device.", no_args_is_help=True, rich_markup_mode=None)
    group.command(name="show")(device_show.show)
    group.command(name="enrol")(enrol)
    group.command(name="token")(token)
    for name, text in device_changes.TEXTS.items():
        group.command(name=name, help=text)(device_changes.change(name))
    group.command(name="label")(device_changes.label)
    group.command(name="config")(device_config.config)
    group.command(name="admission")(device_config.admission)
    app.add_typer(group, name="device")


def enrol(
    name: Name,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Public key of the device, a PEM file.")] = None,
    public_key: Annotated[str, typer.Option(metavar="HEX", help="Public key of the device, 64 hexadecimal digits.")] = "",
    group: Group = "",
    labels: Label = None,
    rotate: Annotated[bool, typer.Option("--rotate", help="A new key of the same disk; the old one counts for another day.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="A new disk, the same device; the old keys end at once.")] = False,
    why: Reason = "",
    who: Who = "",
    timeout: Timeout = PATIENCE_S,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Enrol a device by its public key.

    edgeloop device enrol pump-7 --key pump-7-public.pem --group north --label site=hamburg

    edgeloop device enrol pump-7 --key new.pem --replace --why "its disk broke"
    """
    with exit_on_error():
        from edgeloop_contracts import EnrolDevice, EnrolmentMode

        from edgeloop_cli import fleet_service

        if rotate and replace:
            raise RefusedError("expected --rotate or --replace, given both")
        mode = EnrolmentMode.ROTATE if rotate else EnrolmentMode.REPLACE if replace else EnrolmentMode.NEW
        command = EnrolDevice(
            tenant=tenant,
            device_id=name,
            command_id=fleet_service.command_id(),
            mode=mode,
            public_key=_key(key, public_key),
            device_group=group,
            labels=given_labels(labels),
            who=requester(who),
            why=why,
        )
        carry_out(context_of(data_dir, bootstrap, schema_registry), command, timeout, as_json=as_json)


def token(
    uses: Annotated[int, typer.Option(min=1, help="Number of devices that may enrol with it.")] = 1,
    expires: Annotated[str, typer.Option(metavar="AGE", help="Time after which it ends, such as 90s, 15m, 2h or 3d.")] = "1h",
    group: Group = "",
    labels: Label = None,
    why: Reason = "",
    who: Who = "",
    timeout: Timeout = PATIENCE_S,
    tenant: options.Tenant = "default",
    as_json: options.Json = False,
    bootstrap: options.Bootstrap = "",
    schema_registry: options.SchemaRegistry = "",
    data_dir: options.DataDir = options.DATA_DIR,
) -> None:
    """Issue a token by which devices enrol themselves. It is shown once and kept nowhere.

    edgeloop device token --uses 20 --expires 1d --group north
    """
    with exit_on_error():
        from edgeloop_contracts import IssueToken
        from edgeloop_signing.enrolment import Token

        from edgeloop_cli import fleet_service

        lasts = lasting_ms(expires)
        secret = Token.new()
        command = IssueToken(
            tenant=tenant,
            token_id=secret.token_id,
            command_id=fleet_service.command_id(),
            public_key=secret.public_key,
            uses=uses,
            expires=int(time.time() * 1000) + lasts,
            device_group=group,
            labels=given_labels(labels),
            who=requester(who),
            why=why,
        )
        answer = fleet_service.ask(context_of(data_dir, bootstrap, schema_registry), command, timeout)
        fleet_service.tell(answer, as_json=as_json, token=secret.text, token_id=secret.token_id, uses=uses, expires=command.expires)
        if not as_json:
            print(secret.text)


def _key(file: Path | None, text: str) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from edgeloop_signing.keys import load_trusted

    from edgeloop_cli.core.members import key_of

    if (file is None) == (not text):
        raise RefusedError("expected the device's public key: either --key FILE or --public-key HEX")
    if file is None:
        try:
            return key_of(text)
        except ValueError as error:
            raise RefusedError(str(error)) from None
    keys = load_trusted(file, "--key")
    if len(keys) != 1:
        raise RefusedError(f"--key {file}: expected one public key, given {len(keys)}")
    return keys[0].public_bytes(Encoding.Raw, PublicFormat.Raw)
