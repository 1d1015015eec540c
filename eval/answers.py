"""What an answer is worth: exact match and F1 in the manner of SQuAD and MRQA, as the HippoRAG papers use them.

Rajpurkar et al. 2016, Fisch et al. 2019. Both take the best over all accepted answers. Means over questions are taken in
`eval.qa_report`.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Collection

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Lower case, ASCII punctuation dropped, then a, an and the, then runs of white space squeezed, in this order.

    Dropping punctuation joins what it stood between ("well-known" is "wellknown"): the field's figures do so too.

    >>> normalise("The U.S.  of A.!")
    'us of'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, accepted: Collection[str]) -> float:
    """1 if the normalised answer is one of the normalised *accepted* (at least one), else 0."""
    return _best(answer, accepted, lambda said, wanted: float(said == wanted))


def f1(answer: str, accepted: Collection[str]) -> float:
    """Best token F1 over the *accepted*, in [0, 1]: tokens are the words of the normalised texts, counted as often as said.

    F1 = 2 · precision · recall / (precision + recall) = 2 · |common| / (|answer| + |accepted|); where one side has no word
    left, 1 if neither has.
    """
    return _best(answer, accepted, _token_f1)


def _token_f1(said: str, wanted: str) -> float:
    a, b = Counter(said.split()), Counter(wanted.split())
    total = a.total() + b.total()
    return 2.0 * (a & b).total() / total if total else 1.0


def _best(answer: str, accepted: Collection[str], score: Callable[[str, str], float]) -> float:
    return max(score(normalise(answer), normalise(one)) for one in accepted)
