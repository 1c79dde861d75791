"""Words per sentence of the project's prose: README, docs, help texts, docstrings and comments.

``python tools/prose.py`` prints mean and 90th percentile by kind and by file, ``--long N`` prints the N longest sentences,
``--root FOLDER`` measures another checkout, and paths limit it to files or folders.

A sentence ends at a full stop, a question mark or an exclamation mark that is followed by a new sentence, and at the end of a paragraph or
list item. Semicolons and colons end none. Code blocks, doctests, headings and the addresses of links are left out; inline code counts with all
its words. Table cells are a kind of their own, since they are short, and would make the figures of the docs look better. Fragments of fewer than
three words do not count, for the same reason.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import re
import statistics
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
LEAST_WORDS = 3
GENERATED = ("libs/contracts/src/edgeloop_contracts/events.py", "libs/contracts/src/edgeloop_contracts/registered.py", "/rpc/")
_GENERATED_PART = re.compile(r"<!-- [\w -]+: made by .*?<!-- end of [\w -]+ -->", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_END = re.compile(r"(?<=[.!?])[)\"'*_]*\s+(?=[(\[\"'*_`]*(?:[A-Z0-9`§-]|edgeloop))")
_NO_END = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|no|fig)|\s[A-Z])\.$")
_WORD = re.compile(r"[^\s]*[\w`][^\s]*")
_DIRECTIVE = re.compile(r"noqa|type:|pyright:|ruff:|fmt:|pragma|!/|-\*-|doctest:")


@dataclass(frozen=True, slots=True)
class Figures:
    """Words per sentence.

    Attributes
    ----------
    sentences
        Sentences counted.
    mean
        Mean number of words.
    p90
        90th percentile.
    """

    sentences: int
    mean: float
    p90: int


def split(paragraph: str) -> list[str]:
    """Sentences of one paragraph that are long enough to count."""
    found: list[str] = []
    for piece in _END.split(" ".join(paragraph.split())):
        if found and _NO_END.search(found[-1]):
            found[-1] += f" {piece}"
        else:
            found.append(piece)
    return [sentence for sentence in found if words(sentence) >= LEAST_WORDS]


def words(sentence: str) -> int:
    """Words of a sentence; a dash or an operator alone is none."""
    return len(_WORD.findall(sentence))


def of_markdown(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each sentence of a Markdown page: ``docs`` or ``cell``."""
    text = _COMMENT.sub("", _GENERATED_PART.sub("", text))
    inside = ""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type in ("heading_open", "td_open", "th_open"):
            inside = token.type
        elif token.type in ("heading_close", "td_close", "th_close"):
            inside = ""
        elif token.type == "inline" and inside != "heading_open":
            parts = [_plain(child.type, child.content) for child in token.children or ()]
            yield from (("cell" if inside else "docs", sentence) for sentence in split("".join(parts)))


def _plain(kind: str, content: str) -> str:
    if kind == "code_inline":
        return f"`{content}`"
    return {"text": content, "softbreak": " ", "hardbreak": " "}.get(kind, "")


def of_docstring(text: str) -> Iterator[str]:
    """Sentences of a NumPy docstring; names of parameters, underlines and doctests are left out."""
    block: list[str] = []
    section = False
    for line in [*_prose_lines(text), ""]:
        bare = line.strip()
        if _ends_block(bare) or (section and not line.startswith(" ")):
            yield from split(" ".join(block))
            block = []
            section = section or bare.startswith("---")
        else:
            block.append(re.sub(r"^[-*] ", "", bare))


def _ends_block(bare: str) -> bool:
    return not bare or bare.startswith(("---", ">>>", "...")) or bare.endswith("::")


def _prose_lines(text: str) -> list[str]:
    """Lines of a docstring without doctests and their outputs; a list item begins a paragraph."""
    lines: list[str] = []
    doctest = False
    for line in inspect.cleandoc(text).splitlines():
        bare = line.strip()
        doctest = bare.startswith(">>>") or (doctest and bool(bare))
        if not doctest:
            lines += ["", line] if bare.startswith(("- ", "* ")) else [line]
    return lines


