"""Checks before and after ``docker compose up``. Each fault is one line with its remedy.

- ``python tools/check_docker.py``, before: Docker, its version, Compose, the compose file, free ports.
- ``python tools/check_docker.py --why``, after a failure: the failed container with the last line of its log.
- ``python tools/check_docker.py --where``, after a start: the addresses on this machine.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

# Health checks with an interval of a second until the first success need these.
ENGINE = (25, 0)
COMPOSE = (2, 24)
UNUSABLE = 2
PLAIN = "or do without containers: `make demo` needs only Python"


class ObstacleError(Exception):
    """A fault with its remedy."""


def main() -> int:
    """Entry point."""
    try:
        match sys.argv[1:]:
            case ["--why"]:
                print("\n".join(troubles()) or "no container has failed: Compose printed the reason above", file=sys.stderr)
            case ["--where"]:
                print("\n".join(f"{service:16} {address}" for service, address in published(configuration())))
            case _:
                check()
    except ObstacleError as obstacle:
        print(obstacle, file=sys.stderr)
        return UNUSABLE
    return 0


def check() -> None:
    """Everything that can be checked before the start.

    Raises
    ------
    ObstacleError
        The first fault.
    """
    if shutil.which("docker") is None:
        raise ObstacleError(f"Docker is not installed, see https://docs.docker.com/engine/install; {PLAIN}")
    engine = docker("version", "--format", "{{.Server.Version}}")
    if engine.returncode:
        raise ObstacleError(
            f"the Docker engine does not answer ({last_line(engine.stderr)}): start it, or ask for the right to use it; {PLAIN}"
        )
    if version(engine.stdout) < ENGINE:
        raise ObstacleError(f"Docker Engine {engine.stdout.strip()} is too old: {dotted(ENGINE)} or newer is needed; {PLAIN}")
    compose = docker("compose", "version", "--short")
    if compose.returncode:
        raise ObstacleError("Docker has no `docker compose`: install its plugin, docker-compose-plugin (docs.docker.com/compose/install)")
    if version(compose.stdout) < COMPOSE:
        raise ObstacleError(f"Docker Compose {compose.stdout.strip()} is too old: {dotted(COMPOSE)} or newer is needed")
    config = configuration()
    ours = {address for one in containers() for address in addresses_of(one)}
    for service, address in published(config):
        if address not in ours and not free(address):
            raise ObstacleError(
                f"{address}, wanted for {service}, is taken: stop its holder, or choose another port with "
                f"{variable(service)}=… in the environment or in .env"
            )


def troubles() -> Iterator[str]:
    """One line per failed container."""
    for one in containers("--all"):
        state, health, code = one.get("State", ""), one.get("Health", ""), one.get("ExitCode", 0)
        if health == "unhealthy" or state in ("restarting", "dead") or (state == "exited" and code):
            how = "is unhealthy" if health == "unhealthy" else f"ended with exit code {code}"
            logs = docker("compose", "logs", "--no-log-prefix", "--no-color", "--tail", "1", one["Service"])
            yield f"{one['Service']} {how}; its last line: {last_line(logs.stdout) or 'none'} (whole log: docker compose logs {one['Service']})"


def configuration() -> dict[str, Any]:
    """The compose file with all variables resolved."""
    done = docker("compose", "config", "--format", "json")
    if done.returncode:
        raise ObstacleError(f"the compose file cannot be used: {last_line(done.stderr)}")
    return json.loads(done.stdout)


def containers(*options: str) -> list[dict[str, Any]]:
    """This project's containers; Compose prints a list or one object per line, depending on its version."""
    text = docker("compose", "ps", "--format", "json", *options).stdout.strip()
    return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]


def published(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Service and address of each port on this machine."""
    for name, service in config["services"].items():
        for port in service.get("ports", []):
            yield name, f"{port.get('host_ip', '0.0.0.0')}:{port['published']}"


def addresses_of(container: dict[str, Any]) -> Iterator[str]:
    """Addresses of a running container on this machine."""
    for publisher in container.get("Publishers") or []:
        yield f"{publisher['URL']}:{publisher['PublishedPort']}"


def free(address: str) -> bool:
    """True if nobody listens there."""
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
    return True


def variable(service: str) -> str:
    """The compose file's variable of a service's port.

    >>> variable("edge-0")
    'EDGELOOP_PORT_EDGE_0'
    """
    return f"EDGELOOP_PORT_{service.upper().replace('-', '_')}"


def version(text: str) -> tuple[int, ...]:
    """Major and minor number.

    >>> version("v2.26.1-4"), version("27.0.3\\n")
    ((2, 26), (27, 0))
    """
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def dotted(numbers: tuple[int, ...]) -> str:
    """A version as text."""
    return ".".join(map(str, numbers))


def last_line(text: str) -> str:
    """The last line that is not empty."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return next((line.strip() for line in reversed(plain.splitlines()) if line.strip()), "")


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Result of a docker command."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
