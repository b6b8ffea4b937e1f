"""Who is left out of a programme whatever their age (施行規則2条)."""

from datetime import date

from yvaxportal.programme.person import Person
from yvaxportal.programme.reasons import Reason, reason
from yvaxportal.programme.schedule import Programme


def exclusion(programme: Programme, person: Person, day: date) -> Reason | None:
    """Return why somebody is left out on a day, None when they are not."""
    if not person.circumstances:
        return None
    citation = programme.rules[-1].citations[0]
    had = set()
    for one in person.circumstances:
        if one.starts_on is not None and one.starts_on > day:
            continue
        if one.kind == "disease_history":
            had.add(one.subject)
        elif one.kind == "contraindication" and not one.holds_on(day):
            continue
        elif one.kind == "contraindication" and _concerns(programme, one.subject):
            return reason("contraindicated", citation)
        if one.kind in programme.excluded_by or f"{one.kind}:{one.subject}" in programme.excluded_by:
            return reason("excluded", citation)
    if programme.diseases and had.issuperset(programme.diseases):
        return reason("had_disease", citation)
    return None


def _concerns(programme: Programme, subject: str) -> bool:
    """Tell whether a contraindication leaves nothing of a programme."""
    return subject in {"", programme.code} or (subject,) == programme.vaccines
