"""What an LLM will probably answer about passages, from their length."""

from __future__ import annotations

from collections.abc import Sequence

from hippomem.models.llm import Usage
from indexing.extract import PassageText
from indexing.extract.llm import Scheme
from indexing.extract.llm.size import estimate_tokens

#: Tokens of an answer: so many, and so many for each of its passage's. Least squares over the 1,890 passages of
#: musique-train100: their recorded answers (GPT-3.5), written in the form that is asked for (`eval.tokens.render`) and
#: counted with cl100k_base. What is left has a standard deviation of 42 tokens (compact) and 54 (plain) a passage.
ANSWER = {"compact": (61.0, 0.71), "plain": (88.0, 0.77)}
#: What the number of a passage takes, where several are answered about at once.
NUMBERED = 5.0


def expected(group: Sequence[PassageText], scheme: Scheme) -> Usage:
    """Tokens and calls of one group. Two calls answer what one call in the plain form does."""
    fixed, per_token = ANSWER["plain" if scheme.calls == 2 else scheme.form]
    if len(group) > 1:
        fixed += NUMBERED
    tokens = sum(fixed + per_token * estimate_tokens(f"{each.title}\n{each.text}") for each in group)
    return Usage(scheme.prompt_tokens(group), round(tokens), scheme.calls)
