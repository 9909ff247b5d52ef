"""Whole files or none, locks, and lines of JSON.

Nothing else in the project writes under a final name, renames or locks.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import time
import uuid

import numpy as np

# Of Linux, for renameat2: names as they are, and a swap.
_AT_FDCWD, _EXCHANGE = -100, 2


@contextlib.contextmanager
def unfinished(path):
    """A scope that makes a file or a folder, which has its name when whole.

    Args:
        path: What is there already stays until the end, and is then replaced.

    Yields:
        The path to write to meanwhile; after an error nothing is left of it.

    Raises:
        OSError: It could not be written; it names `path`.
    """
    path = pathlib.Path(path)
    temporary = make_temporary_path(path)
    with removed_on_error(temporary, path):
        yield temporary
        commit(temporary, path)


@contextlib.contextmanager
def removed_on_error(temporary, path):
    """A scope after whose error nothing is left, and which names `path`."""
    try:
        yield
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError) and not error.filename:
            error.filename = str(path)
        raise


@contextlib.contextmanager
def open_atomically(path):
    """A scope with a binary file, which has its name only when it is whole.

    See `unfinished`.
    """
    with unfinished(path) as temporary, open(temporary, "wb") as file:
        yield file


def commit(temporary, path):
    """Gives a finished file or folder its name, and survives a power cut.

    Args:
        temporary: What `make_temporary_path` returned, written and closed.
        path: The final one. What is there already is replaced.
    """
    for parent, _, names in os.walk(temporary):
        for name in names:
            _sync(os.path.join(parent, name))
        _sync(parent)
    if path.is_dir():
        if not _exchange(temporary, path):
            # Where the system cannot swap two folders in one step.
            replaced = make_temporary_path(path)
            path.rename(replaced)
            os.rename(temporary, path)
            temporary = replaced
        _remove(temporary)
    else:
        if not os.path.isdir(temporary):
            _sync(temporary)
        os.replace(temporary, path)
    _sync(path.parent)


def write_atomically(path, contents):
    """Writes bytes to `path`, which never holds only a part of them."""
    with open_atomically(path) as file:
        file.write(contents)


def write_json(path, value):
    """Writes a value as indented JSON, all or nothing."""
    write_atomically(path, (json.dumps(value, indent=1) + "\n").encode())


def write_arrays(path, **arrays):
    """Writes an npz file of NumPy arrays, all or nothing."""
    with open_atomically(path) as file:
        np.savez(file, **arrays)


def local_path(path):
    """Returns a path that a user has typed, with `~` for the home folder.

    Raises:
        ValueError: It is an address, such as gs://bucket.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", str(path)):
        raise ValueError(
            "Files must be in a folder of this machine, or mounted into one. "
            f"Received: {path}"
        )
    return pathlib.Path(path).expanduser()


def make_temporary_path(path):
    """Returns a name next to `path` that no other process takes.

    Process ids would not do: machines that share the folder have the same.
    """
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def move(path, other):
    """Gives a file or a folder another name; what had it is removed."""
    _remove(other)
    os.rename(path, other)


def remove_temporary(directory):
    """Removes what killed processes have left unfinished in a folder.

    Only for a folder in which no other process is writing.
    """
    for path in pathlib.Path(directory).glob(".*.tmp"):
        _remove(path)


@contextlib.contextmanager
def locked(path, refuse):
    """A scope in which no other process holds the same lock.

    The system frees it when the process ends, however that comes.

    Args:
        path: Of the lock file, which is made if missing.
        refuse: Called with the owner of the lock in words where there is one;
            returns the words of the error.

    Raises:
        ValueError: Somebody else holds it.
    """
    with _open_locked(path, refuse) as file:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def _lock_patiently(file, tries=20, seconds_between=0.05):
    """Takes a lock, and returns whether it could.

    It tries for a second, as `lock_owner` holds the lock for a moment.
    """
    for number in range(tries):
        if try_lock(file):
            return True
        if number < tries - 1:
            time.sleep(seconds_between)
    return False


def _open_locked(path, refuse):
    """Returns the lock file, locked, which is the one that has its name."""
    while True:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115
        if not _lock_patiently(file):
            file.close()
            raise ValueError(refuse(lock_owner(path) or "a process"))
        # The former owner may have removed the file after it was opened here.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        file.close()


@contextlib.contextmanager
def locked_folder(path):
    """A scope in which no other process holds the folder's lock; it waits."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        take_lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def take_lock(file):
    """Locks an open file, and waits for it if need be."""
    fcntl.flock(file, fcntl.LOCK_EX)


def try_lock(file, shared=False):
    """Locks an open file if that is possible now, and returns whether it is.

    Args:
        file: Opened; its lock ends when it is closed.
        shared: Whether others may share the lock.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def release_lock(file):
    """Gives back the lock of an open file."""
    fcntl.flock(file, fcntl.LOCK_UN)


def lock_owner(path):
    """Returns who holds a lock, in words, or `None` for nobody."""
    try:
        with open(path, encoding="utf-8") as file:
            if not try_lock(file, shared=True):
                return file.read() or "a process"
    except FileNotFoundError:
        pass
    return None


def append_json_line(path, value):
    """Adds a line of JSON to a file, whole or not at all.

    Raises:
        OSError: It does not fit; the file is as it was.
    """
    line = (json.dumps(value) + "\n").encode()
    with open(path, "ab", buffering=0) as file:
        size = file.tell()
        try:
            if file.write(line) == len(line):
                return
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except OSError:
            file.truncate(size)
            raise


def read_json_lines(path):
    """Returns the values of a file of JSON lines; none where it is missing.

    A line that a kill or a power cut has torn is left out.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    values = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            values.append(json.loads(line))
    return values


def _exchange(first, second):
    """Swaps two paths in one step, and returns whether the system can."""
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    names = os.fsencode(first), os.fsencode(second)
    return swap(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE) == 0


def _sync(path):
    """Brings a file or the entries of a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path):
    """Removes a file or a folder, if it is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        pathlib.Path(path).unlink(missing_ok=True)
