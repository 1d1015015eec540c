"""Words that carry a statement, void it, or end a part of it; none of them is an attribute."""

from __future__ import annotations

BE_PRESENT = frozenset(["am", "is", "are"])
BE_PAST = frozenset(["was", "were"])
AUXILIARIES = (
    BE_PRESENT | BE_PAST | frozenset(["has", "have", "been", "being", "be", "do", "does", "did", "had", "will"])
)
MODALS = frozenset("would could might should can must shall cannot".split())
#: May stand inside a verb, or before and behind a statement, and change nothing that is asked.
ADVERBS = frozenset(
    """now currently recently just still also finally officially already presently actually permanently lately
    again anymore always really sorry update fyi please note so and but then ok okay well yes hi hey today""".split()
)
#: A sentence with one of these states nothing, or states it as somebody's words.
SILENT = frozenset(
    """if whether would could might should unless maybe perhaps probably possibly likely imagine suppose pretend wish wishes
    hope hopes hoping want wants wanted wanting plans planning intend intends consider considers considering
    thinking think thinks thought believe believes believed said says say saying told tells asked asks claims claimed
    according reportedly allegedly rumour rumor supposed expected going dream dreams dreamt dreamed until till formerly
    previously originally former once fictional dreaming almost nearly wonder wondering guess hypothetically""".split()
)
#: A clause that opens with one of these is the background of another statement.
BACKGROUND = frozenset(
    "when while after before as because although though where who which whose whom that than".split()
)
#: Where a clause ends, besides punctuation.
CONJUNCTIONS = frozenset(
    "and but or so because while although though which who whose whom where when that than".split()
)
#: Words that are no part of a noun phrase.
NOT_IN_NOUN_PHRASE = frozenset(
    """i you he she it we they me him us them this these those there here what who which how why not no never very too as
    if than because do does did am is are was were been be have has had would could should can will must by
    like into about after before during between under over some any many most several few each every all both either
    neither one two other others another such same""".split()
)
QUANTIFIERS = frozenset(
    "one two three four some any many most several few each every all both either neither other others another".split()
)
PREPOSITIONS = frozenset("of for at in on".split())
#: May stand within a noun phrase: "the flight from Oslo", "my appointment with Dr. Lee".
INNER = PREPOSITIONS | {"with", "from", "to"}
#: Ends a value.
STOPPERS = frozenset(
    """in on at for with since from as because by to into after before during until when while which who that where now
    and or but so if not than like last next this these every again anymore currently today instead too also via using
    per a an each about under over near is was are has have will just only yesterday tomorrow tonight still together
    alone permanently recently daily weekly monthly yearly nightly hourly once twice""".split()
)
NAME_CONNECTORS = frozenset(
    "of de del della der den di da do dos das du la las le les los van von zu bin ibn y e & the".split()
)
WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
MONTHS = frozenset(
    """january february march april may june july august september october november december jan feb mar apr jun jul aug
    sep sept oct nov dec""".split()
)
TIME_WORDS = frozenset("noon midnight am pm a.m p.m o'clock morning afternoon evening tomorrow".split())
NUMBERS = {
    word: str(number)
    for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
MAGNITUDES = frozenset("hundred thousand million billion k m bn".split())
UNITS = frozenset(
    """euro euros dollar dollars pound pounds franc francs yen eur usd gbp chf cent cents kg kilo kilos kilograms lb lbs
    stone g mg mcg µg iu ml l cm m metres meters feet foot ft inches years year percent degrees seconds minutes hours
    days weeks months km miles gb mb tb""".split()
)
#: "has 3 million inhabitants": words for the same count.
COUNTS = {"inhabitants": "population", "residents": "population", "people": "population"}

#: Words of a place within a place, whose name no country has.
PLACES = frozenset("room hall building street road avenue lane floor block court square".split())
#: "300 metres long": what is measured.
DIMENSIONS = {
    "tall": "height", "high": "height", "old": "age", "long": "length", "wide": "width", "deep": "depth",
    "thick": "thickness",
}  # fmt: skip

CONTRACTIONS: dict[str, tuple[str, ...]] = {
    "i'm": ("i", "am"), "i've": ("i", "have"), "i'd": ("i", "would"), "i'll": ("i", "will"), "we're": ("we", "are"),
    "we've": ("we", "have"), "we'd": ("we", "would"), "we'll": ("we", "will"), "he's": ("he", "is"), "she's": ("she", "is"),
    "it's": ("it", "is"), "they're": ("they", "are"), "you're": ("you", "are"), "that's": ("that", "is"),
    "don't": ("do", "not"), "doesn't": ("does", "not"), "didn't": ("did", "not"), "isn't": ("is", "not"),
    "aren't": ("are", "not"), "wasn't": ("was", "not"), "won't": ("will", "not"), "haven't": ("have", "not"),
    "hasn't": ("has", "not"), "can't": ("can", "not"), "there's": ("there", "is"), "what's": ("what", "is"),
}  # fmt: skip
