"""A page with steps -> Procedure. Whatever is wrong with the page is named with file and line."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Collection
from typing import NoReturn

from knowledge.errors import PageError
from knowledge.frontmatter import FrontMatter, Where, split
from knowledge.languages import language_code
from knowledge.markdown import Section, sections, without_number
from knowledge.model import Check, Procedure, Step

PAGE_KEYS = frozenset(
    {
        "title",
        "lang",
        "updated",
        "translation_of",
        "audience",
        "procedure",
        "when",
        "subject",
        "steps",
        "action",
    }
)
STEP_KEYS = frozenset({"id", "check", "must_check", "subject", "outcomes", "says", "titles"})
SAYS_KEYS = frozenset({"done", "not_done"})
ENDS = frozenset({"action", "handoff"})
"""Where an outcome may lead besides a step or another section of the page (an advice)."""

_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


def parse_procedure(
    text: str,
    *,
    path: str,
    document: str,
    version: str,
    checks: frozenset[str] | None,
    actions: frozenset[str] | None,
) -> Procedure | None:
    """None where the page has no `procedure:`; raises `PageError` where it has one that cannot be followed.

    `checks` and `actions` are the names this installation has; None accepts any name.
    """
    page = split(text, path)
    if "procedure" not in page.data:
        return None
    reader = _PageReader(page, path)
    reader.known_keys((), page.data, PAGE_KEYS)
    name = reader.name(("procedure",))
    subjects = reader.subjects()
    written = sections(page.body)
    steps = _steps(reader, subjects, written, checks)
    action = reader.optional_word(("action",))
    if action is not None:
        reader.known_name(("action",), action, actions, "action")
    return Procedure(
        id=name,
        document=document,
        version=version,
        path=path,
        lang=language_code(str(page.data.get("lang", "en"))),
        title=reader.word(("title",)),
        when=reader.word(("when",)),
        intro=_intro(page.body, written, {step.id for step in steps}),
        subjects=subjects,
        steps=steps,
        action=action,
    )


def machine_part(procedure: Procedure) -> str:
    """Digest of what machines follow: when it changes, a person must approve the page again."""
    followed = {
        "subjects": procedure.subjects,
        "steps": [
            [s.id, s.subject, s.check.model_dump() if s.check else None, s.must_check, s.outcomes]
            for s in procedure.steps
        ],
        "action": procedure.action,
    }
    return hashlib.sha256(json.dumps(followed, sort_keys=True).encode()).hexdigest()


def localized(
    procedure: Procedure, text: str, *, document: str, version: str, path: str, lang: str
) -> Procedure:
    """The procedure in the words of its translated page; a section that is missing there stays as it was."""
    page = split(text, path)
    written = {s.anchor: s for s in sections(page.body) if s.explicit}
    lines = page.body.split("\n")
    steps = tuple(_step_in(step, written.get(step.anchor), lines, lang) for step in procedure.steps)
    ids = {step.id for step in steps}
    return procedure.model_copy(
        update={
            "document": document,
            "version": version,
            "path": path,
            "lang": lang,
            "title": str(page.data.get("title") or procedure.title),
            "intro": _intro(page.body, list(written.values()), ids) or procedure.intro,
            "steps": steps,
        }
    )


def _step_in(step: Step, section: Section | None, lines: list[str], lang: str) -> Step:
    if section is None:
        return step.model_copy(update={"title": step.title_in(lang)})
    words = "\n".join(lines[section.start : section.end]).strip("\n")
    return step.model_copy(update={"title": without_number(section.title), "text": words})


def _steps(
    reader: _PageReader, subjects: tuple[str, ...], written: list[Section], checks: Collection[str] | None
) -> tuple[Step, ...]:
    declared = reader.page.data.get("steps")
    if not isinstance(declared, list) or not declared:
        reader.fail(("steps",), "the procedure has no steps", "List at least one, e.g. `- {id: first-step}`.")
    raw = [reader.mapping(("steps", at), item) for at, item in enumerate(declared)]
    for at, item in enumerate(raw):
        reader.known_keys(("steps", at), item, STEP_KEYS)
    ids = [reader.name(("steps", at, "id")) for at in range(len(raw))]
    for at, id in enumerate(ids):
        if id in ids[:at]:
            reader.fail(("steps", at), f"step `{id}` is listed twice", "Give each step an id of its own.")
        if id in ENDS:
            reader.fail(("steps", at), f"`{id}` is where a procedure ends", "Choose another id for the step.")
    by_id = _step_sections(reader, ids, written)
    places = {*ids, *(s.anchor for s in written if s.explicit and s.anchor)}
    return tuple(
        _step(reader, at, item, section=by_id[ids[at]], subjects=subjects, places=places, checks=checks)
        for at, item in enumerate(raw)
    )


def _step(
    reader: _PageReader,
    at: int,
    item: dict[str, object],
    *,
    section: Section,
    subjects: tuple[str, ...],
    places: set[str],
    checks: Collection[str] | None,
) -> Step:
    where: Where = ("steps", at)
    id = str(item["id"])
    subject = item.get("subject", subjects[0])
    if subject not in subjects:
        reader.fail(
            (*where, "subject"),
            f"step `{id}` is about `{subject}`, which the procedure does not name",
            f"Use one of: {', '.join(subjects)}; or add it to `subject:` of the page.",
        )
    must_check = item.get("must_check", False)
    if not isinstance(must_check, bool):
        reader.fail(
            (*where, "must_check"), "`must_check` is neither true nor false", "Write `must_check: true`."
        )
    check = _check(reader, (*where, "check"), item.get("check"), checks)
    if must_check and check is None:
        reader.fail(
            (*where, "must_check"), f"step `{id}` must be checked but names no check", "Add `check: NAME`."
        )
    words = "\n".join(reader.page.body.split("\n")[section.start : section.end]).strip("\n")
    if not words.strip():
        reader.fail_at(
            section.line, f"the section of step `{id}` is empty", "Say what the customer has to do."
        )
    says = reader.says((*where, "says"), item.get("says"))
    return Step(
        id=id,
        title=without_number(section.title),
        text=words,
        anchor=id,
        subject=str(subject),
        check=check,
        must_check=must_check,
        outcomes=reader.outcomes((*where, "outcomes"), item.get("outcomes"), id, places),
        titles=reader.titles((*where, "titles"), item.get("titles")),
        says_done=says.get("done", ()),
        says_not_done=says.get("not_done", ()),
    )


def _check(reader: _PageReader, where: Where, given: object, known: Collection[str] | None) -> Check | None:
    if given is None:
        return None
    if isinstance(given, str):
        reader.known_name(where, given, known, "check")
        return Check(name=given)
    fix = "Write `check: NAME` or `check: {NAME: {parameter: value}}`."
    if not isinstance(given, dict) or len(given) != 1:
        reader.fail(where, "the check cannot be read", fix)
    name, params = next(iter(given.items()))
    reader.known_name(where, str(name), known, "check")
    if params is None:
        return Check(name=str(name))
    if not isinstance(params, dict):
        reader.fail(where, f"the parameters of `{name}` are not `key: value` pairs", fix)
    for key, value in params.items():
        if not isinstance(value, str | bool | int | float):
            reader.fail((*where, str(name), str(key)), f"`{key}` is neither a text nor a number", fix)
    return Check(name=str(name), params=tuple((str(key), value) for key, value in params.items()))


def _step_sections(reader: _PageReader, ids: list[str], written: list[Section]) -> dict[str, Section]:
    found: dict[str, Section] = {}
    for section in written:
        if section.explicit and section.anchor in ids:
            if section.anchor in found:
                reader.fail_at(
                    section.line, f"a second section says {{#{section.anchor}}}", "Keep one of them."
                )
            found[section.anchor] = section
        elif section.numbered and section.explicit:
            near = _near(str(section.anchor), ids)
            reader.fail_at(
                section.line, f"no step has the id `{section.anchor}`", near or "Add it to `steps:`."
            )
    for at, id in enumerate(ids):
        if id not in found:
            fix = f"Give the heading of its section the anchor {{#{id}}}."
            reader.fail(("steps", at), f"step `{id}` has no section", fix)
    order = sorted(ids, key=lambda id: found[id].line)
    if order != ids:
        late = next(id for id, other in zip(ids, order, strict=True) if id != other)
        fix = f"Write them in the order of `steps:` ({', '.join(ids)})."
        reader.fail_at(found[late].line, "the sections stand in another order than the steps", fix)
    return found


def _intro(body: str, written: list[Section], steps: set[str]) -> str:
    first = min((s.line for s in written if s.anchor in steps and s.explicit), default=0)
    lines = body.split("\n")[:first]
    # A heading that only repeats the title of the page is no introduction.
    return "\n".join(line for line in lines if not line.startswith("# ")).strip()


def _near(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean `{close[0]}`?" if close else ""


class _PageReader:
    """Reads values of one page and fails at the line where they stand."""

    def __init__(self, page: FrontMatter, path: str) -> None:
        self.page = page
        self.path = path
        if page.repeated:
            where = page.repeated[0]
            self.fail(where, f"`{where[-1]}` is given twice", "Keep one of them.")

    def fail(self, where: Where, what: str, fix: str) -> NoReturn:
        raise PageError(self.path, self.page.line(*where), what, fix)

    def fail_at(self, body_line: int, what: str, fix: str) -> NoReturn:
        raise PageError(self.path, self.page.body_line + body_line, what, fix)

    def at(self, where: Where) -> object:
        value: object = self.page.data
        for part in where:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int):
                value = value[part]
        return value

    def word(self, where: Where) -> str:
        value = self.at(where)
        if not isinstance(value, str) or not value.strip():
            self.fail(where, f"`{where[-1]}` is missing or not a text", f"Add `{where[-1]}: ...`.")
        return value.strip()

    def optional_word(self, where: Where) -> str | None:
        return None if self.at(where) is None else self.word(where)

    def name(self, where: Where) -> str:
        value = self.word(where)
        if not _NAME.fullmatch(value):
            fix = "Use small letters, digits and dashes, e.g. `ssl-certificate`."
            self.fail(where, f"`{value}` cannot be an id", fix)
        return value

    def mapping(self, where: Where, value: object) -> dict[str, object]:
        if not isinstance(value, dict):
            self.fail(where, "a step is not a list of `key: value` pairs", "Write e.g. `- {id: first-step}`.")
        return {str(key): inner for key, inner in value.items()}

    def known_keys(self, where: Where, given: dict[str, object], known: frozenset[str]) -> None:
        for key in given:
            if key not in known:
                fix = _near(key, known) or f"Known here: {', '.join(sorted(known))}."
                self.fail((*where, key), f"`{key}` is not known here", fix)

    def known_name(self, where: Where, name: str, known: Collection[str] | None, kind: str) -> None:
        if known is not None and name not in known:
            fix = _near(name, known) or f"This installation has: {', '.join(sorted(known)) or 'none'}."
            self.fail(where, f"there is no {kind} `{name}`", fix)

    def subjects(self) -> tuple[str, ...]:
        value = self.page.data.get("subject")
        kinds = value if isinstance(value, list) else [value]
        if not kinds or not all(isinstance(kind, str) and _NAME.fullmatch(kind) for kind in kinds):
            fix = "Write e.g. `subject: domain` or `subject: [domain, workspace]`."
            self.fail(("subject",), "`subject` does not say what the procedure is about", fix)
        if len(set(kinds)) != len(kinds):
            self.fail(("subject",), "`subject` names the same kind twice", "Keep one of them.")
        return tuple(kinds)

    def says(self, where: Where, value: object) -> dict[str, tuple[str, ...]]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(where, "`says` cannot be read", "Write `says: {done: [...], not_done: [...]}`.")
        self.known_keys(where, value, SAYS_KEYS)
        for key, examples in value.items():
            if not isinstance(examples, list) or not all(isinstance(e, str) and e.strip() for e in examples):
                self.fail(
                    (*where, key), f"`{key}` is not a list of sentences", "Write `[sentence, sentence]`."
                )
        return {key: tuple(examples) for key, examples in value.items()}

    def titles(self, where: Where, value: object) -> tuple[tuple[str, str], ...]:
        if value is None:
            return ()
        fix = "Write e.g. `titles: {pt: ..., es: ...}`."
        if not isinstance(value, dict):
            self.fail(where, "`titles` cannot be read", fix)
        for lang, title in value.items():
            if not isinstance(title, str) or not title.strip():
                self.fail((*where, str(lang)), f"the title for `{lang}` is not a text", fix)
        return tuple((language_code(str(lang)), title) for lang, title in value.items())

    def outcomes(
        self, where: Where, value: object, step: str, places: set[str]
    ) -> tuple[tuple[str, str], ...]:
        if value is None:
            return ()
        if not isinstance(value, dict) or not value:
            self.fail(
                where, "`outcomes` cannot be read", "Write e.g. `outcomes: {yes: adapter, no: outlet}`."
            )
        pairs = []
        for name, target in value.items():
            # YAML reads a bare yes and no as true and false.
            outcome = {True: "yes", False: "no"}.get(name, str(name)) if isinstance(name, bool) else str(name)
            if target == step:
                self.fail(
                    (*where, outcome), f"outcome `{outcome}` leads back to its own step", "Name the next one."
                )
            if not isinstance(target, str) or target not in places | ENDS:
                fix = _near(str(target), places | ENDS) or f"Use one of: {', '.join(sorted(places | ENDS))}."
                self.fail(
                    (*where, outcome), f"outcome `{outcome}` leads to `{target}`, which is not there", fix
                )
            pairs.append((outcome, target))
        return tuple(pairs)
