"""The folder of the embedded store: its files, who may read it, where its socket is; it must not know processes.

lock          held by the one server that supervises the store
users.lock    shared by every server that uses the store; who gets it alone is the last one
store.lock    held by the store itself (inherited at its start): taken means that a store lives here
store.json    socket and process id of the living store
written-by    the program that last had these data open
store.log, store.sock, appendonlydir/
"""

import errno
import hashlib
import json
import os
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from headrace_server.store.refusal import StoreRefused

SOCKET_PATH_BYTES: Final = 100  # the kernel has room for 107 and the terminating zero
LOG_BYTES: Final = 8 * 1024 * 1024
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Record:
    """What a server that finds the store alive must know of it."""

    socket: str
    pid: int | None = None  # None: about to be started


class DataDir:
    """One data directory."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.lock = self.path / "lock"
        self.users_lock = self.path / "users.lock"
        self.store_lock = self.path / "store.lock"
        self.log = self.path / "store.log"
        self._record = self.path / "store.json"
        self._written_by = self.path / "written-by"

    def prepare(self) -> None:
        """Make the folder, readable for its owner only.

        Raises StoreRefused where it cannot be made, belongs to somebody else, or is a folder of other things that
        others may read: closing /tmp or a home for everybody else is not ours to do.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.path.stat()
            if found.st_uid != os.geteuid():
                raise self._refused("belongs to another user")
            if found.st_mode & _OTHERS:
                self._close_to_others()
            if not os.access(self.path, os.W_OK | os.X_OK):
                raise self._refused("cannot be written by this user")
        except OSError as error:
            raise self.unusable(error) from error

    def socket(self) -> Path:
        """Return where a store of this folder listens: in it, or in a private short folder if its path is too long."""
        near = self.path / "store.sock"
        if len(os.fsencode(near)) <= SOCKET_PATH_BYTES:
            return near
        return self._private_folder() / "store.sock"

    def read_record(self) -> Record | None:
        """Return the record of the last start; None when there is none."""
        try:
            return Record(**json.loads(self._record.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write_record(self, record: Record) -> None:
        """Replace the record as a whole, so that no reader sees half of it."""
        _replace(self._record, json.dumps(asdict(record)))

    def read_written_by(self) -> tuple[str, str] | None:
        """Return name and version of the program that last had these data open; None when that is not known."""
        try:
            name, version = self._written_by.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return name, version

    def write_written_by(self, name: str, version: str) -> None:
        """Remember the program that has these data open."""
        _replace(self._written_by, f"{name} {version}\n")

    def clean(self) -> None:
        """Remove what a store that has ended leaves behind: record, socket, the socket's private folder."""
        record = self.read_record()
        self._record.unlink(missing_ok=True)
        socket = Path(record.socket) if record else self.socket()
        socket.unlink(missing_ok=True)
        if socket.parent != self.path:
            socket.parent.rmdir()

    def rotate_log(self) -> None:
        """Keep the log of the store bounded: one old file beside the new one."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))

    def unusable(self, error: OSError) -> StoreRefused:
        """Return the refusal for what the operating system says of this folder: no space, no permission, no locks."""
        refused = self._refused(f"cannot be used: {error.strerror}")
        if error.errno in (errno.ENOSPC, errno.EDQUOT):  # another folder would begin without the jobs of this one
            refused = StoreRefused(refused.message, "Free some space there and start again; no accepted job is lost.")
        return refused

    def _close_to_others(self) -> None:
        entries = {entry.name for entry in self.path.iterdir()}
        if entries and self.store_lock.name not in entries:
            raise self._refused("holds other things and may be read by other users")
        self.path.chmod(0o700)

    def _private_folder(self) -> Path:
        digest = hashlib.blake2b(os.fsencode(self.path.resolve()), digest_size=8).hexdigest()
        folder = Path(tempfile.gettempdir()) / f"headrace-{os.geteuid()}-{digest}"
        if len(os.fsencode(folder / "store.sock")) > SOCKET_PATH_BYTES:
            raise StoreRefused(
                f"There is no room for the store's socket: both {self.path} and {folder} are longer than "
                f"{SOCKET_PATH_BYTES} bytes, and a unix socket cannot have such a path.",
                "Use a shorter --data-dir (HEADRACE_DATA_DIR), or set TMPDIR to a shorter folder.",
            )
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        # anybody may make a folder of this name in a shared temp directory before us
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
            raise StoreRefused(
                f"{folder} is not private to this user, so somebody else could listen in the store's place.",
                "Remove it, or use a --data-dir whose path is shorter than 90 bytes.",
            )
        return folder

    def _refused(self, fact: str) -> StoreRefused:
        return StoreRefused(
            f"The data directory {self.path} {fact}.",
            "Mend that, or choose another one with --data-dir (HEADRACE_DATA_DIR): a new or empty folder of this user.",
        )


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w") as out:
        out.write(text)
    fresh.replace(path)
