"""Choosing ports."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest
from edgeloop_local.errors import PortTakenError
from edgeloop_local.ports import LOOPBACK, PortBook, free_port, is_free

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((LOOPBACK, free_port()))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_that_someone_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_a_port_is_free_again_when_its_server_has_gone_though_connections_linger() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java's servers do
        server.bind((LOOPBACK, free_port()))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the server's side closes first, so it lingers in TIME_WAIT
            client.recv(1)
    assert is_free(port)


def test_a_chosen_port_is_the_same_after_a_restart(tmp_path: Path) -> None:
    port = PortBook(tmp_path / "ports.json").choose("Kafka")
    assert PortBook(tmp_path / "ports.json").choose("Kafka") == port


def test_a_remembered_port_that_is_taken_meanwhile_is_replaced(tmp_path: Path, taken: int) -> None:
    (tmp_path / "ports.json").write_text(f'{{"Kafka": {taken}}}')
    assert PortBook(tmp_path / "ports.json").choose("Kafka") != taken


def test_two_names_never_share_a_port(tmp_path: Path) -> None:
    book = PortBook(tmp_path / "ports.json")
    assert len({book.choose(name) for name in "abcdef"}) == 6


def test_an_unreadable_book_is_started_anew(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")
    assert is_free(PortBook(tmp_path / "ports.json").choose("Kafka"))


def test_a_fixed_port_that_is_taken_is_refused_and_its_holder_named(tmp_path: Path, taken: int) -> None:
    with pytest.raises(PortTakenError) as refused:
        PortBook(tmp_path / "ports.json").choose("Kafka", fixed=taken)
    assert f"port {taken} (Kafka) is already in use" in str(refused.value)
    assert f"pid {os.getpid()}" in str(refused.value)
