"""Errors and exit codes of commands."""

from __future__ import annotations

import errno

import pytest
import typer
from confluent_kafka import KafkaError, KafkaException
from edgeloop_cli.errors import exit_on_error


def ended(error: BaseException) -> int:
    with pytest.raises(typer.Exit) as end, exit_on_error():
        raise error
    return end.value.exit_code


def test_what_kafkas_client_says_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(KafkaException(KafkaError(KafkaError._TRANSPORT, "connection refused"))) == 1
    assert capsys.readouterr().err == "edgeloop: Kafka: connection refused; is it running, and is this its address?\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOTDIR])
def test_what_cannot_be_written_is_told_with_its_place(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(OSError(number, "cannot be", "/some/where")) == 1
    assert capsys.readouterr().err == "edgeloop: /some/where: cannot be\n"


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(FileNotFoundError), exit_on_error():
        raise FileNotFoundError(errno.ENOENT, "no such file", "module.py")


def test_an_interrupt_ends_with_the_shells_code() -> None:
    assert ended(KeyboardInterrupt()) == 130
