"""Repositories made by the git program, read from a folder and from a server on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.sources import git as git_source
from ingest.sources.git import Git
from ingest.sources.source import Failed, Fetched, Found, Gone, Listing, Unchanged
from knowledge.errors import KnowledgeError, SourceUnreadable
from tests.ingest.sources.repositories import GitHost, Repository

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="the program git is not installed")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "docs.git")


def opened(repository: Repository, **options: str) -> Git:
    return Git(str(repository.folder), {"cache": str(repository.folder.parent / "cache"), **options})


def stamps(listing: Listing) -> dict[str, str]:
    return {found.path: found.stamp for found in listing.found}


def alive(pid: int) -> bool:
    """Also false for one that has ended and that nobody has asked about yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def texts(source: Git, listing: Listing) -> dict[str, str]:
    got = {found.path: source.fetch(found, "") for found in listing.found}
    return {
        path: each.raw.decode() if isinstance(each, Fetched) else repr(each) for path, each in got.items()
    }


def dates(source: Git, listing: Listing) -> dict[str, datetime | None]:
    got = {found.path: source.fetch(found, "") for found in listing.found}
    return {path: each.modified for path, each in got.items() if isinstance(each, Fetched)}


def test_pages_of_a_folder_with_their_text_media_and_hash(repository: Repository) -> None:
    repository.write("docs/page.html", "<p>hi</p>")
    repository.write("docs/.hidden/x.md", "no")
    repository.write("docs/node_modules/x.md", "no")
    repository.write("docs/code.py", "no")
    repository.commit(docs__a="# A", docs__sub__b="# B", other="# other")
    source = opened(repository, path="/docs/")
    listing = source.listing({})
    assert [found.path for found in listing.found] == ["a.md", "page.html", "sub/b.md"]
    assert listing.refused == []
    assert listing.unreadable == []
    got = [source.fetch(found, "") for found in listing.found]
    assert [(each.raw, each.media) for each in got if isinstance(each, Fetched)] == [
        (b"# A", "text/markdown"),
        (b"<p>hi</p>", "text/html"),
        (b"# B", "text/markdown"),
    ]
    assert stamps(listing)["a.md"] == repository.git("rev-parse", "main:docs/a.md")


def test_a_single_file_is_a_source_too(repository: Repository) -> None:
    repository.commit(docs__a="# A", b="# B")
    source = opened(repository, path="docs/a.md")
    assert texts(source, source.listing({})) == {"a.md": "# A"}


