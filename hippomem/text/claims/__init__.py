"""placeholder until merge"""

from typing import NamedTuple

READER = 1


class Claim(NamedTuple):
    slot: str
    value: str


import re


def claims_of_sentence(sentence, *, speaker="", title=""):
    m = re.match(r"(\w+) lives in (\w+)", sentence)
    return [Claim(m[1].casefold() + "|residence", m[2].casefold())] if m else []


def claims_of_triple(s, p, o):
    return [Claim(s.casefold() + "|residence", o.casefold())] if p == "lives in" else []
