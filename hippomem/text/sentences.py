"""Sentence splitting without a model, for prose in any script and for chat."""

from __future__ import annotations

import regex

#: Words before a full stop that do not end a sentence.
_ABBREVIATIONS = frozenset(
    """adm al approx ave b bros c ca capt cf co col corp d dept dr ed eds e.g eq esp est etc fig figs fr ft gen gov hon i.e
    inc jr kg km lt ltd maj messrs mr mrs ms mt mm no nos op p pp pl prof pt rep rev rs sen sgt sr st ste u.k u.n u.s v vol
    vs""".split()
)
#: Linear in the text: a run is tried from its first character only, and never given back.
_END = regex.compile(
    r"""(?<![.!?…])(?P<stop>[.!?…]++["'”’»)\]]*+)(?=\s|$)   # western: needs a space behind it
      | (?P<wide>[。！？｡．؟۔।॥።]++["'”’」』»）\)]*+)           # others: ends where it stands
      | (?P<line>\n)""",
    regex.VERBOSE,
)
_LAST_WORD = regex.compile(r"[\p{L}\p{N}.\-]+$")
_STARTS_LOWER = regex.compile(r"\s+\p{Ll}")

#: A run without any sentence end (tables, logs, code) is cut at white space near this many characters, so that each piece
#: fits the encoder.
MAX_SENTENCE_CHARACTERS = 1000


def split_sentences(text: str) -> list[str]:
    """Sentences of *text*, in order, stripped, none empty, none longer than ``MAX_SENTENCE_CHARACTERS``.

    Nothing but white space is lost: the sentences joined hold every other character of the text.

    >>> split_sentences("Dr. Ada B. Lovelace met Mr. Babbage. He smiled! 北京是首都。上海不是。")
    ['Dr. Ada B. Lovelace met Mr. Babbage.', 'He smiled!', '北京是首都。', '上海不是。']
    """
    sentences: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if match.group("stop") is not None and not _ends_sentence(text, start, match.start(), match.end()):
            continue
        sentences.extend(_pieces(text[start : match.end()]))
        start = match.end()
    sentences.extend(_pieces(text[start:]))
    return sentences


def _ends_sentence(text: str, start: int, at: int, end: int) -> bool:
    if text[at] != ".":
        return True
    if _STARTS_LOWER.match(text, end):
        return False
    word = _LAST_WORD.search(text, max(start, at - 24), at)
    if word is None:
        return True
    last = word.group().rstrip(".")
    is_initial = len(last) == 1 and last.isupper()
    return not is_initial and last.casefold() not in _ABBREVIATIONS


def _pieces(sentence: str) -> list[str]:
    sentence = sentence.strip()
    pieces = []
    while len(sentence) > MAX_SENTENCE_CHARACTERS:
        cut = sentence.rfind(" ", MAX_SENTENCE_CHARACTERS // 2, MAX_SENTENCE_CHARACTERS)
        cut = MAX_SENTENCE_CHARACTERS if cut < 0 else cut
        pieces.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [piece for piece in [*pieces, sentence] if piece]
