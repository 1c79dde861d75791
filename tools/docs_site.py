"""Pages of the documentation site that lie outside ``docs/``, and pages for the files that they link (a hook of MkDocs, see ``mkdocs.yml``).

A page keeps its path in the repository, so that one link works in an editor and on the site. A link to a source file leads to a page with
its text, a link to a folder to its README, or else to a list of its files.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ("docs/site.css", "docs/asyncapi.yaml")
# Fragments of the changelog are no pages: their links hold in CHANGELOG.md.
FOLDERS = ("libs", "services", "cli", "docs", "schemas", "examples", "benchmarks", "findings", "deploy", "tests", "tools")
LANGUAGES = {".py": "python", ".avsc": "json", ".json": "json", ".sh": "bash", ".yml": "yaml", ".yaml": "yaml", ".toml": "toml"}
PICTURES = (".png", ".svg")
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
_BLOCK = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$", re.DOTALL | re.MULTILINE)
_LOADED = re.compile(r"""<(?:script|img|iframe|link(?=[^>]*stylesheet))[^>]*\s(?:src|href)=["']?(?:https?:)?//[^>]*>""")


def tracked() -> frozenset[str]:
    """Paths of the repository's files."""
    done = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    return frozenset(path for path in done.stdout.decode().splitlines() if (ROOT / path).is_file())


def expanded(nav: list[Any], pages: list[str]) -> list[Any]:
    """The navigation with each pattern of paths replaced by the pages that it matches, in order."""
    entries: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            entries += [{title: expanded(part, pages) if isinstance(part, list) else part} for title, part in entry.items()]
        elif "*" in entry:
            entries += [page for page in pages if fnmatch(page, entry) and page.count("/") == entry.count("/")]
        else:
            entries.append(entry)
    return entries


def _named(nav: list[Any]) -> set[str]:
    """Pages that a navigation names one by one."""
    parts = [part for entry in nav for part in (entry.values() if isinstance(entry, dict) else [entry])]
    return {page for part in parts for page in (_named(part) if isinstance(part, list) else [part])}


def target(path: str, files: frozenset[str]) -> str:
    """The page for a path that a link names: itself, the README or the list of a folder, or the text of a file."""
    path = posixpath.normpath(path)
    if path in ASSETS or (path.endswith(".md") and path in files):
        return path
    if path in files and not path.endswith(PICTURES):
        return f"source/{path}.md"
    readme = f"{path}/README.md"
    if readme in files:
        return readme
    return f"source/{path}/README.md" if any(file.startswith(f"{path}/") for file in files) else path


def source_page(page: str, files: frozenset[str]) -> str:
    """The text of a page below ``source/``: a file's content, or a folder's list."""
    path = page.removeprefix("source/").removesuffix(".md")
    if path in files:
        text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
        fence = "`" * (max([2, *(len(run) for run in re.findall(r"`+", text))]) + 1)
        return f"{_head(path)}{fence}{LANGUAGES.get(Path(path).suffix, 'text')}\n{text.rstrip()}\n{fence}\n"
    folder = path.removesuffix("/README")
    names = [file.removeprefix(f"{folder}/") for file in listed(folder, files)]
    return _head(f"{folder}/") + "".join(f"- [`{name}`]({name}.md)\n" for name in names)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the patterns of the navigation."""
    nav: list[Any] = config.nav or []
    config.nav = expanded(nav, sorted(path for path in tracked() if path.endswith(".md") and path not in _named(nav)))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """All pages by their paths in the repository, with the pictures, and the pages of what they link."""
    paths = tracked()
    shown = [
        path
        for path in paths
        if path.endswith((".md", *PICTURES)) and ("/" not in path or path.split("/")[0] in FOLDERS or path == "changelog.d/README.md")
    ]
    found = [file for file in files if file.src_dir != config.docs_dir]  # those of the theme
    found += [File.generated(config, path, abs_src_path=str(ROOT / path)) for path in (*sorted(shown), *ASSETS)]
    found += [File.generated(config, page, content=source_page(page, paths)) for page in sorted(linked(paths))]
    return Files(found)


def linked(files: frozenset[str]) -> set[str]:
    """Pages below ``source/`` that the Markdown pages lead to."""
    named = {
        target(posixpath.join(posixpath.dirname(path), link), files)
        for path in files
        if path.endswith(".md")
        for _, link, _ in _LINK.findall(_BLOCK.sub("", (ROOT / path).read_text(encoding="utf-8")))
    }
    found = {page for page in named if page.startswith("source/")}
    for page in [page for page in found if page.endswith("/README.md")]:
        found |= {f"source/{path}.md" for path in listed(page.removeprefix("source/").removesuffix("/README.md"), files)}
    return found


def listed(folder: str, files: frozenset[str]) -> list[str]:
    """Files of a folder that its page lists."""
    return sorted(path for path in files if path.startswith(f"{folder}/") and not path.endswith((".md", *PICTURES)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as the site has them."""
    del config, files
    here, known = page.file.src_uri, tracked()
    if here.startswith("source/"):
        return markdown

    def moved(match: re.Match[str]) -> str:
        text, link, anchor = match.group(1), match.group(2), match.group(3) or ""
        if "://" in link or link.startswith(("mailto:", "/")) or link.endswith(PICTURES):
            return match.group(0)
        to = posixpath.relpath(target(posixpath.join(posixpath.dirname(here), link), known), posixpath.dirname(here) or ".")
        return f"[{text}]({to}{anchor if to.endswith('.md') else ''})"

    return _outside_of_blocks(markdown, lambda text: _LINK.sub(moved, text))


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Refuse a page that loads something from elsewhere: the site works offline and tells nobody who reads it."""
    del config
    if loaded := _LOADED.search(output):
        raise PluginError(f"{page.file.src_uri}: expected pictures, styles and scripts of the site, given {loaded.group(0)}")
    return output


def _outside_of_blocks(markdown: str, change: Any) -> str:
    """The text, changed wherever it is no code."""
    done, at = [], 0
    for code in _BLOCK.finditer(markdown):
        done += [change(markdown[at : code.start()]), code.group(0)]
        at = code.end()
    return "".join([*done, change(markdown[at:])])


def _head(title: str) -> str:
    return f"---\nsearch:\n  exclude: true\nhide:\n  - toc\n---\n\n# `{title}`\n\n"
