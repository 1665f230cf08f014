"""What kind of line a question waits for: a way, a price, a time, a number, somebody or a reason. The words
say what a line is about; the kind says whether it answers."""

from __future__ import annotations

import re
from typing import Literal

from knowledge.stems import folded

Kind = Literal["way", "price", "time", "number", "reason", "who"]

# Without accents and in small letters; the first that speaks wins.
_ASKED: dict[str, tuple[tuple[Kind, str], ...]] = {
    "en": (
        (
            "price",
            r"how much (?:is|are|does|do|for|would|will)\b|\b(?:price|pricing|costs?|fees?|charged?)\b",
        ),
        ("time", r"\bhow (?:long|often|soon|fast|quick\w*)\b|\bwhen (?:do|does|will|is|are|can)\b"),
        ("number", r"\bhow (?:many|much|big|large)\b|\b(?:limit|max|maximum|most|port)\b"),
        ("who", r"\bwho\b|\bwhose\b|\bwhich (?:role|person)\b"),
        ("reason", r"\bwhy\b|\bhow come\b|\bwhat(?:'s| is) (?:the )?(?:reason|wrong)\b"),
        (
            "way",
            r"\bhow (?:do|can|to|should|would|could|does|did)\b|\bwhere (?:do|can|is|are|to|should)\b"
            r"|\bcan (?:you|i|we)\b|\b(?:i|we)(?:'d| would)? (?:want|wanna|need|like)\b|\bplease\b|^need\b",
        ),
    ),
    "pt": (
        ("price", r"\bquanto (?:custa|sai|e|pago|fica|cobra\w*)\b|\b(?:preco|valor|custo|custa|tarifa)s?\b"),
        ("time", r"\bquanto tempo\b|\bquando\b|\bdemora\w*\b|\bprazo\b|\bque horas?\b"),
        ("number", r"\bquant[oa]s\b|\b(?:limite|maximo|maxima|porta)\b"),
        ("who", r"\bquem\b|\bqual papel\b"),
        ("reason", r"\bpor ?que\b|\bpq\b|\bqual (?:o )?motivo\b"),
        (
            "way",
            r"\bcomo (?!assim\b)|\bonde\b|\b(?:quero|queria|preciso|gostaria)\b|\bda p(?:ra|ara)\b"
            r"|\btem como\b|\b(?:consigo|posso|podem?|poderia)\b",
        ),
    ),
    "es": (
        ("price", r"\bcuanto (?:cuesta\w*|sale|es|vale|cobran|pago)\b|\b(?:precio|costo|tarifa)s?\b"),
        ("time", r"\bcuanto tiempo\b|\bcuanto (?:tarda|demora)\w*\b|\bcuando\b|\bplazo\b|\ba que hora\b"),
        ("number", r"\bcuant[oa]s?\b|\b(?:limite|maximo|maxima|puerto)\b"),
        ("who", r"\bquien(?:es)?\b|\bque rol\b"),
        ("reason", r"\bpor que\b|\bxq\b|\bcual es el motivo\b"),
        (
            "way",
            r"\bcomo\b|\bdonde\b|\b(?:quiero|quisiera|necesito|me gustaria)\b|\bse puede\b"
            r"|\b(?:puedo|pueden?|podria)\b",
        ),
    ),
}
_PATTERNS = {lang: [(kind, re.compile(pattern)) for kind, pattern in asked] for lang, asked in _ASKED.items()}

_GIVES: dict[Kind, re.Pattern[str]] = {
    "way": re.compile(
        r"\*\*[^*]+ > [^*]+\*\*|^\W*(?:go to|choose|open|va em|escolha|abra|clique|ve a|elige)\b"
    ),
    "price": re.compile(
        r"(?:usd|eur|brl|r?\$|€)\s?\d|\d\s?(?:usd|eur|brl|€|\$)|nothing extra|sem custo|gratis"
    ),
    "time": re.compile(
        r"\d\s*(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|segundos?|minutos?|horas?|dias?|semanas?"
        r"|mes(?:es)?|anos?)\b|\d\d:\d\d|\b(?:daily|at once|immediately|monday|na hora|segunda a|lunes a)\b"
    ),
    "number": re.compile(r"\d"),
    "who": re.compile(
        r"\b(?:owners?|admins?|accountants?|everybody|anybody|nobody|everyone|people|person|role"
        r"|proprietarios?|administrador\w*|contador\w*|todo mundo|ninguem|pessoas?|papel"
        r"|propietari\w*|duen\w*|todos|nadie|personas?|rol)\b"
    ),
    "reason": re.compile(
        r"\b(?:because|since|when|if|means|so that|porque|pois|quando|se|significa|ya que|cuando|si)\b"
    ),
}


def awaited(question: str, lang: str) -> Kind | None:
    """None where the question does not say."""
    plain = folded(question.lower())
    return next((kind for kind, pattern in _PATTERNS.get(lang, ()) if pattern.search(plain)), None)


def gives(line: str, kind: Kind) -> bool:
    """Whether a line is of that kind."""
    return bool(_GIVES[kind].search(folded(line.lower())))
