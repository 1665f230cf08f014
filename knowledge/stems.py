"""Words of a text as stems, the same for a question and for the passage that answers it."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_LINK_TARGET = re.compile(r"\]\([^)\s]*\)|https?://[^\s)>]+")
_STEMMERS = {"en": "english", "pt": "portuguese", "es": "spanish", "fr": "french", "de": "german", "it": "italian"}

# Typed without accents, the endings of a whole family of nouns would stem to something else.
_RESTORED = {
    "pt": (("coes", "ções"), ("cao", "ção"), ("soes", "sões"), ("sao", "são"), ("avel", "ável"), ("encia", "ência")),
    "es": (("ciones", "ciones"), ("cion", "ción"), ("sion", "sión")),
}

_FOREIGN_PLURAL = re.compile("[bcdfghkmnpt]s$")
"""`links`, `tokens`, `webhooks`: Snowball knows no plural like it in Portuguese or Spanish."""

STOP = {
    "en": frozenset(
        "a about above after again all already also am an and any anyone anything are as at be because been before "
        "being below between both but by can cannot could couldn d did didn do does doesn doing don done down during "
        "each either else even ever every few for from further get gets getting give go goes going gone got had has "
        "have haven having he hello help her here hers hey hi him his how i if in instead into is isn it its itself "
        "just know let like ll m made make makes many may maybe me mean might mine more most much must my myself need "
        "needs no nor not now of off ok okay on once one only or other our ours out over own perhaps please really "
        "regarding said same say see she should shouldn show so some something still such sure t take tell than thank "
        "thanks that the their theirs them then there these they thing things think this those through to too tried "
        "try trying under until up upon us use used using ve very via want wants was wasn way we well were weren what "
        "when where whether which while who whom whose why will with won would wouldn yes yet you your yours".split()
    ),
    "pt": frozenset(
        "a ainda alguem algum alguma algumas alguns ali ante antes ao aos apenas apos aquela aquelas aquele aqueles "
        "aqui aquilo as assim ate bem boa bom cada coisa coisas com como conseguir consigo contra cada da dao das de "
        "dela delas dele deles depois desde dessa desse desta deste disso disto do dos e ela elas ele eles em enquanto "
        "entao entre era eram essa essas esse esses esta estao estar estas estava este estes estou eu faca faco favor "
        "faz fazer fazem feito fica ficar foi for foram fosse gostaria ha isso isto ja la lhe lhes mais mas me mesma "
        "mesmo meu meus minha minhas muito muitos na nada nao nas nem nenhum nenhuma nessa nesse nesta neste no nos "
        "nossa nossas nosso nossos num numa o obrigada obrigado oi ola onde os ou para pela pelas pelo pelos per pode "
        "podem poder por porque pois pra precisa precisam preciso qual quais qualquer quando quanto quantos que quem "
        "quer quero sabe saber se seja sem ser sera seu seus sim so sobre sua suas tal tambem tao te tem tenho ter teu "
        "teve tinha tive todo todos toda todas tu tua tudo um uma umas uns vai vao ver vez vezes voce voces vos vou".split()
    ),
    "es": frozenset(
        "a al algo alguien algun alguna algunas alguno algunos ante antes aqui asi aun aunque bien buen buena buenas "
        "bueno buenos cada como con contra cosa cosas cual cuales cualquier cuando cuanto cuantos de debe debo del "
        "desde despues donde dos e el ella ellas ellos en entonces entre era eran eres es esa esas ese eso esos esta "
        "estaba estado estan estar estas este esto estos estoy favor fue fueron gracias ha haber habia hace hacemos "
        "hacen hacer hago han hasta hay he hecho hemos hola la las le les lo los mas me mi mientras mio mis misma "
        "mismo mucho muchos muy nada ni ningun ninguna no nos nosotros nuestra nuestras nuestro nuestros o os otra "
        "otras otro otros para pero poco poder por porque pueda puede pueden puedo pues que quien quiere quiero saber "
        "se sea sera ser si sido sin sobre solo son soy su sus tal tambien tan te tengo tener tiene tienen toda todas "
        "todavia todo todos tras tu tus un una unas uno unos usted ustedes va vamos van ver vez voy y ya yo".split()
    ),
}
"""Words that say nothing about the topic, without accents."""

_lock = threading.Lock()


def stems(text: str, lang: str) -> list[str]:
    """In order, with repeats; stop words left out. `lang` chooses the stemmer."""
    stop = STOP.get(lang, frozenset())
    words = _WORD.findall(_LINK_TARGET.sub("]", unicodedata.normalize("NFKC", text)).lower())
    return [stem for word in words if (stem := _stem(word, lang)) and folded(word) not in stop]


def content_words(text: str, lang: str) -> list[tuple[str, str]]:
    """(word, stem) of the words that are not stop words in any language; for questions."""
    words = _WORD.findall(_LINK_TARGET.sub("]", unicodedata.normalize("NFKC", text)).lower())
    own = STOP.get(lang, frozenset())
    return [(word, _stem(word, lang)) for word in words if folded(word) not in own and _stem(word, lang)]


def folded(word: str) -> str:
    """Without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


@lru_cache(maxsize=50_000)
def _stem(word: str, lang: str) -> str:
    if len(word) < 2 or len(word) > 40:
        return ""
    for plain, accented in _RESTORED.get(lang, ()):
        if word.endswith(plain):
            word = word[: -len(plain)] + accented
            break
    if lang in {"pt", "es"} and len(word) > 3 and _FOREIGN_PLURAL.search(word):
        word = word[:-1]
    name = _STEMMERS.get(lang)
    if name is None or not word.isalpha():
        return folded(word)
    with _lock:  # a Snowball stemmer keeps its word between calls
        return folded(_stemmer(name).stemWord(word))


@lru_cache
def _stemmer(name: str):  # type: ignore[no-untyped-def]
    import snowballstemmer

    return snowballstemmer.stemmer(name)
