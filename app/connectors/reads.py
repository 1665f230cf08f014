"""What a connector file says of reading: reads, who somebody is, what an account has."""

from __future__ import annotations

from app.connectors.calls import Calls
from app.connectors.keys import PERSON, READ, SOURCE, STANDING
from app.connectors.model import Lookup, Read, Request, Role, Source
from knowledge.frontmatter import Where
from knowledge.yaml_reader import near

_KEPT = frozenset({"account", "user", "email", "evidence"})
"""Names of places that are no kinds of subject."""


class Reads(Calls):
    """A file, read by read."""

    def _read(self, where: Where, name: str) -> Read:
        self._name(where, name)
        self.known_keys(where, self._pairs(where), READ)
        call, kinds = self._get(where, self._folder.kinds | {"account"})
        return Read(
            name=name,
            call=call,
            take=self.optional_word((*where, "take")) or "",
            fields=self._fields((*where, "fields")),
            kinds=tuple(kind for kind in kinds if kind != "account"),
        )

    def _fields(self, where: Where) -> tuple[tuple[str, Source], ...]:
        return tuple((name, self._source((*where, name))) for name in self._pairs(where))

    def _source(self, where: Where) -> Source:  # noqa: RET503 - failing never returns
        value = self.at(where)
        if isinstance(value, str):
            return Source(path="" if value == "." else value)
        given = self._pairs(where)
        self.known_keys(where, given, SOURCE)
        if set(given) == {"value"}:
            return Source(value=self._equal((*where, "value")))
        if set(given) == {"set"}:
            return Source(path=self.word((*where, "set")), is_set=True)
        if "each" in given and set(given) <= {"each", "fields"}:
            fields = self._fields((*where, "fields"))
            return Source(path=self.word((*where, "each")), each=True, fields=fields)
        fix = "Write a path of the answer, `{value: X}`, `{set: PATH}` or `{each: PATH, fields: {...}}`."
        self.fail(where, f"`{where[-1]}` does not say where its value comes from", fix)

    def _standing(self) -> Role:
        where: Where = ("standing",)
        self.known_keys(where, self._pairs(where), STANDING)
        if "owner" not in self._pairs(where):
            fix = "Write e.g. `owner: {field: role, equals: owner}`."
            self.fail(where, "nothing says who is an owner", fix)
        call, named = self._get(where, {"account", "user"})
        find = self.optional_word((*where, "find"))
        if isinstance(call, Request) and ("account" not in named or (find is None and "user" not in named)):
            fix = "Use `{account}` and `{user}`; with `find`, a list of the account's people does."
            self.fail((*where, "get"), "the read is not of one person in one account", fix)
        return Role(
            call=call,
            find=find,
            by=self.optional_word((*where, "by")) or "id",
            owner=self._answer((*where, "owner")),
            member=self._answer((*where, "member")) if "member" in self._pairs(where) else None,
        )

    def _person(self) -> Lookup:
        where: Where = ("person",)
        self.known_keys(where, self._pairs(where), PERSON)
        call, named = self._get(where, {"email"})
        if isinstance(call, Request) and "email" not in named:
            self.fail((*where, "get"), "the read does not say whose address", "Use `{email}` in its query.")
        return Lookup(
            call=call,
            find=self.optional_word((*where, "find")) or "",
            account=self.word((*where, "account")),
            user=self.word((*where, "user")),
        )

    def _subject(self, where: Where) -> tuple[str, ...]:
        kind = str(where[-1])
        self._name(where, kind)
        if kind in _KEPT:
            self.fail(where, f"`{kind}` is no kind of subject", "Choose another name for it.")
        value = self.at(where)
        lists = [value] if isinstance(value, str) else value
        if not isinstance(lists, list) or not all(isinstance(each, str) and each for each in lists):
            fix = f"Write e.g. `{kind}: [domains]`: lists of the account that have them, or `[]`."
            self.fail(where, f"nothing says what an account has of `{kind}`", fix)
        for path in lists:
            self._readable(where, path, ())
        return tuple(lists)

    def _readable(self, where: Where, path: str, inputs: tuple[str, ...]) -> None:
        first = path.split(".", maxsplit=1)[0]
        if first not in self._folder.reads and "account" not in self._folder.reads:
            known = ", ".join(sorted(self._folder.reads)) or "none"
            fix = near(first, self._folder.reads) or f"Declare it under `reads:` (there are: {known})."
            self.fail(where, f"nothing reads `{first}`", fix)
