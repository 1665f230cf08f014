"""What a conversation asks of the documents: its texts, each with how much it counts. And whether its last
question points at something that nobody has named, or its words tell of no matter at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from knowledge.quotes import sentences
from knowledge.stems import STOP, content_words, folded, stems

HISTORY_WEIGHT = 0.5
"""A message counts half of the one after it, as retrieval measured best."""

REPLY_WEIGHT = 0.1
"""Our last reply: it holds the words for what "it" is."""

OLDEST = 4
"""Earlier messages that still count."""


def asked_of_documents(request: str, earlier: Sequence[str], reply: str = "") -> list[tuple[str, float]]:
    """`request` is what is asked now, `earlier` what the customer said before it, `reply` our last words."""
    before = [(text, HISTORY_WEIGHT**age) for age, text in enumerate(reversed(earlier[-OLDEST:]), 1)]
    texts = [(request, 1.0), *before, (reply, REPLY_WEIGHT)]
    return [(text, weight) for text, weight in texts if text.strip()]


# --- what is pointed at -------------------------------------------------------------------------

# The articles say too little: "the invoice" is the one that every customer has. "Esta" is how many people
# type "está".
_POINTING = {
    "en": "this that these those",
    "pt": "esse essa esses essas este estes aquele aquela aqueles aquelas desse dessa desses dessas deste "
    "desta destes destas nesse nessa nesses nessas neste nesta nestes nestas daquele daquela naquele "
    "naquela",
    "es": "este estos estas ese esa esos esas aquel aquella aquellos aquellas",
}
_HERE = {
    "en": "time day night week weekend month year morning evening moment case way point stage part "
    "situation reason matter question message mail e-mail email chat conversation ticket site "
    "website page app account company service product platform software tool system team address "
    "number text error monday tuesday wednesday thursday friday saturday sunday colleague customer "
    "person user",
    "pt": "vez dia noite semana mes ano manha tarde momento caso forma jeito modo ponto parte situacao "
    "motivo assunto pergunta duvida mensagem e-mail email chat conversa chamado site pagina tela "
    "app aplicativo conta empresa servico produto plataforma software ferramenta sistema equipe "
    "endereco numero texto erro negocio segunda terca quarta quinta sexta sabado domingo colega "
    "cliente pessoa usuario",
    "es": "vez dia noche semana mes ano manana tarde momento caso forma manera modo punto parte situacion "
    "motivo asunto pregunta duda mensaje correo email chat conversacion ticket sitio web pagina "
    "pantalla app aplicacion cuenta empresa servicio producto plataforma software herramienta "
    "sistema equipo direccion numero texto error fin lunes martes miercoles jueves viernes sabado "
    "domingo colega cliente persona usuario",
}
"""What is there while one writes, or needs no name."""

_JOINING = frozenset(("that", "those"))
_BEFORE = frozenset(("about", "at", "by", "for", "from", "in", "is", "of", "on", "to", "was", "with"))
"""Words before a `that` that points; elsewhere it mostly joins two clauses."""

_KIND = re.compile(r"(?:types?|kinds?|sorts?|tipos?|clases?|especies?)")
_OF = frozenset(("of", "de"))
_ENDING = re.compile(r"\w+(?:ed|ing|ly|ado|ada|ido|ida|ando|endo|mente)")
"""No noun, or seldom: `is this intended for us?` points at what was said."""

_TOKEN = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*|[^\w\s]")
_IT = {
    "en": "it this that these those there",
    "pt": "isso isto aquilo disso disto nisso nisto la ai",
    "es": "esto eso aquello ahi alli",
}
IT = {lang: frozenset(words.split()) for lang, words in _IT.items()}
_BRIEFLY = 6
POINTING = {lang: frozenset(words.split()) for lang, words in _POINTING.items()}
HERE = {lang: frozenset(words.split()) for lang, words in _HERE.items()}


def unclear(newest: str, before: Sequence[str], lang: str) -> str:
    """What a question points at and nobody has named, such as `this animal`; empty where all is named.

    `before`: all that was said until then, by both sides.
    """
    known = set(stems(" ".join(before), lang))
    for question in (sentence for sentence in sentences(newest) if sentence.endswith("?")):
        for words, start, end in _pointed(list(_TOKEN.finditer(question)), lang):
            pointed = question[start:end]
            named = known.union(stems(newest.replace(pointed, " "), lang))
            if named.isdisjoint(stem for word in words for stem in stems(word, lang)):
                return pointed
    return ""


def _pointed(tokens: Sequence[re.Match[str]], lang: str) -> Iterator[tuple[list[str], int, int]]:
    """The one or two words after each word that points, and where all of it stands."""
    words = [token.group().lower() for token in tokens]
    for at, word in enumerate(words):
        if word not in POINTING.get(lang, ()) or (word in _JOINING and words[max(0, at - 1)] not in _BEFORE):
            continue
        first = at + 1
        if first + 1 < len(words) and _KIND.fullmatch(folded(words[first])) and words[first + 1] in _OF:
            first += 2
        noun = []
        for next_ in words[first : first + 2]:
            plain = folded(next_)
            if not plain.isalnum() or plain in STOP[lang] or _ENDING.fullmatch(plain):
                break
            noun.append(plain)
        if noun and not HERE[lang].intersection(noun):
            yield noun, tokens[at].start(), tokens[first + len(noun) - 1].end()


def points_back(question: str, lang: str) -> bool:
    """Few words, and what they are about only pointed at: `where do I create this?`"""
    said = [folded(token.group().lower()) for token in _TOKEN.finditer(question)]
    words = [word for word in said if word.isalnum()]
    return len(words) <= _BRIEFLY and not IT.get(lang, frozenset()).isdisjoint(words)


# --- what asks ----------------------------------------------------------------------------------

_ASKS = re.compile(
    r"\?|\b(?:where|how|what|which|who|whom|when|why|whether"
    r"|(?:can|could|may|do|does|is|are) (?:i|we|you|it|there)"
    r"|onde|aonde|como|qual|quais|quem|quando|quantos?|quantas?|por que|da (?:pra|para)"
    r"|donde|cual|cuales|quien|quienes|cuando|cuantos?|cuantas?|por que|se puede|puedo|podemos|hay)\b"
)


def asks(newest: str) -> bool:
    """By its sign, or by a word that questions are made of, wherever it stands."""
    return _ASKS.search(folded(newest.lower())) is not None


_WHAT = r"(?:what|how|where|which|why)"
_O_QUE = r"(?:o que|oq|como|onde|quais|qual|por ?qu[eê])"
_QUE = r"(?:por qu[eé]|qu[eé]|c[oó]mo|d[oó]nde|cu[aá]les|cu[aá]l)"
_WONDERS = re.compile(
    r"(?<!\w)(?:"
    r"(?:do not|don['’]?t|did not|didn['’]?t)\s+(?:know|understand|get|see)\s+"
    rf"(?={_WHAT}(?! i (?:did|said|mean))(?!\w))"
    rf"|(?:no\s+(?:idea|clue)|wonder(?:ing)?)\s+(?={_WHAT}(?!\w))"
    rf"|n(?:[aã]o)?\s+(?:sei|sabemos|entendo|entendi|entendemos)\s+(?={_O_QUE}(?!\w))"
    r"|n[aã]o\s+fa[cç]o\s+ideia\s+d(?:e\s+)?(?=(?:o que|como|onde)(?!\w))"
    r"|no\s+(?:s[eé]|sabemos|entiendo|entend[ií]|entendemos)\s+"
    rf"(?={_QUE}(?! (?:pas[oó]|pasa|hacer|hago))(?!\w))"
    r")",
    re.IGNORECASE,
)
"""What stands before the question in `I do not know what a branded link is`; with or without accents."""


def wonders(said: str) -> bool:
    """A question in the form of a statement."""
    return _WONDERS.search(said) is not None


def wondered(question: str) -> str:
    """`I don't know what a branded link is` asks what one is."""
    found = _WONDERS.search(question)
    return question[found.end() :] if found else question


_ENDS_ASKING = re.compile(r"\?[!?.…]*[*_\"'’”»)\]]*(?=\s|$)")


def ends_in_question(line: str) -> bool:
    """A line of ours, or a sentence in it, ends in a question, whatever mark-up, quote or bracket closes it.
    A sign in an address ends nothing."""
    return _ENDS_ASKING.search(line) is not None


# --- what tells of nothing ----------------------------------------------------------------------

_TROUBLE = {
    "en": "hello hi hey good morning afternoon evening there "
    "help need want work working problem problems issue issues trouble error broken stuck wrong "
    "fail failed fails step steps understand difficult hard easy check look fix try tried "
    "trying do did done doing doesnt dont cant isnt thing things something anything everything "
    "please support assistance question questions urgent asap again still now guide "
    "instructions",
    "pt": "oi ola bom boa dia tarde noite pessoal gente "
    "ajuda ajudar ajudem preciso precisamos quero funciona funcionar funcionando problema "
    "problemas erro erros travado parado errado falha falhou passo passos etapa entendo entendi "
    "entender dificil facil ver olhar verificar arrumar consigo conseguimos conseguir tentei "
    "tentamos tentar fazer faco fiz feito coisa algo nada tudo favor suporte duvida duvidas "
    "pergunta urgente podem pode mim guia instrucoes muito",
    "es": "hola buen buenas buenos dias tardes noches "
    "ayuda ayudar ayudenme ayudame necesito necesitamos quiero funciona funcionar problema "
    "problemas error errores roto parado falla fallo paso pasos entiendo entendi entender "
    "dificil facil ver mirar revisar arreglar logro logramos puedo podemos pueden puede intente "
    "intentamos intentar hacer hago hice hecho cosa algo nada todo favor soporte duda dudas "
    "pregunta urgente guia instrucciones muy",
}
TROUBLE = {lang: frozenset(words.split()) for lang, words in _TROUBLE.items()}


_ONWARD = {
    "en": "ok okay hm huh hey ready left next first last missing come coming going get getting wait waiting "
    "long longer slow quick quickly fast hurry soon time minute minutes hour hours day days today "
    "tomorrow progress news status update continue proceed keep move forward ahead explain "
    "differently exactly idea talking find click clicking send sends same change changed changes "
    "happen happens happening sorry lost other another topic matter thing question quick between meanwhile "
    "separate unrelated note way",
    "pt": "ok hum ei pronto pronta falta faltam proximo primeiro ultimo vamos gente ficou fica esperar "
    "espera esperando demora demorando devagar lento rapido logo tempo minuto minutos hora horas dia "
    "dias hoje amanha progresso novidade novidades status andamento continua continuar continuo "
    "seguir segue andar avancar explicar jeito exatamente ideia falando acho achar clicar clico "
    "enviar igual mudou muda mudanca acontece acontecer desculpa perdi sei estamos alo ai outro outra "
    "assunto coisa duvida pergunta meio aproveitando aproveito proposito aqui",
    "es": "ok eh hum oye listo lista falta faltan siguiente primero ultimo vamos venga esperar espera "
    "esperando tarda tardando lento despacio rapido pronto tiempo minuto minutos hora horas dia dias "
    "hoy manana avance avances novedad novedades estado sigue sigo seguir seguimos continuar avanzar "
    "explica explicar manera exactamente idea habla encuentro encontrar clic enviar igual cambio "
    "cambia pasa pasar perdon perdi estamos otro otra tema asunto cosa duda pregunta entre medias "
    "aprovecho cierto aqui",
}
ONWARD = {lang: frozenset(words.split()) | TROUBLE[lang] for lang, words in _ONWARD.items()}
"""What is said of any matter that goes on, or does not."""


def vague(newest: str, lang: str) -> bool:
    """Says that something is the matter, and no word of what: `it does not work`, `I am stuck at step 3`."""
    return not _names(newest, lang, TROUBLE)


def beside(newest: str, matter: Sequence[str], lang: str) -> bool:
    """Names something, and nothing of the matter: `does that work on a phone?` while a domain is moved.

    `matter`: what it is called, its steps, and what it is about. What announces something else (`another
    thing, in between:`) names nothing.
    """
    named = _names(newest, lang, ONWARD)
    return bool(named) and named.isdisjoint(stem for text in matter for stem in stems(text, lang))


def _names(newest: str, lang: str, common: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The stems of the words that name something."""
    told = [
        (folded(word).replace("'", "").replace("’", ""), stem) for word, stem in content_words(newest, lang)
    ]
    return frozenset(
        stem for word, stem in told if not word.isdigit() and word not in common.get(lang, frozenset())
    )
