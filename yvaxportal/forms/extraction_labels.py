"""What rules, answers and circumstances are called on the pages about lists of targets."""

from yvaxportal.services.extraction.criteria import Wanted
from yvaxportal.services.extraction.history import Answer, Outside
from yvaxportal.services.extraction.members import Shown, Side
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.values.text import _

RULES = {
    Rule.AGE: _("Age and target group"),
    Rule.AREA: _("Area"),
    Rule.SCHOOL: _("School district"),
    Rule.NATIONAL_HEALTH_INSURANCE: _("National health insurance"),
    Rule.LATE_ELDERLY_INSURANCE: _("Late-stage elderly insurance"),
    Rule.TAXATION: _("Resident tax"),
    Rule.PUBLIC_ASSISTANCE: _("Public assistance"),
    Rule.DONE: _("Doses already done"),
    Rule.NOT_YET_DUE: _("Not due by then, given the doses so far"),
    Rule.CIRCUMSTANCES: _("Special circumstances"),
    Rule.NO_INVITATION: _("Nothing to be posted"),
    Rule.MOVED_IN: _("Moved in since the day"),
    Rule.GONE: _("Moved out or died meanwhile"),
    Rule.EARLIER_LIST: _("On the earlier list"),
}

WANTED = {
    Wanted.ANY: _("Everybody"),
    Wanted.HELD: _("Only who has it"),
    Wanted.NOT_HELD: _("Only who has it not"),
}

ANSWERS = {
    Answer.ON_LIST: (_("On the list"), "ok"),
    Answer.EXCLUDED: (_("Taken out"), "neutral"),
    Answer.ADDED: (_("Added by hand"), "info"),
    Answer.REMOVED: (_("Removed by hand"), "soon"),
    Answer.OUTSIDE: (_("Did not come into question"), "neutral"),
}

OUTSIDE = {
    Outside.BIRTH: _("Born outside the days that the list asked for."),
    Outside.SEX: _("The programme is for the other sex."),
    Outside.CAME_LATER: _("Became a resident only after the reference date."),
    Outside.NOT_A_RESIDENT: _("Was not a resident on the reference date."),
    Outside.NOT_AT_RISK: _("At this age only with a risk group, and none was recorded."),
    Outside.NEEDS: _("The programme asks for a special circumstance, and none was recorded."),
    Outside.NOT_TOLD: _("The data of today do not tell why: the register was changed since."),
}

SHOWN = {
    Shown.ON_LIST: _("On the list"),
    Shown.DOUBTFUL: _("To be checked"),
    Shown.PROTECTED: _("Under a support measure"),
    Shown.BY_HAND: _("Changed by hand"),
    Shown.OFF_LIST: _("Not on the list"),
}

SIDES = {
    Side.ONLY_FIRST: _("Only on this list"),
    Side.ONLY_SECOND: _("Only on the other list"),
    Side.BOTH: _("On both lists"),
}
