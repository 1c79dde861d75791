"""Members of a fleet on the command line: labels, keys, configurations, selectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from edgeloop_cli.core.devices import devices
from edgeloop_cli.core.members import Known, Selector, config_of, effective, key_of, labels_of
from edgeloop_cli.devices import as_object
from edgeloop_cli.main import build
from edgeloop_contracts import ConfigScope, Device, DeviceConfig, DeviceHealth, Enrolment, FleetConfig, Health, Vitals
from edgeloop_signing.keys import Role, generate_keys
from typer.testing import CliRunner

RUNNER = CliRunner()
ELSEWHERE = ("--bootstrap", "127.0.0.1:9", "--schema-registry", "http://127.0.0.1:9")


def known(health: Health | None = Health.ONLINE, **fields: Any) -> Known:
    of_health = {name: fields.pop(name) for name in ("twins", "vitals", "heard") if name in fields}
    member = Device(**{"tenant": "t", "device_id": "p1", **fields})
    return Known(member, None if health is None else DeviceHealth(tenant="t", device_id="p1", health=health, **of_health))


def test_a_selector_takes_devices_of_its_group_labels_and_health() -> None:
    device = known(Health.LOST, device_group="north", labels={"site": "a", "hw": "pi"})
    assert Selector().takes(None)
    assert Selector("north", {"site": "a"}, "lost").takes(device)
    assert not Selector("south").takes(device)
    assert not Selector(labels={"site": "b"}).takes(device)
    assert not Selector(health="online").takes(device)
    assert not Selector("north").takes(None)
    assert Selector(health="unheard").takes(known(None))


def test_a_device_says_what_is_to_be_said() -> None:
    assert known().states == ()
    assert known(Health.LOST, enrolment=Enrolment.RETIRED).states == ("retired",)
    assert known(Health.LATE, twins=("a@x", "b@y")).states == ("late", "2 processes use this name: a@x, b@y")
    assert known(vitals=Vitals(config_refused="no such stream")).states == ("refuses its configuration: no such stream",)


def test_devices_without_a_stream_are_listed_too() -> None:
    found = devices({}, {}, {"t/s/p2": 90}, 100, 50, {"t/p1": known(heard=95), "t/p2": known(None, device_id="p2")})
    assert [(device.key, device.heard, device.silent) for device in found] == [("t//p1", 95, False), ("t/s/p2", 90, False)]
    told = as_object(found[0])
    assert (told["stream"], told["device"], told["health"], told["enrolment"]) == ("", "p1", "ONLINE", "OPEN")


@pytest.mark.parametrize("text", ["site", "=a", "site=", "-", ""])
def test_a_text_that_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected NAME=VALUE"):
        labels_of([text])


@pytest.mark.parametrize("text", ["sampling", "colour=red", "sampling=half", "outbox_rows=1.5"])
def test_a_text_that_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="--set"):
        config_of([text], DeviceConfig())


def test_a_setting_is_taken_away_by_an_empty_value() -> None:
    assert config_of(["sampling="], DeviceConfig(sampling=0.5, outbox_rows=9)) == DeviceConfig(outbox_rows=9)


def test_the_nearest_scope_wins() -> None:
    configs = [
        FleetConfig(tenant="t", version=1, config=DeviceConfig(sampling=0.1, log_level="INFO", bandwidth=5_000)),
        FleetConfig(tenant="t", scope=ConfigScope.GROUP, name="north", version=2, config=DeviceConfig(sampling=0.2, log_level="DEBUG")),
        FleetConfig(tenant="t", scope=ConfigScope.DEVICE, name="p1", version=3, config=DeviceConfig(sampling=0.3)),
        FleetConfig(tenant="t", scope=ConfigScope.GROUP, name="south", version=4, config=DeviceConfig(sampling=0.4)),
        FleetConfig(tenant="u", version=5, config=DeviceConfig(sampling=0.5)),
    ]
    found = {name: (value, config.version) for name, (value, config) in effective(configs, "t", "north", "p1").items()}
    assert found == {"sampling": (0.3, 3), "log_level": ("DEBUG", 2), "bandwidth": (5_000, 1)}


def test_a_key_is_64_hexadecimal_digits() -> None:
    assert key_of("0a" * 32) == bytes([10]) * 32
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        key_of("0a")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("device", "enrol", "p1"), "expected the device's public key: either --key FILE or --public-key HEX"),
        (("device", "enrol", "p1", "--public-key", "ab"), "--public-key: expected 64 hexadecimal digits, given 'ab'"),
        (("device", "enrol", "p1", "--rotate", "--replace"), "expected --rotate or --replace, given both"),
        (("device", "enrol", "p1", "--key", "absent.pem"), "--key: the public key absent.pem cannot be read: No such file or directory"),
        (("device", "token", "--expires", "soon"), "--expires: expected an age such as 90s, 15m, 2h or 3d, given 'soon'"),
        (("device", "revoke", "p1", "--why", " "), "--why: expected a text of 1 to 1000 characters, given 1"),
        (("device", "label", "p1"), "expected labels such as site=bremen or hw-, or --group"),
        (("device", "label", "p1", "site"), "label: expected NAME=VALUE, or NAME- to remove it, given 'site'"),
        (("device", "config", "--group", "a", "--device", "b"), "expected --group or --device, given both"),
        (("device", "config", "--withdraw", "--set", "a=1"), "expected --set or --withdraw, given both"),
        (("device", "admission", "closed"), "expected open or enrolled, given 'closed'"),
        (("devices", "--health", "ill"), "--health: expected unheard, online, late or lost; given 'ill'"),
        (("devices", "--label", "site"), "label: expected NAME=VALUE, given 'site'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_told_in_one_line_before_a_cluster_is_asked(words: tuple[str, ...], told: str) -> None:
    done = RUNNER.invoke(build(), [*words, *ELSEWHERE])
    assert (done.exit_code, done.stderr) == (2, f"edgeloop: {told}\n")


def test_a_file_of_several_keys_is_refused(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    pairs = [generate_keys(tmp_path, role) for role in (Role.REGISTRY, Role.TRAINER)]
    both.write_bytes(b"".join(pair.public.read_bytes() for pair in pairs))
    done = RUNNER.invoke(build(), ["device", "enrol", "p1", "--key", str(both), *ELSEWHERE])
    assert done.stderr == f"edgeloop: --key {both}: expected one public key, given 2\n"
