"""A git repository as a source: pages of one branch, compared by the hashes that git has of them.

Nothing is checked out. A bare mirror holds commits and folders, and of the files only those that were asked
for, where the server can leave files out; so a tree that is as it was costs one fetch and no reading. The
mirror lies in the folder that `cache` names, else in a temporary one that goes with the source.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ingest.media import MARKDOWN, by_name
from ingest.sources.git_program import GitFailed, Program
from ingest.sources.secret import secret
from ingest.sources.source import Failed, Fetched, Found, Gone, Listing, Unchanged
from knowledge.errors import KnowledgeError, SourceUnreadable

OPTIONS = frozenset({"path", "branch", "cache", "token", "history"})
LARGEST = 20_000_000
"""Bytes of a file. Extraction has limits of its own; this one keeps a film that is named `.md` out."""
TOGETHER = 64
"""Files read from the mirror at once."""
FEW = 200
"""Up to so many changed files git is asked for their history alone; beyond, it is quicker to ask for all."""

_TIP = "refs/stepfour/tip"
_PASSED_OVER = frozenset({"node_modules", "__pycache__"})
_BRANCH = re.compile(r"(?!-)[^\x00-\x20\x7f~^:?*\[\\]+")
_SCP = re.compile(r"(?!-)[\w.-]+@(?!-)([\w.-]+):(?!-)\S+")
_URL = re.compile(r"(https|ssh)://(?!-)(?:[\w.-]+@(?!-))?([\w.-]+|\[[0-9A-Fa-f:]+\])(:\d+)?/\S+")
_HOSTED = {"github.com": "blob", "gitlab.com": "-/blob"}
_POINTER = b"version https://git-lfs.github.com/spec/"


class _Place(NamedTuple):
    """What a location means."""

    remote: str
    protocol: str
    web: str
    """Where its files are shown to people, or empty."""


class Git:
    """Options: `path` (a folder or file), `branch`, `cache` (folder of the mirror), `token` (`env:NAME`, for
    https) and `history=no` (only the newest commit is fetched, and when a page changed is not known)."""

    def __init__(self, location: str, options: Mapping[str, str]) -> None:
        if unknown := sorted(options.keys() - OPTIONS):
            raise KnowledgeError(
                f"A git source has no option `{unknown[0]}`. It has {', '.join(sorted(OPTIONS))}."
            )
        self._branch = _branch(options.get("branch", ""))
        self._place = _place(location, self._branch)
        self._folder = _folder(options.get("path", ""))
        self._dated = options.get("history", "yes") != "no"
        token = secret(options["token"]) if "token" in options else None
        if token and self._place.protocol != "https":
            raise KnowledgeError("A token goes with an https:// location. For ssh give the service a key.")
        key = hashlib.sha256(f"{self._place.remote}\n{self._branch}\n{self._dated}".encode()).hexdigest()[:16]
        cache = Path(options["cache"]).resolve() if options.get("cache") else _temporary(self)
        self._git = Program(cache / key, self._place.remote, self._place.protocol, token)
        self._names: dict[str, str] = {}
        """path -> path from the top of the repository."""
        self._blobs: dict[str, str] = {}
        """path -> hash, of what is there."""
        self._waiting: list[str] = []
        """Paths that are likely to be fetched, in their order."""
        self._brought = False
        """Whether their bytes are in the mirror."""
        self._modified: dict[str, datetime] = {}
        self._read: dict[str, bytes | Failed] = {}

    def listing(self, known: Mapping[str, str]) -> Listing:
        try:
            entries = self._tree()
        except GitFailed as error:
            raise SourceUnreadable(_reason(self._place.remote, self._branch, error)) from None
        except OSError as error:
            raise SourceUnreadable(
                f"The mirror of {self._place.remote} cannot be written ({error.strerror}). "
                "Check the folder that `cache` names, and its disk."
            ) from None
        listing, self._names = _listing(entries, self._folder)
        if not listing.found and self._folder and not entries:
            where = f"branch {self._branch}" if self._branch else "its main branch"
            raise SourceUnreadable(
                f"{self._place.remote} has no `{self._folder}` on {where}. Check the option `path`."
            )
        self._blobs = {found.path: found.stamp for found in listing.found}
        self._expect([found.path for found in listing.found if known.get(found.path) != found.stamp])
        return listing

    def fetch(self, found: Found, stamp: str) -> Fetched | Unchanged | Gone | Failed:
        blob = self._blobs.get(found.path)
        if blob is None:
            return Gone()
        if stamp == blob:
            return Unchanged()
        if found.path not in self._read:
            try:
                self._read_on(found.path)
            except GitFailed as error:
                return Failed(f"{found.path}: {_reason(self._place.remote, self._branch, error)}")
        raw = self._read.pop(found.path)
        if isinstance(raw, Failed):
            return raw
        return Fetched(
            raw,
            by_name(found.path) or MARKDOWN,
            modified=self._modified.get(found.path),
            stamp=blob,
            url=self._url(found.path),
        )

    def _tree(self) -> list[_Entry]:
        """What is at the tip now. A mirror that is damaged is made anew, once."""
        try:
            return self._newest()
        except GitFailed:
            if self._git.sound():
                raise
        self._git.forget()
        return self._newest()

    def _newest(self) -> list[_Entry]:
        self._git.open()
        self._git.update(self._branch or None, _TIP, history=self._dated)
        return _entries(self._git.run("ls-tree", "-r", "-z", "--full-tree", _TIP, "--", *self._inside()))

    def _inside(self) -> list[str]:
        return [self._folder] if self._folder else []

    def _expect(self, paths: Sequence[str]) -> None:
        """Gets what these need from the server, all together, and when each was changed."""
        self._waiting = list(paths)
        self._brought = False
        self._read.clear()
        with contextlib.suppress(GitFailed):  # the first fetch tries again, and says what is wrong
            self._bring()
        if not self._dated or not paths:
            return
        wanted = {self._names[path]: self._blobs[path] for path in paths}
        dates = self._git.dates(_TIP, wanted, list(wanted) if len(wanted) <= FEW else self._inside())
        self._modified = {path: dates[name] for path in paths if (name := self._names[path]) in dates}

    def _bring(self) -> None:
        if self._waiting and not self._brought:
            self._git.bring(_TIP, {self._blobs[path] for path in self._waiting})
            self._brought = True

    def _read_on(self, path: str) -> None:
        """Reads this one and those that come after it."""
        if path not in self._waiting:
            # It is as it was and is asked for all the same: all are to be read anew, with their dates.
            self._expect(list(self._blobs))
        self._bring()
        start = self._waiting.index(path)
        names = self._waiting[start : start + TOGETHER]
        raw = self._git.blobs([self._blobs[name] for name in names], LARGEST)
        self._read = {name: _page(name, raw.get(self._blobs[name])) for name in names}

    def _url(self, path: str) -> str:
        from urllib.parse import quote

        if not self._place.web:
            return ""
        return f"{self._place.web}/{quote(self._branch or 'HEAD')}/{quote(self._names[path])}"


class _Entry(NamedTuple):
    mode: str
    blob: str
    path: bytes


def _entries(raw: bytes) -> list[_Entry]:
    entries = []
    for line in raw.split(b"\0"):
        if line:
            head, _, path = line.partition(b"\t")
            mode, _, blob = head.decode().split(" ")
            entries.append(_Entry(mode, blob, path))
    return entries


def _listing(entries: Sequence[_Entry], folder: str) -> tuple[Listing, dict[str, str]]:
    """And where each page is from the top of the repository."""
    names: dict[str, str] = {}
    found: list[Found] = []
    refused: list[tuple[str, str]] = []
    for entry in entries:
        try:
            full = entry.path.decode()
        except UnicodeDecodeError:
            full = ""
        if not full or not full.isprintable():
            shown = entry.path.decode(errors="replace")
            name = "".join(char if char.isprintable() else "\ufffd" for char in shown)
            refused.append((name, f"{name}: its name is not plain text. Rename the file."))
            continue
        path = _relative(full, folder)
        parts = path.split("/")
        if any(part.startswith(".") or part in _PASSED_OVER for part in parts):
            continue
        if reason := _never(entry.mode, path):
            refused.append((path, f"{path}: {reason}"))
        elif by_name(path) and entry.mode.startswith("100"):
            found.append(Found(path, entry.blob))
            names[path] = full
    return Listing(found, [], refused), names


def _never(mode: str, path: str) -> str:
    """Why an entry that may hold pages is not followed, or empty."""
    if mode == "160000":
        return "a submodule, another repository. Add that repository as a source of its own."
    if mode == "120000" and (by_name(path) or not PurePosixPath(path).suffix):
        # It may point anywhere, and what it points to inside the repository is listed already.
        return "a symbolic link. Commit the file itself."
    return ""


def _page(path: str, raw: bytes | None) -> bytes | Failed:
    if raw is None:
        size = f"{LARGEST // 1_000_000} MB"
        return Failed(f"{path}: larger than {size}, or not on the server. Make it smaller, and sync again.")
    if raw.startswith(_POINTER) and len(raw) < 1024:
        return Failed(f"{path}: a pointer of Git LFS, not the file. Commit pages without LFS.")
    return raw


def _relative(full: str, folder: str) -> str:
    if full == folder:
        return PurePosixPath(full).name
    return full[len(folder) + 1 :] if folder else full


def _branch(given: str) -> str:
    dotted = ".." in given or "@{" in given or given.endswith((".lock", "/", "."))
    if given and (dotted or not _BRANCH.fullmatch(given)):
        raise KnowledgeError(f"`{given}` is no name of a branch. Give the name as `git branch` shows it.")
    return given


def _folder(given: str) -> str:
    parts = [part for part in given.split("/") if part not in {"", "."}]
    if ".." in parts or "\0" in given:
        raise KnowledgeError(f"`{given}` leads out of the repository. Give a folder in it, such as `docs`.")
    return "/".join(parts)


def _place(location: str, branch: str) -> _Place:
    what = "Give an https:// or ssh:// address, git@host:name, or a folder that holds a repository."
    if location.startswith("-") or "::" in location or not location or not location.isprintable():
        raise KnowledgeError(f"`{location!r}` is no place of a git repository. {what}")
    if re.match(r"https?://[^/]*@|\w+://[^/]*:[^/]*@", location):
        raise KnowledgeError("A location with a secret in it would be stored. Use the option token=env:NAME.")
    if match := _URL.fullmatch(location):
        return _Place(location, match[1], _web(match[2], location.split("/", 3)[3]))
    if match := _SCP.fullmatch(location):
        return _Place(location, "ssh", _web(match[1], location.split(":", 1)[1]))
    path = location.removeprefix("file://")
    if "://" in path:
        raise KnowledgeError(f"{location}: this protocol is not used. {what}")
    if not Path(path).is_dir():
        raise KnowledgeError(f"{path} is not a folder. {what}")
    return _Place(str(Path(path).resolve()), "file", "")


def _web(host: str, name: str) -> str:
    blob = _HOSTED.get(host.lower())
    return f"https://{host.lower()}/{name.strip('/').removesuffix('.git')}/{blob}" if blob else ""


def _temporary(owner: object) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="stepfour-git-"))
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return folder


def _reason(remote: str, branch: str, error: GitFailed) -> str:
    said = error.said.lower()
    if error.late:
        return f"{remote} took longer than {error.late} seconds. Try again, or with the option history=no."
    if "couldn't find remote ref" in said:
        missing = f"no branch {branch}" if branch else "no commit yet"
        return f"{remote} has {missing}. Check the option `branch`."
    if "dubious ownership" in said:
        return f"{remote} belongs to another user of this machine. Let the service's user own it."
    if "does not appear to be a git repository" in said or "not found" in said:
        return f"There is no git repository at {remote}, or it is private. Check address and token."
    if "could not read username" in said or "authentication failed" in said or "permission denied" in said:
        return f"{remote} asks who you are. Give token=env:NAME for https, or the service a key for ssh."
    if "error: 301" in said or "error: 302" in said or "redirect" in said:
        return f"{remote} has moved. Give its new address."
    return f"git could not read {remote}: {error.said or 'it said nothing'}. Check address and network."
