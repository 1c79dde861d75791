"""Shared settings: addresses of Kafka and the schema registry, and this process's part."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

_HEAD = "EDGELOOP_KAFKA_"


class KafkaSettings(BaseSettings):
    """Settings that every process shares, from ``EDGELOOP_*`` variables; each field says what it is.

    Any other librdkafka setting is given as ``EDGELOOP_KAFKA_<NAME>`` with dots as underscores, such as
    ``EDGELOOP_KAFKA_SECURITY_PROTOCOL=SASL_SSL``.
    """

    model_config = SettingsConfigDict(env_prefix="EDGELOOP_", frozen=True, populate_by_name=True)

    bootstrap: str = Field(
        default="127.0.0.1:9092", validation_alias="EDGELOOP_KAFKA_BOOTSTRAP", description="Kafka brokers, as `host:port,host:port`"
    )
    schema_registry_url: str = Field(
        default="http://127.0.0.1:8081/apis/ccompat/v7", description="base address of a schema registry that speaks the Confluent API"
    )
    topic_prefix: str = Field(default="", description="heads the names of topics, groups and transactional ids")
    instance: str = Field(default="0", description="which of several processes of one service this is; it stays the same over restarts")
    http_port: int = Field(default=0, description="port of the pages `/metrics`, `/healthz` and `/readyz`; 0 serves none")
    http_host: str = Field(default="127.0.0.1", description="address at which these pages are served")
    log: Literal["text", "json"] = Field(default="text", description="form of the log on standard error")
    dead_letter_run: int = Field(
        default=100, ge=0, description="consecutive dead letters that halt a partition of a topic which a service writes; 0 sets no limit"
    )
    dead_letter_share: float = Field(
        default=0.5, ge=0, le=1, description="share of dead letters in the last 1,000 records that halts such a partition; 0 sets no limit"
    )
    dead_letter_outside_share: float = Field(
        default=0,
        ge=0,
        le=1,
        description="the same in the last 10,000 records of a topic that devices, other programs or people write;"
        " a limit lets one sender halt all others of its partition",
    )
    extra: Mapping[str, str] = Field(
        default_factory=lambda: librdkafka_settings(os.environ),
        validation_alias="EDGELOOP_KAFKA_<NAME>",  # no variable is called so: it stands for many
        description="any setting of librdkafka, with underscores for dots: `EDGELOOP_KAFKA_SECURITY_PROTOCOL=SASL_SSL`",
    )

    def environment(self) -> dict[str, str]:
        """Variables that make another process take part in the same cluster under the same prefix.

        >>> KafkaSettings(bootstrap="h:1", extra={"sasl.username": "u"}).environment()["EDGELOOP_KAFKA_SASL_USERNAME"]
        'u'
        """
        extra = {_HEAD + name.upper().replace(".", "_"): value for name, value in self.extra.items()}
        return {
            "EDGELOOP_KAFKA_BOOTSTRAP": self.bootstrap,
            "EDGELOOP_SCHEMA_REGISTRY_URL": self.schema_registry_url,
            "EDGELOOP_TOPIC_PREFIX": self.topic_prefix,
            **extra,
        }

    def librdkafka(self) -> dict[str, str | int | float | bool]:
        """Base configuration of every client; what the user gave overrides ours."""
        return {
            "bootstrap.servers": self.bootstrap,
            "socket.timeout.ms": 10_000,
            "socket.nagle.disable": True,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 1_000,
            "retry.backoff.ms": 5,
            "log_level": 2,
            **self.extra,
        }


def librdkafka_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The ``EDGELOOP_KAFKA_*`` variables as librdkafka names them, the bootstrap servers left out.

    >>> librdkafka_settings({"EDGELOOP_KAFKA_SASL_USERNAME": "u", "EDGELOOP_KAFKA_BOOTSTRAP": "h:1", "HOME": "/"})
    {'sasl.username': 'u'}
    """
    return {
        name.removeprefix(_HEAD).lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith(_HEAD) and name != f"{_HEAD}BOOTSTRAP"
    }


def from_a_variable(field: str, variable: str, value: str) -> bool:
    """Whether an error message should name a variable: it gives the address, or should have given it.

    Parameters
    ----------
    field
        Of :class:`KafkaSettings`.
    variable
        Its variable.
    value
        What holds.
    """
    return value in (os.environ.get(variable), KafkaSettings.model_fields[field].default)


def unusable(error: ValueError, name: str) -> str:
    """One line about settings of a process that cannot be used.

    Parameters
    ----------
    name
        Of the service; heads the variables that are its own.
    """
    if not isinstance(error, ValidationError):
        return str(error)
    prefix = "EDGELOOP_" if error.title == KafkaSettings.__name__ else f"EDGELOOP_{name.upper()}_"
    lines: list[str] = []
    for each in error.errors():
        name, said = "_".join(map(str, each["loc"])).upper(), each["msg"].removeprefix("Value error, ")
        given = f", given {each['input']!r}" if name and each["type"] != "missing" else ""
        lines.append(f"{prefix}{name or '*'}: {said}{given}")
    return "; ".join(lines)
