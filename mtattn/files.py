"""Files and folders that are written whole or not at all; what names their bytes."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mtattn.errors import OutputError


@contextmanager
def open_whole(*paths: Path, before: Path | None = None) -> Iterator[list[BinaryIO]]:
    """Open files to be written aside; when all is well with all of them they are synced and take their names.

    Args:
        paths: of the files, each another one. A device or a pipe is written to as it is; a link stays a link.
        before: the name that the file which stands at the first path is kept by; None = it is not kept.

    Yields:
        The files, for bytes.

    Raises:
        OutputError: one cannot be written; what stood there before still stands.
    """
    places: list[tuple[Path, Path]] = []  # where each file is written, and what it is called in the end
    try:
        for path in paths:
            if path.exists() and not path.is_file():
                places.append((path, path))
            else:
                whole = Path(os.path.realpath(path))
                places.append((_aside(whole), whole))
        with ExitStack() as stack:
            files: list[BinaryIO] = []
            for aside, whole in places:
                if aside != whole:
                    aside.unlink(missing_ok=True)  # of an attempt that was killed; or a link, not to be followed
                files.append(stack.enter_context(aside.open("wb" if aside == whole else "xb")))
            yield files
            for file, (aside, whole) in zip(files, places, strict=True):
                file.flush()
                if aside != whole:
                    os.fsync(file.fileno())
        if before and paths[0].exists():
            places[0][1].replace(before)
        for aside, whole in places:
            if aside != whole:
                aside.replace(whole)
                _sync_folder(whole.parent)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot be written ({error.strerror})",
            where=",".join(map(str, paths)),
            fix="make room for it, or name another place",
        ) from error
    finally:
        for aside, whole in places:
            if aside != whole:
                with suppress(OSError):
                    aside.unlink()


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder down to the disk, where its file system knows how."""
    with suppress(PermissionError):  # a folder that may be written to and not read; any folder on Windows
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems of other machines
                raise
        finally:
            os.close(descriptor)


def forget_attempt(path: Path) -> None:
    """Delete what an attempt to write a file left that was killed."""
    _aside(path).unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, before: Path | None = None) -> None:
    """Write a file whole or not at all: aside, synced, then renamed.

    Args:
        path: of the file.
        data: all of it.
        before: see `open_whole`.

    Raises:
        OutputError: see `open_whole`.
    """
    with open_whole(path, before=before) as (file,):
        file.write(data)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Make a folder aside; when all is well its files are synced and it takes its name.

    Args:
        path: of the folder. A folder that stands there is replaced, its files with it.

    Yields:
        Where the files are to be written.

    Raises:
        OutputError: it cannot be written; what stood there before still stands.
    """
    path = Path(os.path.realpath(path))
    aside, before = _aside(path), path.with_name(f".{path.name}.before")
    try:
        shutil.rmtree(aside, ignore_errors=True)  # of an attempt that was killed
        aside.mkdir(parents=True)
        yield aside
        for file in aside.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        _sync_folder(aside)
        shutil.rmtree(before, ignore_errors=True)
        if path.exists():
            path.rename(before)
        aside.rename(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(
            f"cannot be written ({error.strerror})", where=path, fix="make room for it, or name another place"
        ) from error
    finally:
        with suppress(OSError):  # where it may not even be looked at, nothing was begun
            if before.exists() and not path.exists():
                before.rename(path)
        shutil.rmtree(before, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


def file_sha256(path: Path) -> str:
    """Name a file's bytes: their SHA-256, as `sha256sum` writes it.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
