"""Copies a SQLite store while servers use it: its database, that of its files, and its secret key.

Each database is copied as it is at one moment, by SQLite's own means, so that no transaction is half in the copy. The
responses come first: whatever file they name was there before, and so is in the copy of the files, unless it has been
deleted meanwhile. Nothing is overwritten, nothing is made beside the store, and only its owner may read a copy. A copy
has its name once it is whole.
Source: SQLite docs, Online Backup API.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from adapter.store.files import files_path


class BackupError(Exception):
    """The store could not be copied; the text says why."""


def back_up(store: str, folder: Path) -> list[Path]:
    """Copy the store at a path into a folder, which is made if it is missing; return the copies.

    Raises BackupError.
    """
    path = Path(store).absolute()
    databases = [path, *(one for one in [files_path(store)] if one.exists())]
    key = path.with_name(f"{path.name}.key")
    copies = [folder / one.name for one in (*databases, key)]
    for copy in copies:
        if copy.exists():
            raise BackupError(f"{copy} exists, and stays as it is. Name a folder without a backup.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for database in databases:
            _copy_database(database, folder / database.name)
        if not key.exists():
            return copies[:-1]
        _write(copies[-1], key.read_bytes())
    except OSError as error:
        raise BackupError(f"{error.filename or folder}: {error.strerror}.") from None
    return copies


def _copy_database(path: Path, copy: Path) -> None:
    """Copy one database; leave nothing behind if that fails."""
    partial = copy.with_name(f"{copy.name}.partial")
    try:
        _write(partial, b"")
        # mode=rw never makes a database; and a store whose server was killed may have to be recovered first.
        url = f"{path.as_uri()}?mode=rw"
        with closing(sqlite3.connect(url, uri=True)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        partial.rename(copy)
    except sqlite3.Error as error:
        raise BackupError(f"{path} could not be copied to {copy.parent}: {error}.") from None
    finally:
        partial.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
