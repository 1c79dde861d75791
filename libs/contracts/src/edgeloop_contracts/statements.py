"""What is signed about a candidate: the trainer signs it, the registry verifies it, and both make it here."""

from __future__ import annotations

import json

from edgeloop_contracts.events import ModelCandidate

_UNSIGNED = ("signature", "key_id")
_NONE = ModelCandidate().as_dict()


def candidate_statement(candidate: ModelCandidate) -> bytes:
    """All that a candidate says, as canonical JSON: keys sorted, no spaces, UTF-8.

    The digest stands for the file, and so for each of its chunks. Fields with their default are left out, so that a field
    which one of two releases does not know yet changes nothing where it is not used. ``kind`` keeps it from being the
    statement of a version or of an adapter.

    Examples
    --------
    >>> candidate_statement(ModelCandidate(stream="pumps", request_id="c/0", digest="ab", metrics={"mae": 0.5}, signature=b"s"))
    b'{"digest":"ab","kind":"candidate","metrics":{"mae":0.5},"request_id":"c/0","stream":"pumps"}'
    """
    said = {name: value for name, value in candidate.as_dict().items() if name not in _UNSIGNED and value != _NONE[name]}
    return json.dumps({"kind": "candidate", **said}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )
