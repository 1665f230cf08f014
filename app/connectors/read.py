"""Connector files -> `Connectors`. Whatever is wrong is named with file and line, and what to write."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from app.connectors.actions import Actions
from app.connectors.calls import Folder
from app.connectors.keys import FILE
from app.connectors.model import Connector, Connectors
from app.connectors.openapi import described
from app.errors import ConfigError
from knowledge.errors import PageError
from knowledge.frontmatter import FrontMatter, whole

SHIPPED = Path(__file__).parent / "shipped"
"""The platform of the demo: what an installation has that names no folder of its own."""


def load(folder: Path) -> Connectors:
    """Every file of a folder. Raises `ConfigError`."""
    files = sorted(path for path in _listed(folder) if path.suffix in (".yaml", ".yml"))
    try:
        # Not every YAML file here is a connector: the platform's own description lies beside it.
        pages = [(path, page) for path in files if "connector" in (page := _page(path)).data]
        if not pages:
            raise ConfigError(f"STEPFOUR_CONNECTORS: no file of {folder} begins with `connector: NAME`.")
        kinds = [kind for _, page in pages for kind in _keys(page.data.get("subjects"))]
        reads = [name for _, page in pages for name in _keys(page.data.get("reads"))]
        whole_folder = Folder(frozenset(kinds), frozenset(reads))
        return _together([_File(page, path, whole_folder).connector() for path, page in pages])
    except PageError as error:
        raise ConfigError(str(error)) from error


def connectors_of(folder: Path | None) -> Connectors:
    """Those of the setting, else the shipped ones."""
    return shipped() if folder is None else load(folder)


@cache
def shipped() -> Connectors:
    return load(SHIPPED)


class _File(Actions):
    """One file while it is read."""

    def connector(self) -> Connector:
        self.known_keys((), self.page.data, FILE)
        name = self.name(("connector",))
        self.optional_word(("describe",))
        self._api = self._read_api()
        self._key = self._idempotency(("idempotency",), self._key)
        if self.page.data.get("openapi") is not None:
            self._description = described(self, ("openapi",), Path(self.path).parent)
        reads = [self._read(("reads", each), each) for each in self._pairs(("reads",))]
        standing = self._standing() if "standing" in self.page.data else None
        person = self._person() if "person" in self.page.data else None
        subjects = tuple((kind, self._subject(("subjects", kind))) for kind in self._pairs(("subjects",)))
        made = [self._action(("actions", each), each, reads) for each in self._pairs(("actions",))]
        return Connector(
            name=name,
            file=self.path,
            api=self._api,
            reads=(*reads, *self._made),
            standing=standing,
            person=person,
            subjects=subjects,
            actions=tuple(action for action, _ in made),
            writes=tuple(pair for _, writes in made for pair in writes),
        )


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        fix = "Name a folder of connector files, or leave it out."
        raise ConfigError(
            f"STEPFOUR_CONNECTORS: {folder} cannot be read ({error.strerror}). {fix}"
        ) from error


def _page(path: Path) -> FrontMatter:
    try:
        return whole(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}). Save it as UTF-8 text.") from error


def _keys(value: object) -> list[str]:
    return [str(key) for key in value] if isinstance(value, dict) else []


def _together(connectors: list[Connector]) -> Connectors:
    """Raises `ConfigError` where two files say how one and the same is read or done."""
    seen: dict[str, str] = {}
    for each in connectors:
        said = [f"connector `{each.name}`"]
        said += [f"read `{read.name}`" for read in each.reads]
        said += [f"kind of subject `{kind}`" for kind, _ in each.subjects]
        said += [f"write `{effect}`" for effect, _ in each.writes]
        said += ["`standing`"] if each.standing else []
        said += ["`person`"] if each.person else []
        for what in said:
            if what in seen:
                where = each.file if each.file == seen[what] else f"{seen[what]} and {each.file}"
                raise ConfigError(f"{where}: {what} is declared twice. Keep one of them.")
            seen[what] = each.file
    return Connectors(of=tuple(connectors))
