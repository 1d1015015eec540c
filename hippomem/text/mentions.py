"""Names in a sentence, found without model weights.

First pass (`find_spans`): what the sentence alone shows to be a name, by capitals, quotation marks, or, in scripts
without capitals, by being a content word. Second pass (`match_gazetteer`): names that the rest of the corpus knows, found
by longest match; it is what finds "new york" in lower case or a film called "Now" inside a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import regex

from hippomem.text.fold import Token, fold, join_key, normalise, tokenize
from hippomem.text.words import STOP_WORDS

#: Longest name, in tokens.
MAX_WORDS = 8
MAX_CHARACTERS = 16

#: Lower-case words that may stand inside a name ("Bank of the West", "Ludwig van Beethoven").
_CONNECTORS = frozenset(
    "of the and de del della der den di da do dos das du la las le les los van von zu zur al el bin ibn y e et und &".split()
)
#: Capitalised words that are not part of the name behind them: they open sentences.
_LEADING = frozenset(
    """a an the this that these those his her hers its their theirs my our your he she it they we you i in on at by for from
    to with of as after before during since until while when where which who whom whose what why how if although though
    because and or but nor so yet also however both either neither there here is are was were did does do has have had can
    could may might shall should will would not no yes let please many most some all each every other another such one two
    three several under over between among against about into within without through then thus although despite following
    according being born once only even still later earlier today now""".split()
)
_TRAILING = frozenset(["of", "the", "and", "&", "de", "la", "du", "von", "van", "y", "e", "et", "und"])
_QUOTED = regex.compile(
    r"""“([^“”]{2,80})”|„([^„“”]{2,80})[“”]|«([^«»]{2,80})»|「([^「」]{2,40})」|『([^『』]{2,40})』|《([^《》]{2,40})》|"([^"]{2,80})"|``([^`']{2,80})''"""
)
#: What may stand between two words of one name: a space, a hyphen, an apostrophe, or the full stop of an initial.
_GAP = regex.compile(r"[ \u00a0]|[ ]?[-‐‑–][ ]?|['’]|[ ]?&[ ]?|·|・")
_INITIAL_GAP = regex.compile(r"\.[ -]?")
_SHORT_TITLES = frozenset(["dr", "mr", "mrs", "ms", "st", "mt", "ft", "jr", "sr", "prof", "gen", "col", "lt", "capt"])
#: Function characters that end a name in running Chinese and Japanese text (Japanese grammar is written in Hiragana).
_HAN_FUNCTION = frozenset(
    "的是在了和与與于於为為有由位被把从從到对對并並而且或及之其这這那个個也又就着著過过把他她它們们以所"
)
#: Letters without case; the long vowel mark of Katakana is a modifier letter (タワー, コンピューター).
_UNCASED_WORD = regex.compile(r"^[\p{Lo}\p{M}ー]+$")
_HAN = regex.compile(r"^\p{Han}$")
_HANGUL = regex.compile(r"^\p{Hangul}$")


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a text. key: its folded form, never "".    surface: as it stands in the (normalised) text."""

    key: str
    surface: str


def find_spans(text: str) -> list[Mention]:
    """First pass: names that *text* itself shows, in order, each key once. Keys of digits only are dropped."""
    normalised = normalise(text)
    return spans_of(normalised, tokenize(normalised))


def spans_of(normalised: str, tokens: Sequence[Token]) -> list[Mention]:
    """`find_spans` of a text that is normalised and tokenised already."""
    found: dict[str, Mention] = {}

    def keep(span: Sequence[Token]) -> None:
        if span and len(span) <= (MAX_CHARACTERS if span[0].character else MAX_WORDS):
            key = join_key(span)
            if not key.replace(" ", "").isnumeric() and len(key) > 1:
                found.setdefault(key, Mention(key, normalised[span[0].start : span[-1].end]))

    for span in _capitalised(normalised, tokens):
        keep(span)
        for part in _split_and(span):
            keep(part)
    for match in _QUOTED.finditer(normalised):
        inside = [t for t in tokens if t.start >= match.start() and t.end <= match.end()]
        if inside and not all(t.folded in STOP_WORDS for t in inside):
            keep(inside)
    if not normalised.isascii():
        for span in _uncased(normalised, tokens):
            keep(span)
    return list(found.values())


def _is_capital(token: Token) -> bool:
    if token.text.isascii():
        return token.text != token.folded
    return any(c.isupper() or c.istitle() for c in token.text)


def _gap_joins(normalised: str, left: Token, right: Token) -> bool:
    gap = normalised[left.end : right.start]
    if _GAP.fullmatch(gap):
        return True
    is_initial = (len(left.text) == 1 and left.text.isupper()) or left.folded in _SHORT_TITLES
    return is_initial and _INITIAL_GAP.fullmatch(gap) is not None


def _capitalised(normalised: str, tokens: Sequence[Token]) -> list[list[Token]]:
    """Runs of capitalised words, with lower-case connectors and digits between and digits behind them."""
    spans: list[list[Token]] = []
    run: list[Token] = []
    for token in tokens:
        joins = bool(run) and _gap_joins(normalised, run[-1], token)
        if run and not joins:
            spans.append(run)
            run = []
        capital, digits = _is_capital(token), token.text[0].isdigit()
        if capital or digits or (run and token.folded in _CONNECTORS and not token.character):
            run.append(token)
        elif run:
            spans.append(run)
            run = []
    spans.append(run)
    return [trimmed for span in spans if (trimmed := _trim(span))]


def _trim(span: list[Token]) -> list[Token]:
    start, end = 0, len(span)
    while start < end and _opens_nothing(span, start):
        start += 1
    while end > start and (span[end - 1].folded in _TRAILING or span[end - 1].folded in _CONNECTORS):
        end -= 1
    kept = span[start:end]
    return kept if any(_is_capital(token) for token in kept) else []


def _opens_nothing(span: Sequence[Token], i: int) -> bool:
    """Whether the word at *i* cannot be the first of a name: a function word, or a number before one ("in 1990 the")."""
    digits = span[i].text[0].isdigit()
    if digits and i + 1 < len(span):
        return span[i + 1].folded in _LEADING
    return span[i].folded in _LEADING or not (digits or _is_capital(span[i]))


def _split_and(span: Sequence[Token]) -> list[list[Token]]:
    """The parts of "A and B", beside the whole, since either may be the name."""
    parts: list[list[Token]] = [[]]
    for token in span:
        if token.folded in ("and", "&", "und", "et"):
            parts.append([])
        else:
            parts[-1].append(token)
    return [trimmed for part in parts if (trimmed := _trim(part))] if len(parts) > 1 else []


def _uncased(normalised: str, tokens: Sequence[Token]) -> list[list[Token]]:
    """Content words of scripts without capitals: Han runs between function characters, Katakana, Hangul stems, words."""
    spans: list[list[Token]] = []
    run: list[Token] = []
    for token in tokens:
        if token.character and _HAN.match(token.folded) and not _ends_han_name(normalised, token):
            if run and run[-1].end != token.start:
                spans.append(run)
                run = []
            run.append(token)
            continue
        spans.append(run)
        run = []
        if not token.character and _UNCASED_WORD.match(token.folded) and len(token.folded) > 2:
            spans.append([token])
    spans.append(run)
    spans.extend(_hangul_stems(normalised, tokens))
    return [span for span in spans if span and (len(span) > 1 or not span[0].character)]


def _ends_han_name(normalised: str, token: Token) -> bool:
    if token.folded == "和":  # "and", but not in 共和国 (republic) or 和平 (peace)
        return normalised[token.end : token.end + 1] not in ("国", "國", "平")
    return token.folded in _HAN_FUNCTION


#: Korean particles, longest first: the noun is what stands before them.
_PARTICLES = tuple(
    sorted(
        (
            "은 는 이 가 을 를 의 에 에서 에게 으로 로 와 과 도 만 부터 까지 "
            "이다 입니다 이며 에는 에서는 으로는 이라고 라는 이라는"
        ).split(),
        key=lambda p: (-len(p), p),
    )
)


def _hangul_stems(normalised: str, tokens: Sequence[Token]) -> list[list[Token]]:
    spans: list[list[Token]] = []
    run: list[Token] = []

    def flush() -> None:
        word = "".join(t.folded for t in run)
        particle = next((p for p in _PARTICLES if word.endswith(p) and len(word) - len(p) >= 2), "")
        spans.append(run[: len(run) - len(particle)])

    for token in tokens:
        if run and run[-1].end != token.start:
            flush()
            run = []
        if token.character and _HANGUL.match(token.folded):
            run.append(token)
        elif run:
            flush()
            run = []
    flush()
    return [span for span in spans if len(span) > 1]


_PARENTHESIS = regex.compile(r"[(（][^()（）]*[)）]\s*$")


def title_key(title: str) -> str:
    """The key of the entity that a title names: the title without a closing parenthesis, folded.

    >>> title_key("Now (Fireflight album)")
    'now'
    """
    return fold(_PARENTHESIS.sub("", title)) or fold(title)


def ngrams(tokens: Sequence[Token]) -> set[str]:
    """Keys of all token sequences that a gazetteer could know: what to look up before `match_gazetteer`."""
    return {key for start in range(len(tokens)) for key in _keys_from(tokens, start)}


def _keys_from(tokens: Sequence[Token], start: int) -> list[str]:
    return keys_from(tokens, start, _reach(tokens, start))


def keys_from(tokens: Sequence[Token], start: int, stop: int) -> list[str]:
    """Keys of tokens[start : start + 1], tokens[start : start + 2], … tokens[start : stop]: `join_key`, step by step."""
    previous = tokens[start]
    key = previous.folded
    keys = [key]
    for token in tokens[start + 1 : stop]:
        touching = previous.character and token.character and previous.end == token.start
        key += token.folded if touching else " " + token.folded
        keys.append(key)
        previous = token
    return keys


def _reach(tokens: Sequence[Token], start: int) -> int:
    return min(len(tokens), start + (MAX_CHARACTERS if tokens[start].character else MAX_WORDS))


def match_gazetteer(
    normalised: str,
    tokens: Sequence[Token],
    known: Callable[[str], bool],
    opens: Callable[[str], bool] | None = None,
) -> list[Mention]:
    """Second pass: greedy longest match, left to right, of the known keys over *tokens*; in order, each key once.

    A one-word match needs a capital or a digit in the text where its script has capitals ("now" is not the film "Now"),
    a match of stop words only needs all of them capitalised.
    opens: false for a word that is the first word (up to a space) of no known key; only saves time.
    """
    found: dict[str, Mention] = {}
    i = 0
    while i < len(tokens):
        # A character's key may go on without a space.
        if opens is not None and not tokens[i].character and not opens(tokens[i].folded):
            i += 1
            continue
        keys = _keys_from(tokens, i)
        for length in range(len(keys), 0, -1):
            key = keys[length - 1]
            if known(key) and _looks_like_name(span := tokens[i : i + length]):
                found.setdefault(key, Mention(key, normalised[span[0].start : span[-1].end]))
                i += length
                break
        else:
            i += 1
    return list(found.values())


def _looks_like_name(span: Sequence[Token]) -> bool:
    if all(token.folded in STOP_WORDS for token in span):
        return all(_is_capital(token) for token in span)
    if len(span) > 1:
        return True
    text = span[0].text
    return text.lower() == text.upper() or any(c.isupper() or c.isdigit() for c in text)
