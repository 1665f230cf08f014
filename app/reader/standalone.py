"""What is asked, as a sentence that stands alone."""

from __future__ import annotations

from collections.abc import Sequence

from app.reader import wishes, words
from app.reader.heard import Voice
from app.reader.lexical import bag
from app.reader.spoken import is_request
from knowledge.model import Procedure


def standalone(voices: Sequence[Voice], procedure: Procedure | None) -> str:
    """The last question or request; with the topic where it would not stand alone."""
    asked = [
        (voice, sentence)
        for voice in voices
        if voice.message.role == "customer"
        for sentence in voice.parted.sentences
        if (sentence.question or is_request(sentence) or words.asks(sentence.piece.folded))
        and not wishes.HOLD.search(sentence.piece.folded)
    ]
    if not asked:
        own = [s for voice in voices if voice.message.role == "customer" for s in voice.parted.sentences]
        return own[-1].piece.text if own else ""
    voice, sentence = asked[-1]
    text = sentence.piece.text
    if len(bag(sentence.piece.folded, voice.lang).concepts) >= 4:
        return text
    earlier = next(
        (s.piece.text for v, s in reversed(asked[:-1]) if len(bag(s.piece.folded, v.lang).concepts) >= 3),
        None,
    )
    topic = earlier or (procedure.title if procedure else None)
    return f"{text} ({topic})" if topic and topic not in text else text
