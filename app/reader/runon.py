"""Where a new thought begins in a clause that goes on without any mark: `we upgraded the record is in place`.

What stands before must tell or ask something by itself, and what comes next must begin like a sentence: with
who does it, with a request, or with a thing and its verb. By general words alone, whatever the procedure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.reader import words
from app.reader.cues import anywhere

LONG, BREATHLESS, BRIEF = 12, 20, 6
"""Words; a clause with no more of them tells one thing. Who writes so many without a comma runs on in shorter
ones, too."""

WHOLE, REST = 4, 3
"""Words; fewer are no thought of their own, before a cut and after it."""

_BEGINS = anywhere("begins")
"""Who does something, a verb that says who, or a request: nothing that goes on with what stands before."""
_OF_US = r"(?:tod[oa]s )?(?:(?:os|as|o|a) )?(?:noss|minh|meu)\w*|(?:tod[oa]s )?(?:nuestr[oa]s?|mis?)"
_NAMED = (
    r"(?:the|our|my|all the|all our|every|each|todos os|todas as|todo o|toda a|todos los|todas las|toda la"
    rf"|{_OF_US}|os|as|el|los|las|o|a|la)"
    r" (?!semana|mes|dia|lunes|martes|tarde|noche|noite|manha|menos|vez|same|other|rest)"
    r"(?:(?!(?:and|or|but|that|which|who|e|y|que|mas|pero|if|se|si|the|el|la|los|las|o|a|os|as)\b)\S+ ){1,6}?"
)
_ADVERBS = r"(?:already |just |now |ja |ya |agora |ahora |nao |no |nos |aun |ainda |todavia |l[oa]s? )*"
_IS = (
    r"(?:is|are|was|were|isn't|aren't|has|have|hasn't|haven't|doesn't|shows?|reads|sits|needs|should|must"
    r"|esta|ta|estao|tao|foi|foram|tem|consta|aparece|ficou|continua|encontra-se|saiu|sairam|deve|estan"
    r"|fue|fueron|tiene|figura|quedo|hemos|han quedado|sigue|existe|debe|criamos|tenemos)"
)
_THING = re.compile(rf"(?<!\w)(?:{_NAMED}|\S+\.\w\S* ){_ADVERBS}{_IS}(?!\w)")
"""A thing and what is said of it."""
_LATER = re.compile(
    r"(?:now|today|yesterday|already|here|there|week|month|ago|hoje|ontem|agora|aqui|passad[oa]|hoy|ayer"
    r"|ahora|alli|aca)$"
)
"""As its last word: what stands before has come to an end."""
_MEANT = re.compile(r"(?<!\w)(?:the|those|all|every|any|each|our|my) [\w-]+ $")
"""`the links we track`: who comes next says which ones."""
_SWITCHED = re.compile(r"(?<!\w)(?:to|switched|turned|set|is|are|now|it|put) on$")
_CLOSES = re.compile(
    r"(?::|=) ?(?:done|ok|okay|yes|feit[oa]|pront[oa]|hech[oa]|list[oa]|sim)(?= \w+ \w+)"
    r"|(?<!\w)(?:too|as well|tambem|tambien|tb)(?= (?!que|as|much|many)\w+ \w+)"
)
"""What ends a thought."""
_GOES_ON = re.compile(
    r"(?<!\w)(?:that|which|what|whatever|who|whom|whose|if|whether|when|while|where|why|how|because|since|than|as"
    r"|before|after|until|till|once|unless|although|though|and|or|but|the|a|an|of|in|on|to|for|with|from|by|at"
    r"|about|into|onto|over|under|per|via|not|never|is|are|was|were|be|been|being|has|have|had|do|does|did|can"
    r"|could|would|will|should|may|must|let|make|sure|think|believe|know|see|say|says|said|hope|guess|told|like"
    r"|everything|all|every|each|one|ones|thing|things|way|time|moment|day|both|only|also|i|we|you|they|he|she|it"
    r"|que|se|quando|como|porque|pois|onde|quem|qual|enquanto|de|da|do|das|dos|del|em|no|na|nos|nas|en|con|com"
    r"|por|pelo|pela|para|pra|pro|ao|aos|o|os|el|la|los|las|lo|le|les|me|te|um|uma|un|una|nao|n|ja|ya|ainda|aun"
    r"|todavia|e|y|ou|mas|pero|ni|nem|si|cuando|donde|quien|cual|mientras|sin|sem|sobre|entre|ate|hasta|desde"
    r"|eu|yo|nosotros|gente|ele|ela|eles|elas|voce|voces|vcs|vc|ustedes|usted|acho|creo|sei|se|esta|estao|estan"
    r"|foi|fue|ser|nosso|nossa|nossos|nossas|meu|minha|nuestro|nuestra|nuestros|nuestras|mi|mis|su|seu|sua"
    r"|todos|todas|tudo|todo|toda|our|my|your|their|his|her|this|these|those)$"
)
"""As the last word before a cut: the thought goes on."""


def beginnings(folded: str, *, breathless: bool = False) -> Iterator[int]:
    """Places at which a new thought begins, in order. `breathless`: the whole sentence has no comma."""
    if len(folded.split()) <= (BRIEF if breathless else LONG):
        return
    places = {match.start() for match in _THING.finditer(folded)}
    places |= {m.start() for m in _BEGINS.finditer(folded) if not _MEANT.search(folded[: m.start()])}
    ends = {match.end() + 1 for match in _CLOSES.finditer(folded)}
    start = 0
    for place in sorted(places | ends):
        before = folded[start:place].rstrip()
        if len(folded[place:].split()) < REST:
            continue
        goes_on = _GOES_ON.search(before) and not _SWITCHED.search(before)
        if place in ends or (not goes_on and len(before.split()) >= WHOLE and _tells(before)):
            yield place
            start = place


def _tells(folded: str) -> bool:
    """Something is said, asked or wished; `before the agency left` waits for its end."""
    if any(condition.match(folded) for condition in words.CONDITION.values()):
        return False
    said = (*words.PARTICIPLE.values(), *words.PAST.values(), _VERB, _LATER, words.COMPLETE, _WANTS)
    return any(pattern.search(folded) for pattern in said)


_VERB = re.compile(
    r"(?<!\w)(?:is|are|was|were|has|have|had|does|doesn't|isn't|needs?|shows?|sits|can't|cannot|(?:i|we) \w+"
    r"|esta|ta|estao|tao|foi|foram|tem|temos|tenho|somos|sou|estamos|estou|vamos"
    r"|estan|fue|fueron|tiene|tienen|tenemos|tengo|es|son|hay|ha|han|he|hemos|falta|soy|estoy|voy"
    r"|\w{3,}(?:aram|eram|iram|aron|ieron|ou|eu))(?!\w)|\w(?:'ve|'s|'re|'m)(?!\w)"
)
_WANTS = anywhere("want")
