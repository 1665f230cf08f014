"""Secrets and personal data in text: found by shape and check digit, hidden, and put back. Pure.

`masked` is for logs, for good. A `Mask` is for one call of a model: what it hides under a placeholder it puts
back into what comes of it, so that quotes are still the customer's own words.

To recognise something new: an entry in `_KINDS`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

# In a log, words are often shown as code shows them: a letter after a backslash begins nothing.
_START = r"(?:(?<![^\W_])|(?<=\\[nrtu]))"
_END = r"(?![^\W_])"


class Found(NamedTuple):
    """A stretch of text that is somebody's, or a secret."""

    kind: str
    start: int
    end: int


class Kind(NamedTuple):
    """What to look for; `holds` has the last word. A group named `it` is what is hidden, else the whole."""

    name: str
    shape: re.Pattern[str]
    holds: Callable[[str], bool] = bool
    cue: re.Pattern[str] | None = None
    """Without one of these words in the text, it is some other number."""


def _shape(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(pattern, flags | re.VERBOSE)


# --- check digits -------------------------------------------------------------------------------


def _digits(text: str) -> list[int]:
    return [int(char) for char in text if char.isdigit()]


_CARD = re.compile(
    r"4\d{15}(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}|6(?:011|4[4-9]\d|5\d\d)\d{12}|(?:50|5[6-9]|6\d)\d{14,17}"
)


def card(text: str) -> bool:
    """A number that a card scheme gives out, and Luhn's check digit."""
    digits = _digits(text)
    if not _CARD.fullmatch("".join(map(str, digits))):
        return False
    doubled = [d if n % 2 == 0 else sum(divmod(2 * d, 10)) for n, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def cpf(text: str) -> bool:
    """Brazil, people: two check digits, modulo 11."""
    digits = _digits(text)
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    return all(
        sum(d * w for d, w in zip(digits, range(n + 1, 1, -1), strict=False)) * 10 % 11 % 10 == digits[n]
        for n in (9, 10)
    )


def cnpj(text: str) -> bool:
    """Brazil, companies: since July 2026 letters stand in it, too; each counts as its code less that of 0."""
    kept = [char for char in text.upper() if char.isascii() and char.isalnum()]
    if len(kept) != 14 or len(set(kept)) == 1 or not (kept[12] + kept[13]).isdigit():
        return False
    values = [ord(char) - 48 for char in kept]
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    for n in (12, 13):
        rest = sum(v * w for v, w in zip(values[:n], weights[13 - n :], strict=True)) % 11
        if values[n] != (0 if rest < 2 else 11 - rest):
            return False
    return True


def nif_pt(text: str) -> bool:
    """Portugal: one check digit, modulo 11, and first digits that are given out."""
    digits = _digits(text)
    if len(digits) != 9 or not re.match(r"[123568]|45|7[0124579]|9[01789]", "".join(map(str, digits))):
        return False
    rest = sum(d * w for d, w in zip(digits[:8], range(9, 1, -1), strict=True)) % 11
    return digits[8] == (0 if rest < 2 else 11 - rest)


def nif_es(text: str) -> bool:
    """Spain: DNI and NIE of people by their letter, CIF of companies by their check character."""
    plain = re.sub(r"[\s.-]", "", text).upper()
    if re.fullmatch(r"(?:\d|[XYZ])\d{7}[A-Z]", plain):
        number = int(plain[:-1].translate(str.maketrans("XYZ", "012")))
        return plain[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]
    if not re.fullmatch(r"[ABCDEFGHJNPQRSUVW]\d{7}[0-9A-J]", plain):
        return False
    odd = sum(sum(divmod(2 * int(d), 10)) for d in plain[1:8:2])
    check = (10 - (odd + sum(int(d) for d in plain[2:8:2])) % 10) % 10
    return plain[-1] in (str(check), "JABCDEFGHI"[check])


_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29,
    "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28,
    "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


def iban(text: str) -> bool:
    """The length that its country has, and the remainder of 1 by 97."""
    plain = re.sub(r"[\s-]", "", text).upper()
    if len(plain) != _IBAN_LENGTHS.get(plain[:2]):
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _iban_shape() -> str:
    """For each country the characters that it has, in groups or not, so that no word behind it is taken."""
    ways = (rf"{country}\d\d(?:[ -]?[A-Z0-9]){{{length - 4}}}" for country, length in _IBAN_LENGTHS.items())
    return rf"{_START}(?=[A-Z]{{2}}\d\d)(?:{'|'.join(ways)}){_END}"


def entropy(text: str) -> float:
    """Bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def random_looking(text: str) -> bool:
    """What nobody types by hand: letters and digits mixed, and little of it twice. Placeholders are not."""
    if text.startswith(("MI", "AAAA", "p=", "v=")):  # what is public: keys and certificates, records of DNS
        return False
    classes = sum(bool(re.search(each, text)) for each in ("[a-z]", "[A-Z]", r"\d"))
    return len(text) >= 16 and classes >= 2 and bool(re.search(r"\d", text)) and entropy(text) > 3.0


def typed_secret(text: str) -> bool:
    """What follows `password:` and is no word: a digit in it, or a sign between letters."""
    return text[0] not in "${*<[" and bool(re.search(r"\d|[A-Za-z][!@#%^&*+=_/~-][A-Za-z]", text))


def phone(text: str) -> bool:
    """Eight to fifteen digits that are no date, no address and not one digit again and again."""
    digits = _digits(text)
    if not 8 <= len(digits) <= 15 or len(set(digits)) < 3:
        return False
    return not re.fullmatch(r"\(?(?:19|20)\d\d[-./ ]\d\d[-./ ]\d\d.*|\d{1,3}(?:\.\d{1,3}){3}", text.strip())


# --- kinds --------------------------------------------------------------------------------------

_TOKENS = r"""
    (?<![A-Za-z0-9_-]) (?:
      sk-[A-Za-z0-9_-]{16,} | [rsp]k_(?:live|test)_[A-Za-z0-9]{10,} | whsec_[A-Za-z0-9+/=]{16,}
    | (?:AKIA|ASIA)[A-Z0-9]{16} | AIza[A-Za-z0-9_-]{35} | ya29\.[A-Za-z0-9_-]{20,}
    | gh[opsur]_[A-Za-z0-9]{30,} | github_pat_[A-Za-z0-9_]{30,} | glpat-[A-Za-z0-9_-]{20,}
    | xox[abeoprs]-[A-Za-z0-9-]{10,} | xapp-[A-Za-z0-9-]{10,}
    | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}
    | key-[0-9a-f]{32} | xkeysib-[0-9a-f]{32,}-[A-Za-z0-9]{8,} | npm_[A-Za-z0-9]{30,}
    | pypi-[A-Za-z0-9_-]{30,} | dckr_pat_[A-Za-z0-9_-]{20,} | hf_[A-Za-z0-9]{30,}
    | shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32} | dop_v1_[0-9a-f]{64} | (?:visitor|stepfour)_[A-Za-z0-9_-]{30,}
    | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*
    ) (?![A-Za-z0-9_-])
