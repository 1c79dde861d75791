"""Errors of commands, and their exit codes."""

from __future__ import annotations

import errno
import sys
from collections.abc import Generator
from contextlib import contextmanager

import typer
from edgeloop_errors import EdgeloopError, FatalError, InvalidError

BAD_INPUT = 2
FAILED = 1
INTERRUPTED = 130
_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST})


class RefusedError(InvalidError):
    """A request that cannot be carried out as given; the message is one line for a person. Exit code 2."""


class FailedError(FatalError):
    """It went wrong on the way; the message says what and where to look. Exit code 1."""


@contextmanager
def exit_on_error() -> Generator[None]:
    """Turn what may go wrong into a line on standard error and an exit code."""
    try:
        yield
    except InvalidError as error:
        _end(error, BAD_INPUT)
    except EdgeloopError as error:
        _end(error, FAILED)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except TimeoutError as error:
        _end(error, FAILED)
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        _end(FailedError(f"{error.filename or 'writing'}: {error.strerror}"), FAILED)
    except Exception as error:  # those of the cluster are told in a line, all others are faults of ours
        from edgeloop_readers.topic_scan import ClientError

        if not isinstance(error, ClientError):
            raise
        _end(_in_words(error), FAILED)


def _in_words(error: Exception) -> Exception:
    """The Kafka client's errors print as what they are made of; a person wants what they say."""
    said = getattr(error.args[0], "str", None) if error.args else None
    return FailedError(f"Kafka: {said()}; is it running, and is this its address?") if callable(said) else error


def _end(error: Exception, code: int) -> None:
    print(f"edgeloop: {error}", file=sys.stderr)
    raise typer.Exit(code) from None
