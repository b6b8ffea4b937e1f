"""What the session remembers of a member of staff's entries: ids only, nothing about anybody."""

import secrets
from string import ascii_lowercase

from yvaxportal.request import PortalRequest

_FORMS = "dose-forms"
_LAST = "last-dose"
_JUST_SAVED = "dose-just-saved"
_KEPT = 10
_MARK_LENGTH = 12


def new_submission() -> str:
    """Return the mark of a form that is handed out now: letters alone, which no check takes for a number."""
    return "".join(secrets.choice(ascii_lowercase) for _place in range(_MARK_LENGTH))


def saved_by_form(request: PortalRequest, submission: str) -> int | None:
    """Return the dose that was saved from this very form, None when it was not used yet."""
    found = request.session.get(_FORMS, {}).get(submission)
    return found if isinstance(found, int) else None


def remember(request: PortalRequest, submission: str, dose_id: int) -> None:
    """Remember the dose that was just saved, and from which form."""
    forms = {**request.session.get(_FORMS, {}), submission: dose_id}
    request.session[_FORMS] = dict(list(forms.items())[-_KEPT:])
    request.session[_LAST] = request.session[_JUST_SAVED] = dose_id


def last_dose(request: PortalRequest) -> int | None:
    """Return the dose that was saved last in this session."""
    found = request.session.get(_LAST)
    return found if isinstance(found, int) else None


def take_just_saved(request: PortalRequest) -> int | None:
    """Return the dose that the next page tells of, once."""
    found = request.session.pop(_JUST_SAVED, None)
    return found if isinstance(found, int) else None