def of_python(source: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each sentence of a module: ``docstring``, ``comment`` or ``help``."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (found := ast.get_docstring(node)):
            yield from (("docstring", sentence) for sentence in of_docstring(found))
        if isinstance(node, ast.keyword) and node.arg in ("help", "description", "epilog") and isinstance(node.value, ast.Constant):
            yield from (("help", sentence) for sentence in split(str(node.value.value)))
    yield from (("comment", sentence) for sentence in of_comments(source))


def of_comments(source: str) -> Iterator[str]:
    """Sentences of a module's comments; lines that follow each other make one paragraph."""
    block: list[str] = []
    last = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or _DIRECTIVE.search(token.string):
            continue
        alone = token.line.strip().startswith("#")
        if block and not (alone and token.start[0] == last + 1):
            yield from split(" ".join(block))
            block = []
        block.append(token.string.lstrip("# "))
        last = token.start[0] if alone else -1
    yield from split(" ".join(block))


def pages(root: Path) -> list[Path]:
    """Markdown that is ours to write."""
    found = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("services/*/README.md"), *root.glob("libs/*/README.md")]
    more = [root / name for name in ("benchmarks/README.md", "cli/README.md", "examples/README.md", "findings/README.md")]
    return sorted({*found, *(page for page in more if page.exists())} - {root / "CHANGELOG.md"})


def modules(root: Path) -> list[Path]:
    """Python files, generated ones aside."""
    found = [
        path
        for name in ("libs", "services", "cli", "tests", "tools", "benchmarks", "examples", "deploy")
        for path in root.glob(f"{name}/**/*.py")
    ]
    return sorted(path for path in found if not any(part in path.as_posix() for part in GENERATED))


def measured(sentences: Iterable[str]) -> Figures:
    """Figures of sentences."""
    counts = sorted(words(sentence) for sentence in sentences)
    if not counts:
        return Figures(0, 0.0, 0)
    return Figures(len(counts), statistics.fmean(counts), counts[min(len(counts) - 1, int(0.9 * len(counts)))])


def collected(root: Path, only: list[str]) -> list[tuple[str, str, str]]:
    """Kind, file and text of every sentence."""
    wanted = [path for path in (*pages(root), *modules(root)) if not only or any(path.is_relative_to(root / one) for one in only)]
    found: list[tuple[str, str, str]] = []
    for path in wanted:
        name, text = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
        found += [(kind, name, sentence) for kind, sentence in (of_markdown if path.suffix == ".md" else of_python)(text)]
    return found


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", help="files or folders, relative to the root; everything by default")
    parser.add_argument("--root", type=Path, default=ROOT, help="checkout to measure")
    parser.add_argument("--long", type=int, default=0, metavar="N", help="print the N longest sentences")
    parser.add_argument("--files", action="store_true", help="print each file")
    given = parser.parse_args()
    found = collected(given.root.resolve(), given.paths)
    for kind in ("docs", "cell", "help", "docstring", "comment"):
        show(kind, measured(sentence for one, _, sentence in found if one == kind))
    show("all", measured(sentence for _, _, sentence in found))
    if given.files:
        for name in sorted({name for _, name, _ in found}):
            show(name, measured(sentence for _, one, sentence in found if one == name))
    for _, name, sentence in sorted(found, key=lambda one: -words(one[2]))[: given.long]:
        print(f"{words(sentence):3d}  {name}: {sentence}")
    return 0


def show(name: str, figures: Figures) -> None:
    """Print one line."""
    print(f"{figures.mean:5.1f} mean {figures.p90:4d} p90 {figures.sentences:6d} sentences  {name}")


if __name__ == "__main__":
    sys.exit(main())
