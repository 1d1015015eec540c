"""What the reader of claims knows about English: attributes that have one value at a time, by the words that ask for them.

Everything is data. A verb phrase stands in the form that claims: present ("lives in") for a state, past ("moved to") for
a change, with "is" or "was" for a passive. `inflections` has the other forms that a sentence may use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from hippomem.text.claims.inflections import ING, PAST, PRESENT

#: How a value is read. name: a proper name; number: with its unit; when, schedule: a day, a time; phrase: anything up to its
#: end; one: of many; the others have a function each, see `predicates`.
Kind = Literal[
    "name",
    "number",
    "when",
    "schedule",
    "phrase",
    "plan",
    "role",
    "inverse",
    "names",
    "dose",
    "count",
    "object",
    "one",
    "switch",
    "leave",
    "stop",
    "pays",
    "runs on",
    "prefers",
    "resigns",
]


class Phrase(NamedTuple):
    """What a verb with its particles claims. particles: the words behind the verb, folded."""

    particles: tuple[str, ...]
    attribute: str
    kind: Kind


def _lines(table: str) -> Iterable[list[str]]:
    return ([cell.strip() for cell in line.split("|")] for line in table.strip().splitlines())


#: attribute | kind | phrases; several lines may have one attribute. The first phrase that fits, of the longest, is read.
_PHRASES = """
schedule     | schedule | was moved to, moved to, was postponed to, was rescheduled to, was pushed to
schedule     | schedule | was pushed back to, was brought forward to, was delayed to, was shifted to
schedule     | schedule | was delayed until, was postponed until, was changed to, changed to
schedule     | schedule | was extended to, extended to, was extended until
schedule     | when     | takes place on, takes place at, is planned for, is called for, starts at, starts on
schedule     | when     | begins at, begins on, leaves at, leaves on, departs at, departs on, runs at
schedule     | when     | is scheduled for, is scheduled at, is scheduled on, is held on, is held at
place        | name     | lives in, lives at, resides in, resides at, is based in, moved to, relocated to, settled in
place        | name     | moved back to, was moved to
schedule     | schedule | slipped to, was moved back to, was moved up to, was moved forward to
schedule     | when     | meets on, meets at
lasting      | when     | runs until, lasts until
venue        | name     | is held in, takes place in
assignee     | name     | is assigned to, was assigned to, was reassigned to
deployment   | name     | is deployed on, is deployed to
written in   | name     | is written in, was rewritten in, is built with
storage      | name     | is stored in, is stored on
parking      | name     | is parked at, is parked in, is parked on
teacher      | name     | is taught by
sponsor      | name     | is sponsored by
supplier     | name     | is supplied by
insurer      | name     | is insured with, is insured by
bank         | name     | banks with
name         | name     | goes by
headquarters | name     | is headquartered in, is headquartered at
location     | name     | is located in, is located at
employer     | name     | works at, works for, teaches at, is employed by, is employed at, started at
employer     | name     | started working at, started working for, was hired by
position     | phrase   | works as
school       | name     | studies at, is enrolled at, is enrolled in, started studying at
schooling    | name     | attends, goes to
partner      | name     | is dating
club         | name     | plays for, signed for
transfer     | name     | was transferred to, transferred to
joined       | name     | joined
weight       | number   | weighs
price        | number   | costs, is priced at, went up to, went down to
value        | number   | was raised to, was increased to, was reduced to, was cut to, was lowered to, increased to
value        | number   | rose to, dropped to, fell to, grew to, was bumped to, was changed to, changed to
car          | name     | drives
dose         | dose     | takes
getting up   | when     | gets up at, wakes up at
end          | when     | ends on, ends at, finishes at, finishes on
opening      | when     | opens at
closing      | when     | closes at
arrival      | when     | arrives at, arrives on
version      | number   | runs on version, runs version, was upgraded to version, was updated to version
version      | number   | upgraded to version, runs on v
plan         | plan     | upgraded to, downgraded to, switched to, is subscribed to
manager      | name     | reports to
owner        | phrase   | is owned by
manager      | phrase   | is managed by, is run by
maintainer   | phrase   | is maintained by
lead         | phrase   | is led by
head         | phrase   | is headed by
coach        | name     | is coached by
host         | name     | is hosted on, is hosted at, was migrated to, migrated to
setting      | phrase   | is set to, was set to, was changed to, changed to
name         | name     | was renamed to, was renamed
called       | name     | is called, is named
spouse       | name     | is married to, married, was married to
fiance       | name     | is engaged to, was engaged to
role         | role     | became, was appointed, was appointed as, was named, was elected, was elected as
role         | role     | took over as, was promoted to
successor    | role     | succeeded, replaced, took over from
age          | number   | turned
count        | count    | has, holds, seats, employs
moves        | object   | moved, postponed, rescheduled, relocated
changes      | object   | changed, updated, set, raised, increased, cut, reduced, lowered, pushed, extended, switched
uses         | switch   | switched, migrated
leaves       | leave    | left, quit, resigned from
sells        | leave    | sold
stops        | stop     | quit, stopped
resigns      | resigns  | resigned as, stepped down as, retired as
lead         | inverse  | leads
head         | inverse  | heads
manager      | inverse  | manages
coach        | inverse  | coaches
maintainer   | inverse  | maintains
chair        | inverse  | chairs
names        | names    | named, appointed, elected, hired, promoted
salary       | number   | earns
pays         | pays     | pays
runs on      | runs on  | runs on, listens on
departure    | phrase   | leaves from, departs from
prefers      | prefers  | prefers
likes        | one      | likes, loves, enjoys
listens to   | one      | listens to
owns         | one      | owns
plays        | one      | plays
uses         | one      | uses
speaks       | one      | speaks
eats         | one      | eats
drinks       | one      | drinks
smokes       | one      | smokes
"""

#: Nouns of one value, by the name of the attribute; the noun itself may be the last words of a longer one ("wifi password").
_NOUNS = """
phone              | number, phone number, telephone number, mobile number, cell number, phone no, telephone, mobile
email              | email, e-mail, email address, e-mail address, mail address
address            | address, home address, postal address, street address
username           | username, user name, login, handle
password           | password, passcode, pin, pin code
birthday           | birthday, date of birth, birth date, birthdate
age                | age
height             | height
weight             | weight
price              | price, cost, fee, membership fee
rent               | rent
salary             | salary, wage, pay
budget             | budget
timezone           | timezone, time zone
plan               | subscription plan, plan, subscription, pricing plan
version            | version, latest version, current version
default branch     | default branch, main branch
host               | host, database host, server
database           | database
hours              | opening hours, office hours, business hours, visiting hours
dose               | dose, dosage
size               | size
major              | major
blood type         | blood type
currency           | currency
pronouns           | pronouns
language           | default language, preferred language
status             | status
marital            | marital status, relationship status
spouse             | husband, wife, spouse
partner            | partner, girlfriend, boyfriend
fiance             | fiance, fiancé, fiancee, fiancée
employer           | employer, workplace
position           | job title, position, job, occupation, profession
school             | school, university, college
place              | residence, place of residence, current city
headquarters       | headquarters, headquarter, head office
population         | population, inhabitants, number of inhabitants, residents, has inhabitants
capacity           | capacity, seating capacity
capital            | capital, capital city
manager            | manager, boss, supervisor, line manager
owner              | owner
lead               | lead, team lead, project lead, leader, tech lead
maintainer         | maintainer
landlord           | landlord, landlady
therapist          | therapist
doctor             | doctor, gp, family doctor
dentist            | dentist
vet                | vet
coach              | coach, head coach, trainer
contact            | contact, contact person, point of contact
editor             | editor, chief editor, editor in chief, editor-in-chief
ceo                | ceo, chief executive officer, chief executive
cto                | cto, chief technology officer
cfo                | cfo, chief financial officer
coo                | coo, chief operating officer
chair              | chair, chairman, chairwoman, chairperson
president          | president
mayor              | mayor
governor           | governor
prime minister     | prime minister, premier
chancellor         | chancellor
head of state      | head of state
head of government | head of government
king               | king
queen              | queen
principal          | principal, headmaster, headmistress, headteacher
captain            | captain
director           | director
head               | head, chief
secretary          | secretary
treasurer          | treasurer
spokesperson       | spokesperson, spokesman, spokeswoman
engineer           | on-call engineer, on call engineer
car                | car
laptop             | laptop
phone model        | smartphone
wifi               | wifi, wi-fi, network name
limit              | limit, rate limit
timeout            | timeout
deadline           | deadline, due date
level              | level
grade              | grade
record             | record
name               | name, nickname, surname, last name, full name
club               | club
diet               | diet
editor             | editor
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
    book film movie episode way lesson tip word dream fear memory gift present wish hope opinion view thought
    favorite favourite feeling experience passion talent strength weakness concern rest majority most kind type sort piece
    bit name effect cause focus theme subject topic message title term use role best worst other another same fact
    beginning end start pick choice suggestion
    recommendation guess vote side bottom top meaning source sign form function feature site location area object""".split()
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
status   | open, closed, reopened, done, in review, in progress, resolved, blocked, merged, approved, rejected
status   | cancelled, canceled, on hold, finished, completed, complete, pending, under review, fixed, shipped
status   | in testing, active, inactive
payment  | paid, unpaid, overdue, refunded
health   | failing, passing
uptime   | online, offline, up, down
stock    | available, unavailable, sold out, in stock, out of stock, vacant, occupied
switch   | enabled, disabled, on, off, switched on, switched off, turned on, turned off
access   | public, private
lock     | locked, unlocked
timing   | on track, delayed, on time, behind schedule, ahead of schedule
marital  | single, married, divorced, engaged, widowed, separated
diet     | vegetarian, vegan, pescatarian
pregnant | pregnant
ill      | sick, ill, injured, healthy, recovered
work     | retired, unemployed, self-employed
"""
STATUS: dict[tuple[str, ...], str] = {
    tuple(state.split()): group for group, states in _lines(_STATUS) for state in states.split(",")
}

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
