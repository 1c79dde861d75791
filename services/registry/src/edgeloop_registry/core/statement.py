"""What the registry signs: all that a device must know of a version before it loads a byte of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from edgeloop_contracts import ModelCandidate


def statement(candidate: ModelCandidate, version: int, features: Sequence[str]) -> bytes:
    """Canonical JSON: keys sorted, no spaces, UTF-8.

    Examples
    --------
    >>> statement(ModelCandidate(stream="pumps", digest="ab", size=9, classes=("no", "yes"), definition_version=1), 3, ["heat"])
    b'{"classes":["no","yes"],"definition_version":1,"digest":"ab","features":["heat"],"size":9,"stream":"pumps","tenant":"default","version":3}'
    """
    content = {
        "classes": list(candidate.classes),
        "definition_version": candidate.definition_version,
        "digest": candidate.digest,
        "features": list(features),
        "size": candidate.size,
        "stream": candidate.stream,
        "tenant": candidate.tenant,
        "version": version,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
