"""The text that the model is asked to continue in each window: hotwords, then a prompt, of limited length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from faster_whisper.tokenizer import Tokenizer

#: Half of the decoder's 448 positions, less one, as in Whisper. The text of a window needs the others.
MOST_TOKENS = 223


@dataclass(frozen=True)
class Prompt:
    """The tokens before each window, and whether some of the text was left out."""

    tokens: list[int]
    is_cut: bool = False

    @classmethod
    def of(cls, tokenizer: Tokenizer, initial_prompt: str, hotwords: str) -> Prompt:
        """Keep the first hotwords and the end of the prompt; each has half the room and what is left over."""
        terms, text = (_words(tokenizer, given) for given in (hotwords, initial_prompt))
        kept_terms = _that_fit(terms, max(MOST_TOKENS // 2, MOST_TOKENS - _length(text)))
        kept_text = _that_fit(text[::-1], MOST_TOKENS - _length(kept_terms))[::-1]
        before = [token for word in (*kept_terms, *kept_text) for token in word]
        return cls(
            [*([tokenizer.sot_prev, *before] if before else []), *tokenizer.sot_sequence],
            is_cut=len(kept_terms) + len(kept_text) < len(terms) + len(text),
        )


def _words(tokenizer: Tokenizer, text: str) -> list[list[int]]:
    """Return the tokens of each word."""
    if not text.strip():
        return []
    split: Callable[[list[int]], tuple[list[str], list[list[int]]]] = tokenizer.split_to_word_tokens
    return split(tokenizer.encode(f" {text.strip()}"))[1]


def _length(words: Sequence[Sequence[int]]) -> int:
    return sum(map(len, words))


def _that_fit(words: Sequence[list[int]], most_tokens: int) -> list[list[int]]:
    """Return the first words that have so many tokens together."""
    lengths = accumulate(map(len, words))
    return [word for word, length in zip(words, lengths, strict=True) if length <= most_tokens]
