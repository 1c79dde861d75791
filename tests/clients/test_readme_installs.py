"""The install lines of the READMEs, typed by somebody with nothing but Python."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.clients
ROOT = Path(__file__).resolve().parents[2]
LINES = {
    path.parent.name: line
    for path in sorted(ROOT.glob("services/*/README.md"))
    for line in re.findall(r"^pip install (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def pip(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1_200)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with nothing but pip."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder / "bin" / "python"


def local(line: str) -> set[str]:
    """Names of our packages that a line installs."""
    folders = [ROOT / word for word in line.split()]
    return {tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"] for folder in folders}


def test_each_service_that_tells_how_to_run_it_alone_has_a_line() -> None:
    alone = {path.parent.name for path in ROOT.glob("services/*/README.md") if "## Run it alone" in path.read_text(encoding="utf-8")}
    assert alone <= LINES.keys()


@pytest.mark.parametrize("service", sorted(LINES))
def test_an_install_line_brings_everything_of_ours_and_resolves(bare: Path, service: str, tmp_path: Path) -> None:
    line = LINES[service]
    needed, ours = local(line), {path.parent.name for path in ROOT.glob("libs/*/pyproject.toml")}
    for folder in line.split():
        found = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
        libraries = {name for name in (re.split(r"[ <>=\[]", one)[0] for one in found) if name.removeprefix("edgeloop-") in ours}
        assert libraries <= needed, f"{folder} needs {libraries - needed}, which the line does not name"
    report = tmp_path / "report.json"
    done = pip(bare, "install", "--quiet", "--dry-run", "--ignore-installed", "--report", str(report), *line.split())
    assert done.returncode == 0, done.stderr[-2_000:]
    resolved = {one["metadata"]["name"]: one for one in json.loads(report.read_text(encoding="utf-8"))["install"]}
    # All our packages come from this repository.
    assert all(one["download_info"]["url"].startswith("file:") for name, one in resolved.items() if name.startswith("edgeloop"))


def test_the_trainers_line_gives_a_trainer_that_fits_every_family(bare: Path) -> None:
    done = pip(bare, "install", "--quiet", *LINES["trainer"].split())
    assert done.returncode == 0, done.stderr[-2_000:]
    script = """
        import numpy as np
        from edgeloop_trainer.io.fit import fit
        from edgeloop_trainer.core.families import CLASSIFIERS, REGRESSORS
        from edgeloop_trainer.core.fit_job import FitJob
        from edgeloop_trainer.core.fit_result import Failed
        from edgeloop_trainer.core.recipe import Recipe

        rows = np.random.default_rng(1).normal(size=(200, 4)).astype(np.float32)
        for families, numbers in ((CLASSIFIERS, False), (REGRESSORS, True)):
            truth = rows[:, 0] * 3.0 if numbers else (rows[:, 0] > 0).astype(np.int64)
            for family in sorted(families):
                found = fit(FitJob("d", rows, truth, () if numbers else ("no", "yes"), None, Recipe(family, trees=5)))
                if isinstance(found, Failed):
                    print(family, found.reason)
        import edgeloop_trainer.app
    """
    ran = subprocess.run([str(bare), "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False, timeout=600)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
