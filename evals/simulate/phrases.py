"""What simulated customers say: phrase files, and the half of them that only scoring sees."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Literal

from app.errors import BadInput
from knowledge.model import Value

SHIPPED = Path(__file__).parent / "phrases"
LANGUAGES = ("en", "pt", "es")
Half = Literal["train", "score", "all"]

_INTENTS = (
    "greet open open_how claim_done claim_not_done claim_unsure claim_all did_it did_it_named did_failed",
    "promise answer_yes answer_no answer_beside told_already and_now impatient insist again not_understood",
    "topic back_to_it thanks bye confirm_yes want_person come_back not_working_yet correct broke",
    "name_subject urge goal",
)
INTENTS = frozenset(intent for line in _INTENTS for intent in line.split())
_SLOT = re.compile(r"\{(\w+)\}")


class Phrase(Value):
    """One way to say one thing. `step` and `procedure` say what alone it can be about."""

    intent: str
    lang: str
    text: str
    procedure: str | None = None
    step: str | None = None
    kept: Literal["train", "score"] | None = None
    """The half that its document is kept for."""

    @property
    def half(self) -> Literal["train", "score"]:
        """The half of its document, else by its own words alone: adding a phrase moves no other one."""
        if self.kept is not None:
            return self.kept
        key = "|".join((self.lang, self.intent, self.procedure or "", self.step or "", _plain(self.text)))
        return "score" if hashlib.sha256(key.encode()).digest()[0] & 1 else "train"

    @property
    def slots(self) -> frozenset[str]:
        return frozenset(_SLOT.findall(self.text))


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


class Phrases:
    """A set of phrases, found by what they say."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self.all = tuple(phrases)
        self._found: dict[tuple[str, str, str | None, str | None], list[Phrase]] = {}
        for phrase in self.all:
            key = (phrase.lang, phrase.intent, phrase.procedure, phrase.step)
            self._found.setdefault(key, []).append(phrase)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(lang for lang in LANGUAGES if any(phrase.lang == lang for phrase in self.all))

    def in_half(self, half: Half) -> Phrases:
        return self if half == "all" else Phrases(phrase for phrase in self.all if phrase.half == half)

    def pick(
        self,
        intent: str,
        lang: str,
        rng: Random,
        *,
        procedure: str,
        step: str | None = None,
        slots: frozenset[str] = frozenset(),
        used: frozenset[str] = frozenset(),
    ) -> Phrase:
        """One whose slots can all be filled, rather one not used before, and mostly one of the very step."""
        own = self._fitting(lang, intent, procedure, step, slots)
        general = self._fitting(lang, intent, procedure, None, slots) or self._fitting(
            lang, intent, None, None, slots
        )
        pool = own if own and (not general or rng.random() < 0.7) else general
        if not pool:
            about = f" about {procedure}/{step}" if step else ""
            raise BadInput(
                f"the phrases have no {intent!r} in {lang!r}{about}. Add one, or leave the language out."
            )
        return rng.choice([phrase for phrase in pool if phrase.text not in used] or pool)

    def _fitting(
        self, lang: str, intent: str, procedure: str | None, step: str | None, slots: frozenset[str]
    ) -> list[Phrase]:
        found = self._found.get((lang, intent, procedure, step), [])
        return [phrase for phrase in found if phrase.slots <= slots]


def load(path: Path = SHIPPED) -> Phrases:
    """A file, or all `.yaml` files of a folder. Raises `BadInput` naming the file and what is wrong."""
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise BadInput(f"{path}: no .yaml file in it. Name a phrase file or a folder of them.")
    found = Phrases(phrase for file in files for phrase in _read(file))
    if not found.languages:
        raise BadInput(f"{path}: no phrase in {', '.join(LANGUAGES)}. See docs/simulation.md for the format.")
    return found


def _read(file: Path) -> list[Phrase]:
    import yaml

    try:
        documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise BadInput(f"{file}: {why}. A phrase file is YAML; see docs/simulation.md.") from error
    return [phrase for document in documents for phrase in _phrases(document, str(file))]


def _phrases(document: Any, file: str) -> Iterator[Phrase]:
    if not isinstance(document, Mapping) or document.get("lang") not in LANGUAGES:
        raise BadInput(f"{file}: `lang` must be one of {', '.join(LANGUAGES)}. See docs/simulation.md.")
    unknown = set(document) - {"lang", "half", "intents", "goals", "procedures", "steps"}
    if unknown:
        raise BadInput(f"{file}: `{min(unknown)}` is not known here. See docs/simulation.md.")
    kept = document.get("half")
    if kept not in (None, "train", "score"):
        raise BadInput(f"{file}: `half` is train or score, not {kept!r}. Leave it out to split by the words.")
    for phrase in _said(document, file):
        yield phrase.model_copy(update={"kept": kept})


def _said(document: Mapping[str, Any], file: str) -> Iterator[Phrase]:
    lang = str(document["lang"])
    for intent, texts in _map(document, "intents", file).items():
        yield from _group(file, lang, intent, texts)
    for procedure, texts in _map(document, "goals", file).items():
        yield from _group(file, lang, "goal", texts, procedure=procedure)
    for procedure, intents in _map(document, "procedures", file).items():
        for intent, texts in _map({procedure: intents}, procedure, file).items():
            yield from _group(file, lang, intent, texts, procedure=procedure)
    for place, intents in _map(document, "steps", file).items():
        procedure, slash, step = str(place).partition("/")
        if not slash:
            raise BadInput(f"{file}: steps are named `procedure/step`, not {place!r}.")
        for intent, texts in _map({place: intents}, place, file).items():
            yield from _group(file, lang, intent, texts, procedure=procedure, step=step)


def _map(document: Mapping[str, Any], name: str, file: str) -> Mapping[str, Any]:
    value = document.get(name) or {}
    if not isinstance(value, Mapping):
        raise BadInput(f"{file}: `{name}` must map names to lists of phrases.")
    return value


def _group(
    file: str, lang: str, intent: str, texts: Any, *, procedure: str | None = None, step: str | None = None
) -> Iterator[Phrase]:
    if intent not in INTENTS:
        raise BadInput(f"{file}: nobody ever means {intent!r}; the intents are {', '.join(sorted(INTENTS))}.")
    if not isinstance(texts, Sequence) or isinstance(texts, str):
        raise BadInput(f"{file}: {intent}: a list of phrases is needed.")
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            raise BadInput(f"{file}: {intent}: {text!r} is no text. Put it in quotes.")
        yield Phrase(intent=intent, lang=lang, text=text.strip(), procedure=procedure, step=step)


# --- how people type ----------------------------------------------------------------------------

STYLES = ("careful", "careful", "lower", "plain", "bare")
"""As written, small letters, no accents, or neither accents nor points."""


def typed(text: str, style: str) -> str:
    """The same words as somebody in a hurry types them; few styles, so that a cache still helps."""
    if style == "careful":
        return text
    if style in ("plain", "bare"):
        text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
        text = text.replace("¿", "").replace("¡", "")
    if style == "bare":
        text = re.sub(r"(?<=\w)[.!](?=\s|$)|(?<=\w),(?=\s)", "", text)
    return text.lower() if style in ("lower", "bare") else text
