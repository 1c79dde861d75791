"""Rules of form that a machine can hold: size, names, docstrings, lists, prose."""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
import sys
import tomllib
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE_LINES = 300
FUNCTION_LINES = 75
SENTENCE_WORDS = 25
# Words per sentence of the docs, over all pages.
MEAN_WORDS, P90_WORDS = 17, 30

CATEGORIES = ("### Added", "### Changed", "### Fixed", "### Removed")
# Nouns of the field that end in -ing; a module of another gerund names an activity instead of what it holds.
NOUNS = {"binding", "encoding", "framing", "mapping", "monitoring", "pending", "scaling", "setting", "string", "tracking", "training"}


@functools.cache
def prose() -> ModuleType:
    spec = importlib.util.spec_from_file_location("edgeloop_prose", ROOT / "tools" / "prose.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules() -> Iterator[tuple[str, str]]:
    for path in prose().modules(ROOT):
        yield named(path), path.read_text(encoding="utf-8")


def pages() -> dict[str, str]:
    return {named(path): path.read_text(encoding="utf-8") for path in prose().pages(ROOT)}


def test_a_module_docstring_is_a_noun_phrase() -> None:
    asks = re.compile(r"(What|Which|Whether|How|Where|When|Who|Whose|Why)\b")
    assert [name for name, text in modules() if asks.match(ast.get_docstring(ast.parse(text)) or "")] == []


def test_a_module_is_named_by_a_noun() -> None:
    words = {name: {word for word in Path(name).stem.split("_") if word.endswith("ing")} for name, _ in modules() if "tests/" not in name}
    assert [name for name, found in words.items() if found - NOUNS] == []


def test_a_module_is_no_longer_than_300_lines() -> None:
    lines = {name: text.count("\n") for name, text in modules() if "tests/" not in name}
    assert {name: count for name, count in lines.items() if count > MODULE_LINES} == {}


def test_a_function_is_no_longer_than_75_lines() -> None:
    # Counted without the signature: that of a command declares its options.
    found = {
        f"{name}:{node.name}": length
        for name, text in modules()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.body[0].lineno + 1) > FUNCTION_LINES
    }
    assert found == {}


def test_every_package_is_under_the_layer_contracts() -> None:
    linted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["root_packages"]
    packages = {path.name for path in ROOT.glob("*/*/src/edgeloop_*")} | {path.name for path in ROOT.glob("cli/src/edgeloop_*")}
    assert set(linted) == packages


def test_packages_and_images_take_their_version_from_one_file() -> None:
    version = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
    for path in [*ROOT.glob("libs/*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml"), ROOT / "cli/pyproject.toml"]:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        assert content["project"].get("dynamic") == ["version"], path
        assert (path.parent / content["tool"]["hatch"]["version"]["path"]).resolve() == ROOT / "VERSION", path
    images = re.findall(r"EDGELOOP_VERSION:-([\d.]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert set(images) == {version}


def test_readmes_list_every_decision_finding_and_page() -> None:
    for folder, index in (
        ("docs/adr/*.md", "docs/adr/README.md"),
        ("findings/*.sh", "findings/README.md"),
        ("docs/*.md", "docs/README.md"),
    ):
        text = (ROOT / index).read_text(encoding="utf-8")
        wanted = {path.name for path in ROOT.glob(folder)} - {"README.md"}
        assert {name for name in wanted if f"({name})" not in text} == set(), index


def test_links_between_our_pages_lead_somewhere() -> None:
    broken = []
    for name, text in pages().items():
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)\s]+)\)", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)):
            path, _, anchor = target.partition("#")
            page = (ROOT / name).parent / path
            if not page.exists() or (anchor and page.is_file() and anchor not in anchors(page)):
                broken.append(f"{name}: {target}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_line_of_bad_input_names_a_test_that_exists() -> None:
    page = ROOT / "docs/bad-input.md"
    text = page.read_text(encoding="utf-8")
    links = dict(re.findall(r"\[`?([^\]`]+)`?\]\(([^)]+test_\w+\.py)\)", text))
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| input", "| ---", "| stream", "| `"))]
    for line in lines:
        last = line.rstrip("| ").rsplit(" | ", 1)[1]
        names = re.findall(r"\[`?([^\]`]+)`?\]\(", last) + re.findall(r"(?<!\[)`(\w+)`", last)
        assert names, line
        for name in names:
            path = page.parent / links[name]
            assert path.exists() and "def test_" in path.read_text(encoding="utf-8"), (name, line)


def glossary_tables() -> tuple[dict[str, str], dict[str, str]]:
    """Terms with their places, and words not used with those to write."""
    terms, _, denied = (ROOT / "docs/glossary.md").read_text(encoding="utf-8").partition("## Words not used")
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in terms.splitlines() if line.startswith("| ")]
    places = {row[0]: row[2] for row in rows if len(row) == 3 and row[0] not in ("term", "---")}
    others = [re.split(r"\s*\|\s*", line.strip("| ")) for line in denied.splitlines() if line.startswith("| ")]
    return places, {row[0]: row[1] for row in others if row[0] not in ("instead of", "---")}


def test_a_term_of_the_glossary_lives_where_it_says() -> None:
    records = {path.stem for path in ROOT.glob("schemas/*/*.avsc")}
    for term, place in glossary_tables()[0].items():
        for name in re.findall(r"`([A-Z]\w+|[a-z]+/[\w/.]+)`", place):
            exists = (ROOT / name).exists() if "/" in name else name in records or name.isupper()
            assert exists, f"{term}: {name}"


def test_the_glossary_has_each_term_once() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8").partition("## Words not used")[0]
    terms = Counter(re.findall(r"^\| ([^|]+?) \| [A-Z]", text, re.MULTILINE))
    assert len(terms) > 60
    assert [term for term, count in terms.items() if count > 1] == []


def test_pages_use_the_words_of_the_glossary() -> None:
    denied = [word for words in glossary_tables()[1] for word in re.split(r",\s*", re.sub(r"\s*\([^)]*\)", "", words))]
    found = [
        f"{name}: {word}"
        for name, text in pages().items()
        if name != "docs/glossary.md"
        for word in denied
        if re.search(rf"\b{re.escape(word)}s?\b", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL), re.IGNORECASE)
    ]
    assert found == []


def test_sentences_of_the_docs_are_short() -> None:
    counts = Counter[str]()
    sentences = [(name, sentence) for name, text in pages().items() for kind, sentence in prose().of_markdown(text) if kind == "docs"]
    counts.update(name for name, sentence in sentences if prose().words(sentence) > SENTENCE_WORDS)
    if counts:
        told = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        warnings.warn(pytest.PytestWarning(f"sentences of more than {SENTENCE_WORDS} words: {told}"), stacklevel=1)
    figures = prose().measured(sentence for _, sentence in sentences)
    assert figures.mean <= MEAN_WORDS
    assert figures.p90 <= P90_WORDS


def test_a_changelog_fragment_is_a_list() -> None:
    for path in ROOT.glob("changelog.d/*.md"):
        if path.name != "README.md":
            lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
            assert all(line.startswith(("- ", "  ")) or line in CATEGORIES for line in lines), path
