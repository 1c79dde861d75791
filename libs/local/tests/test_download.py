"""Downloads, from a Maven repository on the loopback interface that misbehaves."""

from __future__ import annotations

import errno
import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest
import requests
from edgeloop_local.download import Downloader
from edgeloop_local.errors import ChecksumMismatchError, DiskFullError, DownloadError
from edgeloop_local.pins import Pin
from edgeloop_local.ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 4096
PIN = Pin("org.example", "tool", "1.0", "all", "tar.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
PATH = "/org/example/tool/1.0/tool-1.0-all.tar.gz"


class Repository(BaseHTTPRequestHandler):
    """Answers by a script: each entry is a status, or how many bytes to send before hanging up."""

    protocol_version = "HTTP/1.1"
    script: ClassVar[list[str]] = []
    asked: ClassVar[list[str]] = []
    content: ClassVar[bytes] = CONTENT

    def do_GET(self) -> None:
        self.asked.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        step = self.script.pop(0) if self.script else "all"
        if step.startswith("status "):
            self.send_error(int(step.removeprefix("status ")))
            return
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found else 0
        body = self.content[start:]
        self.send_response(206 if found else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if step.startswith("cut "):
            self.wfile.write(body[: int(step.removeprefix("cut "))])
            self.close_connection = True
            return
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def repository() -> Iterator[tuple[type[Repository], str]]:
    Repository.script, Repository.asked, Repository.content = [], [], CONTENT
    with ThreadingHTTPServer((LOOPBACK, 0), Repository) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Repository, f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # the machine's proxy knows nothing of our loopback
        yield session


def ignore(_count: int) -> None:
    pass


def test_a_file_lies_where_every_maven_repository_has_it(
    repository: tuple[type[Repository], str], session: requests.Session, tmp_path: Path
) -> None:
    server, address = repository
    counts: list[int] = []
    Downloader({"here": address}, session).fetch(PIN, tmp_path / "tool", counts.append)
    assert (tmp_path / "tool").read_bytes() == CONTENT
    assert server.asked == [PATH]
    assert sum(counts) == PIN.size


def test_a_download_that_is_cut_off_goes_on_where_it_ended(
    repository: tuple[type[Repository], str], session: requests.Session, tmp_path: Path
) -> None:
    server, address = repository
    server.script = ["cut 300000", "status 503"]
    Downloader({"here": address}, session, pause=0.01).fetch(PIN, tmp_path / "tool", ignore)
    assert (tmp_path / "tool").read_bytes() == CONTENT
    assert server.asked[0] == PATH
    assert re.fullmatch(rf"{PATH} bytes=[1-9]\d+-", server.asked[-1])


def test_what_has_the_wrong_digest_is_thrown_away(
    repository: tuple[type[Repository], str], session: requests.Session, tmp_path: Path
) -> None:
    server, address = repository
    server.content = CONTENT[::-1]
    with pytest.raises(ChecksumMismatchError, match="SHA-256"):
        Downloader({"here": address}, session).fetch(PIN, tmp_path / "tool", ignore)
    assert list(tmp_path.iterdir()) == []


def test_a_remainder_of_something_else_is_not_mistaken_for_the_file(
    repository: tuple[type[Repository], str], session: requests.Session, tmp_path: Path
) -> None:
    _, address = repository
    (tmp_path / "tool.part").write_bytes(b"something else")
    with pytest.raises(ChecksumMismatchError):
        Downloader({"here": address}, session).fetch(PIN, tmp_path / "tool", ignore)
    Downloader({"here": address}, session).fetch(PIN, tmp_path / "tool", ignore)
    assert (tmp_path / "tool").read_bytes() == CONTENT


def test_a_missing_file_is_not_asked_for_twice_and_the_next_repository_is_tried(
    repository: tuple[type[Repository], str], session: requests.Session, tmp_path: Path
) -> None:
    server, address = repository
    server.script = ["status 404"]
    Downloader({"first": address, "second": f"{address}/"}, session).fetch(PIN, tmp_path / "tool", ignore)
    assert server.asked == [PATH, PATH]
    assert (tmp_path / "tool").exists()


def test_a_failure_says_what_where_why_and_what_to_do(session: requests.Session, tmp_path: Path) -> None:
    nobody = f"http://{LOOPBACK}:{free_port()}"
    with pytest.raises(DownloadError) as failed:
        Downloader({"central": nobody}, session, pause=0.01).fetch(PIN, tmp_path / "tool", ignore)
    text = str(failed.value)
    assert "tool-1.0-all.tar.gz from the Maven repository 'central'" in text
    assert "refused" in text
    assert "HTTPS_PROXY" in text
    assert "EDGELOOP_KAFKA_BOOTSTRAP" in text
    assert "\n" not in text


def test_a_full_disk_is_told_as_such_and_leaves_nothing(
    repository: tuple[type[Repository], str], session: requests.Session, tmp_path: Path
) -> None:
    _, address = repository

    def disk_full(_count: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError, match="free some space"):
        Downloader({"here": address}, session).fetch(PIN, tmp_path / "tool", disk_full)
    assert list(tmp_path.iterdir()) == []
