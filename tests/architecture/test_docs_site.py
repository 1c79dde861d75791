"""The documentation site: one link works in the repository and on the site."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = frozenset({"README.md", "docs/csv.md", "docs/adr/README.md", "schemas/label/Label.avsc", "examples/produce.py", "docs/flow.png"})


@pytest.fixture(scope="module")
def site() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_site", ROOT / "tools/docs_site.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("docs/csv.md", "docs/csv.md"),
        ("docs/../README.md", "README.md"),
        ("docs/adr", "docs/adr/README.md"),
        ("docs/adr/", "docs/adr/README.md"),
        ("examples/produce.py", "source/examples/produce.py.md"),
        ("schemas", "source/schemas/README.md"),
        ("docs/asyncapi.yaml", "docs/asyncapi.yaml"),
        ("docs/flow.png", "docs/flow.png"),
        ("nowhere.md", "nowhere.md"),  # refused by MkDocs
    ],
)
def test_a_link_leads_to_a_page_a_readme_a_text_or_a_list(site: ModuleType, link: str, page: str) -> None:
    assert site.target(link, FILES) == page


def test_a_pattern_of_the_navigation_takes_what_matches_in_order(site: ModuleType) -> None:
    nav = [{"Services": ["services/*/README.md"]}, "README.md"]
    pages = ["README.md", "services/a/README.md", "services/a/docs/README.md", "services/b/README.md"]
    assert site.expanded(nav, pages) == [{"Services": ["services/a/README.md", "services/b/README.md"]}, "README.md"]


@pytest.mark.parametrize(
    "loaded", ['<script src="https://a/b.js">', "<link href=//a/b.css rel=stylesheet>", '<img alt="" src="http://a/b.png">']
)
def test_a_page_that_loads_from_elsewhere_is_refused(site: ModuleType, loaded: str) -> None:
    class Page:
        file = type("File", (), {"src_uri": "README.md"})

    with pytest.raises(Exception, match="expected pictures, styles and scripts of the site"):
        site.on_post_page(f"<html>{loaded}</html>", Page(), None)
    kept = '<a href="https://a">a</a><link rel="canonical" href="https://a"><img src="docs/flow.png">'
    assert site.on_post_page(kept, Page(), None) == kept


def test_links_in_blocks_of_code_stay(site: ModuleType) -> None:
    text = "[a](x)\n\n```md\n[b](x)\n```\n\n[c](x)\n"
    assert site._outside_of_blocks(text, lambda part: part.replace("(x)", "(y)")) == "[a](y)\n\n```md\n[b](x)\n```\n\n[c](y)\n"
