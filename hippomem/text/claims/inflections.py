"""The forms of the verbs that the lexicon names."""

from __future__ import annotations

from hippomem.text.claims.function_words import BE_PRESENT, CONTRACTIONS

#: base, third person, -ing, past, participle (when it differs).
_VERBS = """
slip slips slipping slipped | meet meets meeting met | last lasts lasting lasted
appoint appoints appointing appointed | arrive arrives arriving arrived | assign assigns assigning assigned
attend attends attending attended | bank banks banking banked | base bases basing based
become becomes becoming became become | begin begins beginning began begun | bring brings bringing brought
build builds building built | bump bumps bumping bumped | call calls calling called | chair chairs chairing chaired
change changes changing changed | close closes closing closed | coach coaches coaching coached
cost costs costing cost | cut cuts cutting cut | date dates dating dated | delay delays delaying delayed
depart departs departing departed | deploy deploys deploying deployed | divorce divorces divorcing divorced
downgrade downgrades downgrading downgraded | drink drinks drinking drank drunk | drive drives driving drove driven
drop drops dropping dropped | earn earns earning earned | eat eats eating ate eaten | elect elects electing elected
employ employs employing employed | end ends ending ended | engage engages engaging engaged
enjoy enjoys enjoying enjoyed | enrol enrols enrolling enrolled | enroll enrolls enrolling enrolled
extend extends extending extended | fall falls falling fell fallen | finish finishes finishing finished
get gets getting got gotten | go goes going went gone | grow grows growing grew grown | have has having had
head heads heading headed | headquarter headquarters headquartering headquartered | hire hires hiring hired
hold holds holding held | host hosts hosting hosted | increase increases increasing increased
insure insures insuring insured | join joins joining joined | lead leads leading led | leave leaves leaving left
like likes liking liked | listen listens listening listened | live lives living lived
locate locates locating located | love loves loving loved | lower lowers lowering lowered
maintain maintains maintaining maintained | manage manages managing managed | marry marries marrying married
migrate migrates migrating migrated | move moves moving moved | name names naming named | open opens opening opened
own owns owning owned | park parks parking parked | pay pays paying paid | plan plans planning planned
play plays playing played | postpone postpones postponing postponed | prefer prefers preferring preferred
price prices pricing priced | promote promotes promoting promoted | push pushes pushing pushed
quit quits quitting quit | raise raises raising raised | reassign reassigns reassigning reassigned
reduce reduces reducing reduced | relocate relocates relocating relocated | rename renames renaming renamed
replace replaces replacing replaced | report reports reporting reported
reschedule reschedules rescheduling rescheduled | reside resides residing resided | resign resigns resigning resigned
retire retires retiring retired | rewrite rewrites rewriting rewrote rewritten | rise rises rising rose risen
run runs running ran run | schedule schedules scheduling scheduled | seat seats seating seated
sell sells selling sold | set sets setting set | settle settles settling settled | shift shifts shifting shifted
sign signs signing signed | smoke smokes smoking smoked | speak speaks speaking spoke spoken
sponsor sponsors sponsoring sponsored | start starts starting started | step steps stepping stepped
stop stops stopping stopped | store stores storing stored | study studies studying studied
subscribe subscribes subscribing subscribed | succeed succeeds succeeding succeeded
supply supplies supplying supplied | switch switches switching switched | take takes taking took taken
teach teaches teaching taught | transfer transfers transferring transferred | turn turns turning turned
update updates updating updated | upgrade upgrades upgrading upgraded | use uses using used
wake wakes waking woke woken | weigh weighs weighing weighed | work works working worked
write writes writing wrote written
"""

#: Form → base form. THIRD_PERSON: the forms that "Anna" can have behind it, not "I".
PAST: dict[str, str] = {}
PRESENT: dict[str, str] = {}
ING: dict[str, str] = {}
_third = {"is", "has", "does"}
for _forms in (verb.split() for verb in _VERBS.strip().replace("\n", "|").split("|")):
    PRESENT |= {_forms[0]: _forms[0], _forms[1]: _forms[0]}
    ING[_forms[2]] = _forms[0]
    PAST |= dict.fromkeys(_forms[3:], _forms[0])
    _third.add(_forms[1])
for _same in ("cost", "cut", "set", "quit"):  # their base form is mostly a past, or a noun
    del PRESENT[_same]
THIRD_PERSON = frozenset(_third)
#: What "Anna" cannot have behind it: there it is another word ("Sounds like fun").
BASE = frozenset(PRESENT) - THIRD_PERSON | {"am", "are", "have", "do"}

#: A sentence without any of these words claims nothing, unless it has a number. A past of be needs a participle.
TRIGGERS = frozenset({*PAST, *PRESENT, *ING, *BE_PRESENT, *CONTRACTIONS, "be", "been"}) - {"had"}