def test_an_unchanged_tree_costs_one_fetch_and_no_reading(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit(**{f"p{n}": f"# {n}" for n in range(20)})
    known = stamps(opened(repository).listing({}))
    source = opened(repository)
    ran: list[str] = []
    run = source._git.run

    def noted(*arguments: str, given: bytes | None = None, seconds: int = 60) -> bytes:
        ran.append(arguments[0])
        return run(*arguments, given=given, seconds=seconds)

    monkeypatch.setattr(source._git, "run", noted)
    monkeypatch.setattr(source._git, "dates", lambda *a: pytest.fail("no history is read"))
    listing = source.listing(known)
    assert stamps(listing) == known
    assert ran == ["fetch", "ls-tree"]
    assert all(source.fetch(found, found.stamp) == Unchanged() for found in listing.found)
    assert ran == ["fetch", "ls-tree"]


def test_a_page_that_is_as_it_was_can_be_read_anew(repository: Repository) -> None:
    """As when Stepfour reads pages differently from now on."""
    repository.commit(1_600_000_500, a="# A", b="# B")
    known = stamps(opened(repository).listing({}))
    source = Git(str(repository.folder), {})
    listing = source.listing(known)
    assert texts(source, listing) == {"a.md": "# A", "b.md": "# B"}
    assert dates(source, listing) == {"a.md": at(1_600_000_500), "b.md": at(1_600_000_500)}


def test_edit_move_and_delete_are_seen_by_hash(repository: Repository) -> None:
    repository.commit(a="# A", b="# B", c="# C")
    before = stamps(opened(repository).listing({}))
    repository.git("mv", "a.md", "moved.md")
    repository.git("rm", "-q", "c.md")
    repository.commit(1_600_009_000, b="# B2")
    source = opened(repository)
    listing = source.listing(before)
    after = stamps(listing)
    assert set(after) == {"moved.md", "b.md"}
    assert after["moved.md"] == before["a.md"]
    assert after["b.md"] != before["b.md"]
    assert texts(source, listing) == {"moved.md": "# A", "b.md": "# B2"}
    assert source.fetch(Found("c.md", before["c.md"]), "") == Gone()


def test_a_forced_push_is_followed(repository: Repository) -> None:
    repository.commit(a="# first")
    repository.commit(a="# second")
    first = opened(repository)
    assert texts(first, first.listing({})) == {"a.md": "# second"}
    repository.git("reset", "-q", "--hard", "HEAD~1")
    repository.commit(1_600_007_000, a="# another")
    again = opened(repository)
    listing = again.listing({})
    assert texts(again, listing) == {"a.md": "# another"}
    assert dates(again, listing) == {"a.md": at(1_600_007_000)}


def test_dates_are_those_of_the_commit_that_made_the_page_what_it_is(repository: Repository) -> None:
    repository.commit(1_600_000_000, kept="1", side="1", both="1", lost="1", back="1")
    repository.git("checkout", "-q", "-b", "side")
    repository.commit(1_600_001_000, side="2", both="side", lost="side")
    repository.git("checkout", "-q", "main")
    repository.commit(1_600_002_000, both="main", lost="main", back="2")
    repository.commit(1_600_003_000, back="1")
    with pytest.raises(subprocess.CalledProcessError):
        repository.git("merge", "-q", "side")
    repository.write("lost.md", "main")
    repository.commit(1_600_004_000, both="both")
    source = opened(repository)
    assert dates(source, source.listing({})) == {
        "kept.md": at(1_600_000_000),
        "side.md": at(1_600_001_000),
        "lost.md": at(1_600_002_000),  # the other side changed it later, and lost
        "back.md": at(1_600_003_000),
        "both.md": at(1_600_004_000),  # written while merging
    }


@pytest.mark.parametrize("few", [200, 0])
def test_only_changed_pages_need_their_history(
    repository: Repository, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_source, "FEW", few)
    repository.commit(1_600_000_000, docs__a="1", **{"docs__[b]*": "1"})
    known = stamps(opened(repository, path="docs").listing({}))
    repository.commit(1_600_005_000, **{"docs__[b]*": "2", "docs__é ü": "new", "other": "x"})
    source = opened(repository, path="docs")
    listing = source.listing(known)
    assert source._modified == {"[b]*.md": at(1_600_005_000), "é ü.md": at(1_600_005_000)}
    assert texts(source, listing) == {"a.md": "1", "[b]*.md": "2", "é ü.md": "new"}


def test_without_history_one_commit_is_fetched_and_no_date_is_claimed(repository: Repository) -> None:
    repository.commit(a="1")
    repository.commit(a="2")
    source = Git(
        f"file://{repository.folder}", {"cache": str(repository.folder.parent / "c"), "history": "no"}
    )
    listing = source.listing({})
    assert texts(source, listing) == {"a.md": "2"}
    assert dates(source, listing) == {"a.md": None}


def test_links_submodules_and_lfs_pointers_are_refused_with_a_reason(repository: Repository) -> None:
    inner = Repository(repository.folder.parent / "inner")
    inner.commit(x="# X")
    repository.git("submodule", "--quiet", "add", str(inner.folder), "inner")
    (repository.folder / "link.md").symlink_to("/etc/passwd")
    (repository.folder / "folder").symlink_to("/etc")
    repository.write("odd\nname.md", "x")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12\n"
    repository.commit(a="# A", big=pointer)
    source = opened(repository)
    listing = source.listing({})
    assert [found.path for found in listing.found] == ["a.md", "big.md"]
    reasons = dict(listing.refused)
    assert set(reasons) == {"link.md", "folder", "inner", "odd\ufffdname.md"}
    assert "symbolic link" in reasons["link.md"]
    assert "submodule" in reasons["inner"]
    failed = source.fetch(listing.found[1], "")
    assert isinstance(failed, Failed)
    assert "LFS" in failed.reason


def test_a_file_too_large_is_not_read(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_source, "LARGEST", 1000)
    repository.commit(a="# A", big="x" * 1001)
    source = opened(repository)
    got = [source.fetch(found, "") for found in source.listing({}).found]
    assert isinstance(got[0], Fetched)
    assert isinstance(got[1], Failed)
    assert "larger" in got[1].reason


def test_branch_and_folder_that_are_not_there_say_so(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="no commit yet"):
        opened(repository).listing({})
    repository.commit(docs__a="# A")
    repository.git("checkout", "-q", "-b", "next")
    repository.commit(docs__a="# next")
    source = opened(repository, branch="main")
    assert texts(source, source.listing({})) == {"a.md": "# A"} or texts(source, source.listing({})) == {
        "docs/a.md": "# A"
    }
    with pytest.raises(SourceUnreadable, match="no branch old"):
        opened(repository, branch="old").listing({})
    with pytest.raises(SourceUnreadable, match="has no `guide`"):
        opened(repository, path="guide").listing({})
    (tmp_path / "plain").mkdir()
    with pytest.raises(SourceUnreadable, match="no git repository"):
        Git(str(tmp_path / "plain"), {}).listing({})


@pytest.mark.parametrize(
    "location",
    [
        "--upload-pack=touch x",
        "ext::sh -c touch% x",
        "http://github.com/a/b",
        "git://github.com/a/b",
        "https://user:secret@github.com/a/b",
        "https://ghp_secret@github.com/a/b",
        "ssh://git:secret@github.com/a/b",
        "https://-x/a",
        "ssh://-oProxyCommand=x/a",
        "-x@host:a",
        "git@-oProxyCommand=x:a",
        "https://github.com/a\nb",
        "/no/such/folder",
        "",
    ],
)
def test_locations_that_are_refused(location: str) -> None:
    with pytest.raises(KnowledgeError) as error:
        Git(location, {})
    assert "secret@" not in str(error.value)


@pytest.mark.parametrize(
    "options",
    [
        {"branch": "--upload-pack=x"},
        {"branch": "a:refs/heads/b"},
        {"branch": "a b"},
        {"path": "../x"},
        {"depth": "1"},
        {"token": "ghp_secret"},
        {"token": "env:NO_SUCH_NAME"},
    ],
)
def test_options_that_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(KnowledgeError) as error:
        Git("https://github.com/acme/docs", options)
    assert "ghp_secret" not in str(error.value)


def test_git_that_is_not_installed_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KnowledgeError, match="not installed"):
        Git(str(tmp_path), {})


