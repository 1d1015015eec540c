"""Claims for freshness, without a model: which statements answer one question that has one answer at a time.

A later statement retires an earlier one if and only if they have a claim with the same slot and another value.
"""

from hippomem.text.claims.making import Claim
from hippomem.text.claims.reader import claims_of_sentence
from hippomem.text.claims.triples import claims_of_triple

#: Raised when a statement may get other claims than before: stores read theirs anew.
READER = 1

__all__ = ["READER", "Claim", "claims_of_sentence", "claims_of_triple"]
