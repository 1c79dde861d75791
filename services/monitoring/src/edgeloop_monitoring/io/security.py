"""The settings that librdkafka is given, as Faust takes them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import faust
from edgeloop_errors import FatalError


class UnsupportedSettingError(FatalError):
    """A way to sign in that this service does not know."""


def credentials(extra: Mapping[str, str]) -> Any:
    """Credentials for Faust from librdkafka's settings; ``None`` for an open cluster.

    Raises
    ------
    UnsupportedSettingError
        Names the setting and what is possible.
    """
    protocol = extra.get("security.protocol", "PLAINTEXT").upper()
    if protocol == "PLAINTEXT":
        return None
    context = None
    if protocol in ("SSL", "SASL_SSL"):
        context = ssl.create_default_context(cafile=extra.get("ssl.ca.location"))
        if "ssl.certificate.location" in extra:
            context.load_cert_chain(extra["ssl.certificate.location"], extra.get("ssl.key.location"), extra.get("ssl.key.password"))
    if protocol == "SSL":
        return faust.SSLCredentials(context)
    mechanism = extra.get("sasl.mechanism", extra.get("sasl.mechanisms", "PLAIN")).upper()
    if protocol not in ("SASL_SSL", "SASL_PLAINTEXT") or mechanism not in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        raise UnsupportedSettingError(
            f"security.protocol={protocol} with sasl.mechanism={mechanism}: monitoring takes PLAINTEXT, SSL, and SASL_PLAINTEXT or"
            " SASL_SSL with PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
        )
    return faust.SASLCredentials(
        username=extra.get("sasl.username", ""), password=extra.get("sasl.password", ""), mechanism=mechanism, ssl_context=context
    )