@pytest.mark.parametrize(
    ("location", "branch", "url"),
    [
        ("https://github.com/acme/docs.git", "", "https://github.com/acme/docs/blob/HEAD/docs/a%20b.md"),
        ("git@github.com:acme/docs.git", "v2/x", "https://github.com/acme/docs/blob/v2/x/docs/a%20b.md"),
        (
            "ssh://git@gitlab.com/g/sub/docs",
            "main",
            "https://gitlab.com/g/sub/docs/-/blob/main/docs/a%20b.md",
        ),
        ("https://git.acme.dev/docs", "", ""),
    ],
)
def test_pages_of_known_hosts_have_an_address(location: str, branch: str, url: str) -> None:
    source = Git(location, {"path": "docs", "branch": branch})
    source._names = {"a b.md": "docs/a b.md"}
    assert source._url("a b.md") == url


def test_hooks_and_settings_of_others_are_not_run(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (hooks / name).chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f'[core]\n\thooksPath = {hooks}\n[url "/nowhere"]\n\tinsteadOf = {repository.folder}\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    repository.commit(a="# A")
    source = opened(repository)
    assert texts(source, source.listing({})) == {"a.md": "# A"}
    assert not ran.exists()


def test_a_mirror_that_was_left_locked_or_is_damaged_is_put_right(repository: Repository) -> None:
    repository.commit(a="# A")
    known = stamps(opened(repository).listing({}))
    (mirror,) = (repository.folder.parent / "cache").iterdir()
    for name in ("shallow.lock", "config.lock", "packed-refs.lock"):
        (mirror / name).write_text("")
    (mirror / "refs" / "stepfour" / "tip.lock").write_text("")
    repository.commit(b="# B")
    assert set(stamps(opened(repository).listing(known))) == {"a.md", "b.md"}
    for file in (mirror / "objects").rglob("*"):
        if file.is_file():
            file.chmod(0o644)
            file.write_bytes(file.read_bytes()[:20])
    source = opened(repository)
    assert texts(source, source.listing({})) == {"a.md": "# A", "b.md": "# B"}


def test_the_mirror_is_kept_when_the_repository_cannot_be_reached(repository: Repository) -> None:
    repository.commit(a="# A")
    opened(repository).listing({})
    source = opened(repository)
    repository.folder.rename(repository.folder.parent / "away")
    with pytest.raises(SourceUnreadable):
        source.listing({})
    (mirror,) = (repository.folder.parent / "cache").iterdir()
    assert (mirror / "refs" / "stepfour" / "tip").exists() or (mirror / "packed-refs").exists()


def test_a_cache_that_cannot_be_written_is_named(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="# A")
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceUnreadable, match="cache"):
        opened(repository, cache=str(tmp_path / "file")).listing({})


