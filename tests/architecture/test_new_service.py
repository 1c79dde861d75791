"""`make new-service` in a copy of the repository: every list takes the service, and its tests pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOY, SINK = "toy", "sink"
BLOCKS = (
    "packages of services",
    "independent services",
    "services that libraries may not import",
    "services below the replay",
    "services of layers",
    "services without a client",
)
pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Copy:
    """A copy of the repository with a service that keeps state, and one that keeps none."""

    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def block(self, name: str, block: str) -> str:
        """A generated block of a file."""
        return self.text(name).partition(f"{block}: made by")[2].partition(f"end of {block}")[0]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the copy's own sources."""
        sources = sorted(path for pattern in ("libs/*/src", "services/*/src", "cli/src") for path in self.folder.glob(pattern))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources)), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=300)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, *arguments)

    def printed(self, code: str) -> list[str]:
        """Words printed by a piece of Python."""
        done = self.python("-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    folder = tmp_path_factory.mktemp("copy")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.splitlines()):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    made = Copy(folder)
    for arguments in ((TOY,), (SINK, "--stateless")):
        done = made.python("tools/new_service.py", *arguments)
        assert done.returncode == 0, done.stderr
        installed = folder / "services" / arguments[0] / "src" / f"edgeloop_{arguments[0]}-0.1.0.dist-info"  # as `make init` leaves it
        installed.mkdir()
        (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: edgeloop-{arguments[0]}\nVersion: 0.1.0\n", encoding="utf-8")
    yield made
    shutil.rmtree(folder, ignore_errors=True)


# Each list of services; those in Python are read in the copy.
LISTS: dict[str, Callable[[Copy, str], bool]] = {
    "docker-compose.yml": lambda copy, name: f"\n  {name}:\n" in copy.block("docker-compose.yml", "containers of services"),
    "Prometheus targets": lambda copy, name: f"- {name}:9100" in copy.block("deploy/prometheus/prometheus.yml", "targets of services"),
    "README table": lambda copy, name: f"(services/{name})" in copy.block("README.md", "services"),
    "docs/containers.md": lambda copy, name: f"`edgeloop/{name}`" in copy.block("docs/containers.md", "containers of services"),
    "docs/settings.md": lambda copy, name: f"[{name}]" in copy.block("docs/settings.md", "settings of services"),
    "docs/topics.md": lambda copy, name: name in copy.text("docs/topics.md"),
    "docs/asyncapi.yaml": lambda copy, name: name in copy.text("docs/asyncapi.yaml"),
    "table of inputs": lambda copy, name: "`examples`" in copy.block(f"services/{name}/README.md", "consumes"),
    "table of outputs": lambda copy, name: "`gaps`" in copy.block(f"services/{name}/README.md", "produces"),
    "table of settings": lambda copy, name: f"EDGELOOP_{name.upper()}_LEAST_ROWS" in copy.block(f"services/{name}/README.md", "settings"),
    "packages of the command line": lambda copy, name: f"edgeloop-{name}" in copy.block("cli/pyproject.toml", "services"),
    "cores of import-linter": lambda copy, name: f"edgeloop_{name}.core" in copy.block("pyproject.toml", "cores of services"),
    "shells of import-linter": lambda copy, name: f"edgeloop_{name}.handlers" in copy.block("pyproject.toml", "shells of services"),
    **{
        f"import-linter: {block}": lambda copy, name, block=block: f"edgeloop_{name}" in copy.block("pyproject.toml", block)
        for block in BLOCKS
    },
    "edgeloop up": lambda copy, name: name in copy.printed("from edgeloop_cli.processes import SERVICES; print(*SERVICES)"),
    "rights": lambda copy, name: (
        f"edgeloop-{name}" in copy.printed("from edgeloop_cli.topics_access import grants; print(*(g.user for g in grants('')))")
    ),
    "services that halt": lambda copy, name: name in copy.printed("from edgeloop_cli.topics_access import HALTING; print(*HALTING)"),
    "make test": lambda copy, name: (
        f"services/{name}" in copy.printed("import sys; sys.path.insert(0, 'tools'); import test; print(*test.SHORT)")
    ),
    "make init": lambda copy, name: f"services/{name}/" in copy.run("make", "--print-data-base", "--question", "help").stdout,
}


@pytest.mark.parametrize("name", [TOY, SINK])
@pytest.mark.parametrize("place", LISTS)
def test_every_list_takes_a_new_service(copy: Copy, place: str, name: str) -> None:
    assert LISTS[place](copy, name), f"{place} lacks {name}"


def test_a_service_with_state_has_its_topics_and_one_without_has_none(copy: Copy) -> None:
    names = copy.printed("from edgeloop_contracts import topics; print(*(topic.name for topic in topics.all_topics()))")
    assert {"toy.state", "deadletters.toy", "redrive.toy"} <= set(names)
    assert not [name for name in names if SINK in name]
    assert copy.printed("from edgeloop_contracts.topics import STATE_KINDS; print(*STATE_KINDS)").count(SINK) == 0


def test_what_is_generated_is_up_to_date_and_the_architecture_holds(copy: Copy) -> None:
    for tool in ("generate.py", "generate_services.py", "generate_settings.py", "generate_topics.py"):
        done = copy.python(f"tools/{tool}", "--check")
        assert done.returncode == 0, done.stderr
    done = copy.run(str(Path(sys.executable).parent / "lint-imports"), "--no-cache")
    assert done.returncode == 0, done.stdout[-2000:]
    done = copy.python("-m", "ruff", "check", f"services/{TOY}", f"services/{SINK}")
    assert done.returncode == 0, done.stdout


def test_new_services_pass_their_tests_and_those_of_every_service(copy: Copy) -> None:
    every = ["tests/architecture/test_topics_and_services.py", "tests/architecture/test_help_of_services.py"]
    compose = ["tests/integration/test_compose.py", "services/monitoring/tests/test_observability_files.py"]
    done = copy.python("-m", "pytest", "-q", f"services/{TOY}", f"services/{SINK}", *every, *compose)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "make new-service NAME="),
        ("Toy", "small letters"),
        ("my-service", "small letters"),
        ("class", "Python"),
        ("drift", "services/drift is there already"),
        ("kafka", "edgeloop_kafka is a library already"),
        ("cli", "edgeloop_cli is the command line already"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_in_one_line_before_anything_is_written(copy: Copy, name: str, told: str) -> None:
    before = sorted(path.name for path in (copy.folder / "services").iterdir())
    done = copy.python("tools/new_service.py", name)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in (copy.folder / "services").iterdir()) == before
