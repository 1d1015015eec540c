"""What the reader of claims knows about English: attributes that have one value at a time, and what asks for silence.

Everything is data. A verb phrase stands in the form that claims: present ("lives in") for a state, past ("moved to") for
a change, with "is" or "was" for a passive. `inflections` holds the other forms that a sentence may use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

#: How a value is read: a proper name; a number with its unit; a day or a time; anything up to the end of the phrase; the
#: role that the subject has; what a schedule is moved to (day, time, or else a place); one of many (likes, owns).
Kind = Literal[
    "name", "number", "when", "schedule", "phrase", "plan", "role", "dose", "count", "object", "one", "switch", "leave"
]


class Phrase(NamedTuple):
    """What a verb with its particles claims. particles: the words behind the verb, folded."""

    particles: tuple[str, ...]
    attribute: str
    kind: Kind


def _lines(table: str) -> Iterable[list[str]]:
    return ([cell.strip() for cell in line.split("|")] for line in table.strip().splitlines())


#: base, third person, -ing, past, participle (when it differs).
_VERBS = """
live lives living lived | reside resides residing resided | work works working worked | join joins joining joined
study studies studying studied | attend attends attending attended | go goes going went gone | move moves moving moved
relocate relocates relocating relocated | settle settles settling settled | base bases basing based
weigh weighs weighing weighed | cost costs costing cost | price prices pricing priced | take takes taking took taken
get gets getting got gotten | wake wakes waking woke woken | start starts starting started | begin begins beginning began begun
end ends ending ended | finish finishes finishing finished | open opens opening opened | close closes closing closed
leave leaves leaving left | depart departs departing departed | arrive arrives arriving arrived | run runs running ran run
hold holds holding held | seat seats seating seated | employ employs employing employed | have has having had
play plays playing played | report reports reporting reported | own owns owning owned | manage manages managing managed
maintain maintains maintaining maintained | lead leads leading led | head heads heading headed | coach coaches coaching coached
marry marries marrying married | engage engages engaging engaged | divorce divorces divorcing divorced
set sets setting set | host hosts hosting hosted | schedule schedules scheduling scheduled | enrol enrols enrolling enrolled
enroll enrolls enrolling enrolled | headquarter headquarters headquartering headquartered | locate locates locating located
postpone postpones postponing postponed | reschedule reschedules rescheduling rescheduled | push pushes pushing pushed
bring brings bringing brought | delay delays delaying delayed | shift shifts shifting shifted | change changes changing changed
switch switches switching switched | upgrade upgrades upgrading upgraded | downgrade downgrades downgrading downgraded
update updates updating updated | migrate migrates migrating migrated | rename renames renaming renamed
raise raises raising raised | increase increases increasing increased | reduce reduces reducing reduced | cut cuts cutting cut
lower lowers lowering lowered | drop drops dropping dropped | rise rises rising rose risen | fall falls falling fell fallen
grow grows growing grew grown | appoint appoints appointing appointed | promote promotes promoting promoted
elect elects electing elected | name names naming named | become becomes becoming became become | succeed succeeds succeeding succeeded
replace replaces replacing replaced | turn turns turning turned | transfer transfers transferring transferred
quit quits quitting quit | resign resigns resigning resigned | drive drives driving drove driven | use uses using used
like likes liking liked | love loves loving loved | enjoy enjoys enjoying enjoyed | speak speaks speaking spoke spoken
eat eats eating ate eaten | drink drinks drinking drank drunk | smoke smokes smoking smoked | stop stops stopping stopped
pay pays paying paid | earn earns earning earned | bump bumps bumping bumped | sign signs signing signed
hire hires hiring hired | subscribe subscribes subscribing subscribed
"""

PAST: dict[str, str] = {}
PRESENT: dict[str, str] = {}
ING: dict[str, str] = {}
for _verb in _VERBS.replace("\n", "|").split("|"):
    if _forms := _verb.split():
        PRESENT |= {_forms[0]: _forms[0], _forms[1]: _forms[0]}
        ING[_forms[2]] = _forms[0]
        PAST |= dict.fromkeys(_forms[3:], _forms[0])
for _same in ("cost", "cut", "set", "quit"):  # their base form is mostly a past, or a noun
    del PRESENT[_same]

#: attribute | kind | phrases
_PHRASES = """
schedule    | schedule | was moved to, moved to, was postponed to, was rescheduled to, was pushed to, was pushed back to, was brought forward to, was delayed to, was shifted to, was delayed until, was postponed until, was changed to, changed to
schedule    | when     | starts at, starts on, begins at, begins on, leaves at, leaves on, departs at, departs on, runs at, is scheduled for, is scheduled at, is scheduled on, is held on, is held at
place       | name     | lives in, lives at, resides in, resides at, is based in, moved to, relocated to, settled in, moved back to, was moved to, is held in
headquarters| name     | is headquartered in, is headquartered at
location    | name     | is located in, is located at
employer    | name     | works at, works for, is employed by, is employed at, joined, started at, started working at, started working for, was hired by
position    | phrase   | works as
school      | name     | studies at, attends, goes to, is enrolled at, is enrolled in, started studying at
club        | name     | plays for, was transferred to, signed for
weight      | number   | weighs
price       | number   | costs, is priced at, went up to, went down to
value       | number   | was raised to, was increased to, was reduced to, was cut to, was lowered to, increased to, rose to, dropped to, fell to, grew to, was bumped to, was changed to, changed to
car         | name     | drives
dose        | dose     | takes
getting up  | when     | gets up at, wakes up at
end         | when     | ends on, ends at, finishes at, finishes on
opening     | when     | opens at
closing     | when     | closes at
arrival     | when     | arrives at, arrives on
version     | number   | runs on version, runs version, was upgraded to version, was updated to version, upgraded to version, runs on v
plan        | plan     | upgraded to, downgraded to, switched to, is subscribed to
manager     | name     | reports to
owner       | phrase   | is owned by
manager     | phrase   | is managed by, is run by
maintainer  | phrase   | is maintained by
lead        | phrase   | is led by
head        | phrase   | is headed by
coach       | name     | is coached by
host        | name     | is hosted on, is hosted at, was migrated to, migrated to
setting     | phrase   | is set to, was set to, was changed to, changed to
name        | name     | was renamed to, was renamed
spouse      | name     | is married to, married, was married to
fiance      | name     | is engaged to, was engaged to
role        | role     | became, was appointed, was appointed as, was named, was elected, was elected as, took over as, was promoted to
successor   | role     | succeeded, replaced, took over from
age         | number   | turned
count       | count    | has, holds, seats, employs
object      | object   | moved, postponed, rescheduled
uses        | switch   | switched, changed, migrated, moved
leaves      | leave    | left, quit, resigned from
salary      | number   | earns
likes       | one      | likes, loves, enjoys
owns        | one      | owns
plays       | one      | plays
uses        | one      | uses
speaks      | one      | speaks
eats        | one      | eats
drinks      | one      | drinks
smokes      | one      | smokes
"""

#: (lemma, voice) → phrases, longest particles first. voice: "state", "event", "passive state", "passive event".
PHRASES: dict[tuple[str, str], list[Phrase]] = {}
for _attribute, _kind, _phrases in _lines(_PHRASES):
    for _words in (phrase.split() for phrase in _phrases.split(",")):
        _voice = {"is": "passive state", "was": "passive event"}.get(_words[0], "")
        _main = _words[1] if _voice else _words[0]
        _voice = _voice or ("state" if _main in PRESENT else "event")
        _voice = "state" if _main in ING else _voice
        _lemma = PAST.get(_main) or PRESENT.get(_main) or ING[_main]
        _rest = tuple(_words[2:] if _words[0] in ("is", "was") else _words[1:])
        PHRASES.setdefault((_lemma, _voice), []).append(Phrase(_rest, _attribute, _kind))  # type: ignore[arg-type]
for _list in PHRASES.values():
    _list.sort(key=lambda phrase: -len(phrase.particles))

#: Nouns of one value, by the name of the attribute; the noun itself may be the last words of a longer one ("wifi password").
_NOUNS = """
phone        | phone number, telephone number, mobile number, cell number, phone no, telephone, mobile
email        | email, e-mail, email address, e-mail address, mail address
address      | address, home address, postal address, street address
username     | username, user name, login, handle
password     | password, passcode, pin, pin code
birthday     | birthday, date of birth, birth date, birthdate
age          | age
height       | height
weight       | weight
price        | price, cost, fee, membership fee
rent         | rent
salary       | salary, wage, pay
budget       | budget
timezone     | timezone, time zone
plan         | subscription plan, plan, subscription, pricing plan
version      | version, latest version, current version
default branch | default branch, main branch
host         | host, database host, server
database     | database
status       | status
marital      | marital status, relationship status
spouse       | husband, wife, spouse
partner      | partner, girlfriend, boyfriend
fiance       | fiance, fiancé, fiancee, fiancée
employer     | employer, workplace
position     | job title, position, job, occupation, profession, title
school       | school, university, college
place        | residence, place of residence, current city, location
headquarters | headquarters, headquarter, head office
population   | population, inhabitants, number of inhabitants, residents, has inhabitants
capacity     | capacity, seating capacity
capital      | capital, capital city
manager      | manager, boss, supervisor, line manager
owner        | owner
lead         | lead, team lead, project lead, leader, tech lead
maintainer   | maintainer
landlord     | landlord, landlady
therapist    | therapist
doctor       | doctor, gp, family doctor
dentist      | dentist
vet          | vet
coach        | coach, head coach, trainer
contact      | contact, contact person
editor       | editor, chief editor, editor in chief, editor-in-chief
ceo          | ceo, chief executive officer, chief executive
cto          | cto, chief technology officer
cfo          | cfo, chief financial officer
coo          | coo, chief operating officer
chair        | chair, chairman, chairwoman, chairperson
president    | president
mayor        | mayor
governor     | governor
prime minister | prime minister, premier
chancellor   | chancellor
head of state| head of state
head of government | head of government
king         | king
queen        | queen
principal    | principal, headmaster, headmistress, headteacher
captain      | captain
director     | director
head         | head, chief
secretary    | secretary
treasurer    | treasurer
spokesperson | spokesperson, spokesman, spokeswoman
engineer     | on-call engineer, on call engineer
car          | car
laptop       | laptop
phone model  | smartphone
wifi         | wifi, wi-fi, network name
limit        | limit, rate limit
timeout      | timeout
deadline     | deadline, due date
level        | level
grade        | grade
record       | record
name         | name, nickname, surname, last name, full name
club         | club
diet         | diet
editor       | editor
"""
NOUNS: dict[str, str] = {noun.strip(): attribute for attribute, nouns in _lines(_NOUNS) for noun in nouns.split(",")}
#: Attributes that a person has of a body: "X is the <role> of Y" says who Y's is.
ROLES = frozenset(
    """ceo cto cfo coo chair president mayor governor capital manager owner lead maintainer editor coach principal captain
    director head secretary treasurer spokesperson chancellor king queen contact vet""".split()
) | {"prime minister", "head of state", "head of government"}
#: Of these a person has several at a time, or they are no attribute at all: never one value.
MANY = frozenset(
    """friend son daughter child kid brother sister sibling cousin uncle aunt nephew niece colleague coworker neighbour
    neighbor hobby interest skill language allergy pet cat dog problem issue idea reason thing part point purpose goal aim
    advice plan example member one advantage disadvantage benefit challenge question answer difference result story song
    book film movie episode way lesson tip secret key word dream fear memory gift present wish hope opinion view thought
    favorite favourite feeling experience passion talent strength weakness concern rest majority most kind type sort piece
    bit name effect cause focus theme subject topic message title term use role best worst other another same fact
    beginning end start side bottom top meaning source sign form function feature site location area object""".split()
)
#: A possessor whose bearer is not one: "my friend lives in …" may be two friends.
LOOSE = frozenset(
    "friend cousin colleague coworker neighbour neighbor uncle aunt nephew niece classmate roommate guy".split()
)
FAVOURITE = frozenset(["favourite", "favorite"])
#: Said of the moment; the attribute is the same without them.
FRESH = frozenset("current new present incumbent acting latest newest updated actual".split())

#: States of which one excludes the others of its line.
_STATUS = """
status  | open, closed, reopened, done, in review, in progress, resolved, blocked, merged, approved, rejected, cancelled, canceled, on hold, finished, completed, complete, pending, under review, fixed, shipped, in testing
payment | paid, unpaid, overdue, refunded
health  | failing, passing
uptime  | online, offline, up, down
stock   | available, unavailable, sold out, in stock, out of stock, vacant, occupied
switch  | enabled, disabled, active, inactive, switched on, switched off, turned on, turned off
access  | public, private
lock    | locked, unlocked
timing  | on track, delayed, on time, behind schedule, ahead of schedule
marital | single, married, divorced, engaged, widowed, separated
diet    | vegetarian, vegan, pescatarian
work    | retired, unemployed, self-employed
"""
STATUS: dict[tuple[str, ...], str] = {
    tuple(state.split()): group for group, states in _lines(_STATUS) for state in states.split(",")
}

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
    hope hopes hoping want wants wanted wanting plans planning planned intend intends consider considers considering
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
    if than because do does did am is are was were been be have has had would could should can will must to from by with
    like into about after before during between under over some any many most several few each every all both either
    neither one two other others another such same""".split()
)
PREPOSITIONS = frozenset("of for at in on".split())
#: Ends a value.
STOPPERS = frozenset(
    """in on at for with since from as because by to into after before during until when while which who that where now
    and or but so if not than like last next this these every again anymore currently today instead too also via using
    per a an each about under over near is was are has have will just only yesterday tomorrow tonight still together
    alone permanently recently""".split()
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
    stone g mg µg ml l cm m metres meters feet foot ft inches years year percent degrees seconds minutes hours
    days weeks months km miles gb mb tb""".split()
)
#: "has 3 million inhabitants": words for the same count.
COUNTS = {"inhabitants": "population", "residents": "population", "people": "population"}

#: Lives in Rome and lives in Italy: each answers its own question.
COUNTRIES = frozenset(
    """afghanistan|albania|algeria|argentina|armenia|australia|austria|azerbaijan|bangladesh|belarus|belgium|bolivia|brazil
    |bulgaria|cambodia|cameroon|canada|chile|china|colombia|costa rica|croatia|cuba|cyprus|czechia|czech republic|denmark
    |ecuador|egypt|estonia|ethiopia|finland|france|georgia|germany|ghana|greece|guatemala|hungary|iceland|india|indonesia
    |iran|iraq|ireland|israel|italy|jamaica|japan|jordan|kazakhstan|kenya|kuwait|latvia|lebanon|lithuania|luxembourg
    |malaysia|malta|mexico|mongolia|morocco|nepal|netherlands|new zealand|nigeria|north korea|norway|pakistan|panama
    |paraguay|peru|philippines|poland|portugal|qatar|romania|russia|rwanda|saudi arabia|senegal|serbia|singapore|slovakia
    |slovenia|somalia|south africa|south korea|korea|spain|sri lanka|sudan|sweden|switzerland|syria|taiwan|tanzania
    |thailand|tunisia|turkey|uganda|ukraine|united arab emirates|uae|united kingdom|uk|u k|great britain|britain
    |united states|united states of america|us|u s|usa|u s a|america|uruguay|uzbekistan|venezuela|vietnam|yemen|zambia
    |zimbabwe|north america|south america|europe|asia|africa""".replace("\n    ", "").split("|")
) - {"singapore"}
REGIONS = frozenset(
    """england|scotland|wales|northern ireland|bavaria|catalonia|tuscany|ontario|quebec|british columbia|alberta|victoria
    |new south wales|queensland|alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|hawaii
    |idaho|illinois|indiana|iowa|kansas|kentucky|louisiana|maine|maryland|massachusetts|michigan|minnesota|mississippi
    |missouri|montana|nebraska|nevada|new hampshire|new jersey|new mexico|north carolina|north dakota|ohio|oklahoma|oregon
    |pennsylvania|rhode island|south carolina|south dakota|tennessee|texas|utah|vermont|virginia|west virginia|wisconsin
    |wyoming""".replace("\n    ", "").split("|")
)
#: Words of a place within a place, whose name no country has.
PLACES = frozenset("room hall building street road avenue lane floor block court square".split())
#: "300 metres long": what is measured.
DIMENSIONS = {
    "tall": "height", "old": "age", "long": "length", "wide": "width", "high": "height", "deep": "depth", "thick": "thickness",
}  # fmt: skip

CONTRACTIONS: dict[str, tuple[str, ...]] = {
    "i'm": ("i", "am"), "i've": ("i", "have"), "i'd": ("i", "would"), "i'll": ("i", "will"), "we're": ("we", "are"),
    "we've": ("we", "have"), "we'd": ("we", "would"), "we'll": ("we", "will"), "he's": ("he", "is"), "she's": ("she", "is"),
    "it's": ("it", "is"), "they're": ("they", "are"), "you're": ("you", "are"), "that's": ("that", "is"),
    "don't": ("do", "not"), "doesn't": ("does", "not"), "didn't": ("did", "not"), "isn't": ("is", "not"),
    "aren't": ("are", "not"), "wasn't": ("was", "not"), "won't": ("will", "not"), "haven't": ("have", "not"),
    "hasn't": ("has", "not"), "can't": ("can", "not"), "there's": ("there", "is"), "what's": ("what", "is"),
}  # fmt: skip

#: A sentence without any of these words claims nothing.
#: A past of be claims only with a participle, which is a word of its own here.
TRIGGERS = frozenset({*PAST, *PRESENT, *ING, *BE_PRESENT, *CONTRACTIONS, "be", "been"}) - {"had"}
#: What the subject "Anna" can have behind it, not "I": a base form behind a name is another word ("Sounds like fun").
THIRD_PERSON = frozenset(
    {_verb.split()[1] for _verb in _VERBS.replace("\n", "|").split("|") if _verb.strip()} | {"is", "has", "does"}
)
BASE = frozenset(PRESENT) - THIRD_PERSON | {"am", "are", "have", "do"}