def test_a_temporary_mirror_goes_with_its_source(repository: Repository) -> None:
    repository.commit(a="# A")
    source = Git(str(repository.folder), {})
    source.listing({})
    mirror = source._git._mirror
    assert mirror.is_dir()
    del source
    assert not mirror.parent.exists()


def test_the_deadline_ends_git_and_all_it_started(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.sources import git_program

    monkeypatch.setattr(git_program, "FETCHING", 2)
    monkeypatch.setenv("GIT_SSH_COMMAND", f"echo $$ > {tmp_path}/pid; exec sleep 60; :")
    source = Git("ssh://git@localhost/docs", {})
    with pytest.raises(SourceUnreadable, match="longer than 2 seconds"):
        source.listing({})
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 10
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(pid)


class TestServer:
    @pytest.fixture
    def host(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHost]:
        host = GitHost(tmp_path)
        monkeypatch.setenv("GIT_SSL_CAINFO", str(host.certificate))
        yield host
        host.close()

    def test_files_that_nobody_asked_for_are_left_on_the_server(
        self, repository: Repository, host: GitHost
    ) -> None:
        repository.write("video.bin", os.urandom(300_000))
        repository.commit(docs__a="# old")
        repository.commit(1_600_003_000, docs__a="# A")
        source = Git(host.url("docs.git/.git"), {"path": "docs"})
        listing = source.listing({})
        assert texts(source, listing) == {"a.md": "# A"}
        assert dates(source, listing) == {"a.md": at(1_600_003_000)}
        size = sum(file.stat().st_size for file in source._git._mirror.rglob("*") if file.is_file())
        assert size < 50_000
        host.asked.clear()
        source.listing(stamps(listing))
        assert len(host.asked) == 2  # the greeting of the protocol, and what the branch is now

    def test_a_closed_repository_takes_the_token_and_never_shows_it(
        self, repository: Repository, host: GitHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.commit(a="# A")
        host.token = "secret-token"
        with pytest.raises(SourceUnreadable, match="token=env:NAME"):
            Git(host.url("docs.git/.git"), {}).listing({})
        monkeypatch.setenv("DOCS_TOKEN", "wrong-token")
        with pytest.raises(SourceUnreadable) as error:
            Git(host.url("docs.git/.git"), {"token": "env:DOCS_TOKEN"}).listing({})
        assert "wrong-token" not in str(error.value)
        monkeypatch.setenv("DOCS_TOKEN", "secret-token")
        source = Git(host.url("docs.git/.git"), {"token": "env:DOCS_TOKEN"})
        assert texts(source, source.listing({})) == {"a.md": "# A"}
        kept = [file.read_bytes() for file in source._git._mirror.rglob("*") if file.is_file()]
        assert not any(b"secret-token" in raw for raw in kept)

    def test_a_redirect_is_not_followed(self, repository: Repository, host: GitHost) -> None:
        repository.commit(a="# A")
        host.moved = "https://169.254.169.254"
        with pytest.raises(SourceUnreadable, match="has moved"):
            Git(host.url("docs.git/.git"), {}).listing({})

    def test_a_file_that_cannot_be_had_fails_alone_and_says_why(
        self, repository: Repository, host: GitHost
    ) -> None:
        repository.commit(a="# A")
        source = Git(host.url("docs.git/.git"), {})
        known = stamps(source.listing({}))
        host.close()
        fresh = source.fetch(Found("a.md", known["a.md"]), "")
        assert isinstance(fresh, Fetched)
        source._git.forget()
        source._brought = False
        failed = source.fetch(Found("a.md", known["a.md"]), "")
        assert isinstance(failed, Failed)
        assert failed.reason.startswith("a.md: git could not read")
