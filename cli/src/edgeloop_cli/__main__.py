"""``python -m edgeloop_cli``: the same as ``edgeloop``."""

from __future__ import annotations

from edgeloop_cli.main import main

if __name__ == "__main__":
    main()