"""
_NAMES_OF_KEYS = r"""
    (?:api|access|secret|private|signing|auth|client|webhook|service|account)?[ _-]?
    (?:key|secret|token|passw(?:or)?d|pwd|senha|contrase[ñn]a|clave|chave|bearer|basic|authorization)
"""
_PHONE_CUES = (
    r"phone|telefon|tel[eé]fono|telem[oó]vel|celular|cellphone|m[oó]vil|mobile|whats?app|zap|fone|contacto|"
    r"contato|\btel\b|\bcell?\b|\bcall\b|\bring\b|\bligu?e|\bligar|ll[aá]m(?:a|e|ar)|\bfax\b|\bsms\b|"
    r"n[uú]mero|\bnumber\b"
)

_PLACEHOLDER = re.compile(r"<[a-z]+ \d{1,4}>")
_BEGUN = re.compile(r"<[a-z]*(?: \d*(?:>(?:@[\w.-]*)?)?)?\Z")
_TAX_CUES = re.compile(
    r"\b(?:NIF|NIPC|CIF|VAT|NIE|DNI)\b|contribui?nte|contribuyente|fiscal|\btax|\b(?:PT\d{9}|ES[A-Z]\d{7})\b",
    re.IGNORECASE,
)

_KINDS: tuple[Kind, ...] = (
    Kind("text", _PLACEHOLDER),  # what only looks like one of ours must not become one
    Kind(
        "secret",
        _shape(
            r"-----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)", re.DOTALL
        ),
    ),
    Kind("secret", _shape(_TOKENS)),
    Kind(
        "secret", _shape(r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,64}:(?P<it>[^\s:/@]{1,128})@", re.IGNORECASE)
    ),
    Kind(
        "secret",
        _shape(
            rf"(?<![A-Za-z0-9+/]){_NAMES_OF_KEYS}(?=[\"'`\s:=])[\"'`]?\s{{0,3}}(?:[:=]|\b(?:is|é|es)\b)?"
            rf"\s{{0,3}}[\"'`]?(?:(?:bearer|basic)\s+)?(?P<it>[A-Za-z0-9+/=_.~-]{{16,512}})",
            re.IGNORECASE,
        ),
        random_looking,
    ),
    Kind(
        "secret",
        _shape(
            r"(?<![A-Za-z0-9+/])(?:passw(?:or)?d|pwd|senha|contrase[ñn]a|palavra-passe)[\"'`]?\s{0,3}[:=]"
            r"\s{0,3}[\"'`]?(?P<it>[^\s\"'`,;<>]{6,128})",
            re.IGNORECASE,
        ),
        typed_secret,
    ),
    Kind(
        "email",
        _shape(
            r"(?:(?<![\w.+%'-])|(?<=\\[nrt]))[\w.+%'-]{1,64}(?:@|%40)"
            r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w-]{1,24}"
        ),
    ),
    Kind("iban", _shape(_iban_shape(), re.IGNORECASE), iban),
    Kind(
        "card",
        _shape(rf"{_START}(?:\d{{4}}[\ -]?){{3}}\d{{1,7}}{_END}"),
        card,
    ),
    Kind("card", _shape(rf"{_START}3\d{{3}}[\ -]?\d{{6}}[\ -]?\d{{4,5}}{_END}"), card),
    Kind(
        "cnpj",
        _shape(
            rf"{_START}[A-Z0-9]{{2}}\.?[A-Z0-9]{{3}}\.?[A-Z0-9]{{3}}/?[A-Z0-9]{{4}}-?\d{{2}}{_END}",
            re.IGNORECASE,
        ),
        cnpj,
    ),
    Kind("cpf", _shape(rf"{_START}\d{{3}}[.\ ]?\d{{3}}[.\ ]?\d{{3}}[-\ ]?\d{{2}}{_END}"), cpf),
    Kind(
        "nif",
        _shape(
            rf"{_START}(?:\d{{2}}\.?\d{{3}}\.?\d{{3}}|[XYZ][-\ ]?\d{{7}})[-\ ]?[A-Z]{_END}", re.IGNORECASE
        ),
        nif_es,
    ),
    Kind(
        "nif",
        _shape(rf"(?:{_START}|(?<=ES))[A-W][-\ ]?\d{{7}}-?[0-9A-J]{_END}", re.IGNORECASE),
        nif_es,
        _TAX_CUES,
    ),
    Kind(
        "nif",
        _shape(rf"(?:{_START}|(?<=PT))\d{{3}}[\ .]?\d{{3}}[\ .]?\d{{3}}{_END}"),
        nif_pt,
        _TAX_CUES,
    ),
    Kind(
        "phone",
        _shape(
            r"(?:(?<![\w+.-])|(?<=\\[nrt]))(?:\+|00(?=[1-9]\d{0,2}[\ -]))[1-9](?:[\ ().\/-]{0,2}\d){7,14}"
            rf"{_END}"
        ),
        phone,
    ),
    Kind(
        "phone",
        _shape(
            rf"{_START}(?<![.\d-])(?:\(\d{{2,3}}\)\ ?9?\d{{3,4}}[-\ .]\d{{4}}|[1-9]\d\ 9?\d{{4}}-\d{{4}}"
            rf"|[2-9]\d\d-[2-9]\d\d-\d{{4}}|[6-9]\d\d\ \d{{3}}\ \d{{3}}|2\d\d\ \d{{3}}\ \d{{3}}"
            rf"|[6-9]\d\d(?:\ \d\d){{3}}|[89]\d\ \d{{3}}\ \d\d\ \d\d)(?![-.]?\d){_END}"
        ),
        phone,
    ),
    Kind(
        "phone",
        _shape(
            rf"(?:{_PHONE_CUES})[^\d\n+]{{0,25}}?(?P<it>\(?\d(?:[\ ().-]{{0,2}}\d){{7,13}}){_END}",
            re.IGNORECASE,
        ),
        phone,
    ),
)


def found_in(text: str) -> list[Found]:
    """What is to be hidden, in its order; of two that overlap the one that is looked for first."""
    taken: list[Found] = []
    covered = bytearray(len(text))
    for kind in _KINDS:
        if kind.cue is not None and not kind.cue.search(text):
            continue
        for start, end in _spans(kind, text):
            if not any(covered[start:end]) and kind.holds(text[start:end]):
                covered[start:end] = b"\1" * (end - start)
                taken.append(Found(kind.name, start, end))
    return sorted(taken, key=lambda found: found.start)


def _spans(kind: Kind, text: str) -> Iterator[tuple[int, int]]:
    group = "it" if "it" in kind.shape.groupindex else 0
    for match in kind.shape.finditer(text):
        yield match.span(group)


def _replaced(text: str, name: Callable[[str, str], str]) -> str:
    out, at = [], 0
    for kind, start, end in found_in(text):
        out += [text[at:start], name(kind, text[start:end])]
        at = end
    return "".join([*out, text[at:]])


def masked(text: str) -> str:
    """For logs: `<email>` and no more."""
    return _replaced(text, lambda kind, _: f"<{kind}>")


def hidden(text: str) -> str:
    """For what is sent and does not come back: the same text is hidden the same way each time."""
    return Mask()(text)


class Mask:
    """What is hidden in one call: the same thing under the same placeholder, and back again.

    The domain of an address stays: it may be what the matter is about.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def __call__(self, text: str) -> str:
        return _replaced(text, self._name)

    def _name(self, kind: str, value: str) -> str:
        if value not in self._names:
            self._counts[kind] += 1
            name = f"<{kind} {self._counts[kind]}>"
            self._values[name] = value
            _, at, domain = value.rpartition("@")
            self._names[value] = f"{name}@{domain}" if kind == "email" and at else name
        return self._names[value]

    def so_far(self, text: str) -> str:
        """The beginning of a text as it may be shown: what may yet become a placeholder waits for its end."""
        return self.back(_BEGUN.sub("", text))

    def back(self, text: str) -> str:
        """The text with everything put back that was hidden in this call."""

        def value(match: re.Match[str]) -> str:
            known = self._values.get(match["name"])
            if known is None:
                return match[0]
            domain = known.rpartition("@")[2]
            rest = match["domain"] or ""
            if rest and not rest[1:].casefold().startswith(domain.casefold()):
                return match[0]  # of another domain: nobody's address
            return known + rest[len(domain) + 1 :]

        return re.sub(r"(?P<name><[a-z]+ \d{1,4}>)(?P<domain>@[\w.-]+)?", value, text)
