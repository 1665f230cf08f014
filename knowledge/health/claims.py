"""What a sentence lays down that another page could lay down otherwise, in English, Portuguese, Spanish.

Verbs, units and grammar only: nothing here knows a product. A new kind of claim is a function from a
sentence to `Claim`s in `READERS`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from knowledge.health.pages import Statement
from knowledge.stems import stems

Aspect = Literal["who", "plan", "number", "must", "target", "path"]


class Claim(NamedTuple):
    """`key` must be the same for two claims to be about one thing; `value` is what may differ."""

    aspect: Aspect
    key: str
    value: str
    words: frozenset[str] = frozenset()
    """Stems that make up the claim: they say nothing about whether two sentences are on one topic."""
    shown: str = ""
    """The value in the words of the page, where `value` is not fit to be read."""


ACTS = {
    "enable": r"enabl\w+|activat\w+|(?:turn|switch)(?:ed|s|ing|es)? on|habilit\w+"
    r"|ativ(?:a[rd]?|e|am|ou|ação)\w*|activ(?:a[rdn]?|en?|ación)\b|ligar?\b",
    "disable": r"disabl\w+|deactivat\w+|(?:turn|switch)(?:ed|s|ing|es)? off|desabilit\w+|desativ\w+"
    r"|desactiv\w+|deshabilit\w+|deslig\w+",
    "delete": r"delet(?:e[ds]?|ing|ion)|remov(?:e[ds]?|ing|al)|cancel\w*|exclu[ií]\w+|apag\w+|elimin\w+"
    r"|borr(?:a|e)\w*",
    "renew": r"renew\w*|renov\w+",
    "verify": r"verif(?:y|ie[ds]|ying|ication)|validat\w+|verifi(?:c|q)\w+|valid(?:a[rd]?|e|ação|ación)\b\w*",
    "approve": r"approv\w+|aprov\w+|aprueb\w+|aprob\w+",
    "upgrade": r"upgrad\w+|downgrad\w+",
    "provide": r"provision\w*|assign\w*|alloc\w+|atribu\w+|asign\w+",
    "refund": r"refund\w*|reembols\w+",
    "reset": r"reset\w*|redefin\w+|restablec\w+",
}
_ACTS = {act: re.compile(rf"\b(?:{pattern})", re.IGNORECASE) for act, pattern in ACTS.items()}
_HELPERS = r"(?:support|suporte|soporte|atendimento|asistencia|helpdesk|help desk)"
_SUPPORT = re.compile(
    rf"\b(?:contact|ask|e-?mail|call|reach out|write to|request|ticket|contate|contat"
    rf"|entre em contato|fale|peça|solicite|contact[ea]"
    rf"|p[oó]ngase en contacto|comun[ií]quese|pida|escriba)\w*\b.*\b{_HELPERS}\b"
    rf"|\b{_HELPERS}\b(?:\s+\w+)?\s+(?:will|must|can|has to|needs to|deve|pode|vai|irá|debe|puede|va a)\b",
    re.IGNORECASE | re.DOTALL,
)
_ALONE = re.compile(r"\b(?:automatic\w*|automátic\w*|automatiqu\w*)\b", re.IGNORECASE)
_YOU = re.compile(
    r"\b(?:you (?:can|may|must|need to|have to|should|are able to)|você (?:pode|deve|precisa)"
    r"|(?:usted )?(?:puede|debe|necesita))\s+(?:also |também |también )?$",
    re.IGNORECASE,
)
_IMPERATIVE = re.compile(
    r"^(?:(?:to|para)\s[^,]{3,80},\s*)?(?:please |then |next,? |por favor,? )?$", re.IGNORECASE
)

_ENDINGS = ".!:)"
"""A heading ends in none of them, and orders nobody to do anything."""

_NOT = (
    r"(?:do not|don['’]t|does not|doesn['’]t|never|must not|mustn['’]t|should not|shouldn['’]t|não|nunca|no)"
)
_NEGATED = re.compile(rf"\b{_NOT}\b|\b(?:cannot|can['’]t|won['’]t|not|nem|ni|jamás)\b", re.IGNORECASE)
_FORBIDDEN = re.compile(
    rf"(?:^|[;:(]\s*|\b(?:please|por favor)\s+|\b(?=(?:must|should) not))"
    rf"{_NOT}\s+(?:se\s+|deve\s+|debe\s+)?([^\W\d_]{{3,}})",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"(?=\b(?:need to|have to|must|should|try to|trying to|then|and|you can|precisa|deve|pode"
    r"|tente|e|debe|puede|intente|y)\s+([^\W\d_]{4,}))|(?=^([^\W\d_]{4,}))",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"\b(?:again|once more|re-?(?:validate|verify|check|try|run)|novamente|de novo|outra vez|otra vez"
    r"|de nuevo)\b",
    re.IGNORECASE,
)
_ONCE = re.compile(
    r"\bmore than once|\b(?:again|twice|novamente|de novo|mais de uma vez|otra vez|más de una vez)\b",
    re.IGNORECASE,
)

_NUMBER = re.compile(
    r"(?<![\w.,/#$€-])([$€]|R\$)?\s?([1-9]\d{0,2}(?:[.,]\d{3})+(?!\d)|\d+(?:[.,]\d+)?)\s?(%|[KMG]?B\b|ms\b|[^\W\d_]{3,})",
    re.UNICODE,
)
UNITS = {
    "second": r"seconds?|secs?|segundos?",
    "minute": r"minutes?|mins?|minutos?",
    "hour": r"hours?|hrs?|horas?",
    "day": r"(?:business |calendar )?days?|d[ií]as?",
    "week": r"weeks?|semanas?",
    "month": r"months?|m[eê]s(?:es)?",
    "year": r"years?|a[nñ]os?|anos?",
    "%": r"%|percent|por ?cento|por ?ciento",
}
_UNITS = {unit: re.compile(rf"(?:{pattern})\Z", re.IGNORECASE) for unit, pattern in UNITS.items()}

FEWEST_WORDS = 7
_EXAMPLE = re.compile(
    r"\b(?:for example|example|e\.g\.|por exemplo|exemplo|por ejemplo|ejemplo)", re.IGNORECASE
)

_RECORD = re.compile(r"\b(CNAME|AAAA|TXT|MX|NS|SPF|DKIM|DMARC)s?\b|\b(A)[- ]records?\b")
_POINTS = re.compile(
    r"\b(?:point\w*|resolv\w+|map(?:s|ped)?|apont\w+|apunt\w+)\b.*?\b(?:to|at|para|ao|à|al|hacia)\s+"
    r"((?:https?://)?(?:[\w-]+\.)+[a-z]{2,}.{0,60}|(?:the|your|an?|our|its|o|el|la|um|una?|seu|su|sua)\s.{3,90})",
    re.IGNORECASE | re.DOTALL,
)
_HOST = re.compile(r"\b(?:[a-z0-9_-]+\.)+[a-z]{2,}\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"example|exemplo|ejemplo|your|seu|su\b|domain\.(?:com|tld)", re.IGNORECASE)
_ENDS = re.compile(r"[.;:(),]|\b(?:that|which|provided|so that|que|para que|using|in order)\b", re.IGNORECASE)

_LABEL = r"[A-ZÀ-Ý][\w&/-]*(?: (?:[A-ZÀ-Ý&][\w&/-]*|and|e|y|de|do|da)){0,4}"
_PATH = re.compile(rf"({_LABEL}(?:\s*(?:>|→|›|»)\s*{_LABEL})+)")

_TIER_NOUN = r"(?:plans?|packages?|tiers?|editions?|subscriptions?)"
_TIER = r"[A-Z][a-z]{2,}(?:\s\d+\w*)?"
_TIERS = re.compile(
    rf"\b({_TIER}(?:\s*(?:,|/|\b(?:and|or|ou|e|y|o)\b)+\s*{_TIER})*)\s+(?:[Ll]evel\s+)?(?:{_TIER_NOUN}|accounts?)\b"
    rf"|\b({_TIER})\s+(?:{_TIER_NOUN}\s+|accounts?\s+)?(?:or|and|ou|e|o|y)\s+(?:higher|above|up|superior(?:es)?)\b"
    rf"|\b(?:planos?|pacotes?|assinaturas?|edição|edições|plan(?:es)?|paquetes?|suscripci[oó]n(?:es)?)\s+({_TIER})\b"
)
_FIRM = re.compile(
    rf"{_TIER}\s+(?:{_TIER_NOUN}\b|(?:or|and|ou|e|o|y)\s+(?:higher|above|superior))"
    rf"|\b(?:planos?|pacotes?|plan(?:es)?|paquetes?)\s+{_TIER}"
)
BOUND = re.compile(
    r"\bonly\b|\bor (?:higher|above)\b|\band (?:higher|above)\b|\bavailable (?:to|for|on|in)\b"
    r"|\brequire[sd]?\b"
    r"|\bapenas\b|\bsomente\b|\bsó\b|\bou superior\b|\bsolo\b|\bsólo\b|\bsolamente\b"
    r"|\bo superior\b|\bdispon[ií]ve",
    re.IGNORECASE,
)
CONDITION = re.compile(r"\b(?:if|unless|when|se|quando|caso|si|cuando|a menos que)\b", re.IGNORECASE)


def claims(statement: Statement, tiers: frozenset[str]) -> list[Claim]:
    found = [claim for read in READERS for claim in read(statement)]
    return [*found, *_plan(statement, tiers)]


def is_example(text: str) -> bool:
    return bool(_EXAMPLE.search(text))


def asks_support(text: str) -> bool:
    """It sends its reader to support."""
    return bool(_SUPPORT.search(text))


def tiers_in(statements: Sequence[Statement]) -> frozenset[str]:
    """Names of plans: what stands before `plan` or `or higher` often enough to be more than a coincidence."""
    firm: Counter[str] = Counter()
    for s in statements:
        for found in _FIRM.finditer(s.text):
            # A sentence begins with a capital whatever the word is.
            if found.start() > 0:
                firm.update({_name(word) for word in re.findall(_TIER, found.group())})
    every: Counter[str] = Counter()
    for s in statements:
        every.update({name for name in map(_name, re.findall(_TIER, s.text)) if name in firm})
    return frozenset(name for name, n in firm.items() if n >= 0.12 * every[name])


def _who(s: Statement) -> Iterator[Claim]:
    support = _SUPPORT.search(s.text)
    alone = _ALONE.search(s.text)
    for act, pattern in _ACTS.items():
        for found in pattern.finditer(s.text):
            before = s.text[: found.start()]
            if s.lang == "en" and found.group().lower() == "active":  # no verb there
                continue
            if support:
                who = "support"
            elif alone and -60 < alone.start() - found.end() < 25:
                who = "automatic"
            elif _YOU.search(before) or (_IMPERATIVE.match(before) and s.text[-1] in _ENDINGS):
                who = "you"
            else:
                continue
            told = f"{found.group()} {support.group() if support else ''}"
            yield Claim("who", act, who, _stems(told, s.lang) - _meant(s, found.end()))
            break


def _meant(s: Statement, at: int) -> frozenset[str]:
    """What the verb is about comes after it, and stays part of the topic."""
    return _stems(s.text[at:], s.lang)


def _must(s: Statement) -> Iterator[Claim]:
    forbidden = _FORBIDDEN.search(s.text)
    if forbidden:
        verb = _stems(forbidden.group(1), s.lang)
        if verb and _ONCE.search(s.text):
            yield Claim("must", "|".join(verb), "not again", verb)
        elif verb:
            yield Claim("must", "|".join(verb), "not", verb)
        return
    if _NEGATED.search(s.text):
        return
    for found in _ASKED.finditer(s.text):
        verb = _stems(found.group(1) or found.group(2), s.lang)
        if verb:
            yield Claim("must", "|".join(verb), "again" if _AGAIN.search(s.text) else "do", verb)


def _number(s: Statement) -> Iterator[Claim]:
    # A figure of an example binds nobody, and a few words are an option of a list.
    if is_example(s.text) or len(s.text.split()) < FEWEST_WORDS:
        return
    for found in _NUMBER.finditer(s.text):
        money, digits, word = found.groups()
        value = figure(digits)
        unit = next((u for u, pattern in _UNITS.items() if pattern.match(word)), None)
        key = "money" if money else unit or "|".join(_stems(word, s.lang))
        if key and not (1900 <= float(value) <= 2100 and unit is None):
            yield Claim("number", key, value, _stems(found.group(), s.lang), found.group().strip())


def figure(digits: str) -> str:
    """`1.000`, `1,000` and `1000` are one figure, and so are `30` and `30.00`."""
    if re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", digits):
        return re.sub(r"[.,]", "", digits)
    value = digits.replace(",", ".")
    return value.rstrip("0").rstrip(".") if "." in value else value


def _target(s: Statement) -> Iterator[Claim]:
    record = _RECORD.search(s.text)
    points = _POINTS.search(s.text) if record else None
    if not record or not points:
        return
    kind = (record.group(1) or record.group(2)).upper()
    told = points.group(1)
    host = _HOST.search(told)
    end = _ENDS.search(told)
    if host and (end is None or host.start() <= end.start()) and not _PLACEHOLDER.search(host.group()):
        yield Claim("target", kind, host.group().lower(), _stems(host.group(), s.lang))
        return
    phrase = told[: end.start()] if end else told
    words = stems(phrase, s.lang)[:4]
    if words:
        yield Claim("target", kind, " ".join(words), frozenset(words), " ".join(phrase.split()[:7]))


def _path(s: Statement) -> Iterator[Claim]:
    for found in _PATH.finditer(s.text):
        labels = [" ".join(part.split()) for part in re.split(r"\s*[>→›»]\s*", found.group(1))]
        if found.start() == 0 and " " in labels[0]:
            labels[0] = labels[0].partition(" ")[2]  # `Select`, `On`: a sentence begins with a capital
        leaf = labels[-1].casefold()
        yield Claim("path", leaf, " > ".join(labels), _stems(" ".join(labels[:-1]), s.lang))


def _plan(s: Statement, tiers: frozenset[str]) -> Iterator[Claim]:
    names: set[str] = set()
    for found in _TIERS.finditer(s.text):
        names |= {_name(word) for word in re.findall(_TIER, found.group())} & tiers
    if names and BOUND.search(s.text):
        yield Claim("plan", "plan", ", ".join(sorted(names)), _stems(" ".join(names), s.lang))


def _name(word: str) -> str:
    """`Pro 100k` and `Pro 100K` are one plan."""
    first, *rest = word.split()
    return " ".join([first, *(part.upper() for part in rest)])


def _stems(text: str, lang: str) -> frozenset[str]:
    return frozenset(stems(text, lang))


READERS: tuple[Callable[[Statement], Iterator[Claim]], ...] = (_who, _must, _number, _target, _path)
