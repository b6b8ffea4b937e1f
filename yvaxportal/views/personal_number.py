"""Reading and entering a resident's personal number (measures M12, M25, M36).

The number appears in the answer to one POST and nowhere else: no URL, no redirect, no form shown again.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeAlias

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults
from translationstring import TranslationString

from yvaxportal.forms.personal_number import NUMBER_FAULTS, enter_schema, read_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.request import PortalRequest
from yvaxportal.resources import PersonalNumber, VaultNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.doubles.merges import standing_of
from yvaxportal.services.residents import ResidentRow
from yvaxportal.values.checkdigits import PersonalNumberError
from yvaxportal.values.text import _
from yvaxportal.vault.purposes import PurposeError
from yvaxportal.vault.vault import NoNumberError, NumberTakenError
from yvaxportal.views.parts import parts_of
from yvaxportal.views.wording import Wording

GROUP = 4
ONCE = "personal-number-forms"
FORMS_OPEN = 8
PURPOSE_FAULTS: dict[str, TranslationString] = {
    "purpose": _("This purpose may not be used today."),
    "case_reference": _("Give the number of the case (letters, digits, hyphens; no personal number)."),
}
USED = _("This form was sent before. Check purpose and case, and ask for the number again.")

Answer: TypeAlias = dict[str, Any] | Response


def needs_fresh_factor(method: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
    """Send to the second factor, and back to this page, unless it was shown a moment ago."""

    @wraps(method)
    def guarded(view: VaultView) -> Answer:
        request = view.request
        shown_at = request.identity.second_factor_at
        fresh = timedelta(minutes=request.portal.settings.fresh_minutes)
        if shown_at is not None and request.now - shown_at <= fresh:
            return method(view)
        came_from = {"came_from": request.path}
        return HTTPSeeOther(request.resource_url(request.root, "second-factor", query=came_from))

    return guarded


def about(request: PortalRequest, resident: ResidentRow) -> str:
    """Return whose number it is, so that nobody is taken for a namesake."""
    born = Wording(request).birth(resident.date_of_birth_written, foreign=resident.is_foreign_national)
    return f"{resident.name}  {born}  {resident.atena_number}"


class VaultView:
    """What the vault's pages share."""

    def __init__(self, context: PersonalNumber | VaultNode, request: PortalRequest) -> None:
        self.context, self.request = context, request

    def refuse(self, form: PortalForm, name: str, message: TranslationString) -> str:
        """Return the form with a message at one field."""
        return self.rejected(form.failure({name: message}))

    def rejected(self, failure: deform.ValidationFailure) -> str:
        """Return the form with its messages."""
        self.request.response.status_int = 422
        return str(failure.render())


@view_defaults(
    context=PersonalNumber,
    permission=Permission.PERSONAL_NUMBER_READ,
    renderer="yvaxportal:templates/vault/personal_number.pt",
)
class ReadPersonalNumber(VaultView):
    """One resident's number."""

    context: PersonalNumber

    def _form(self) -> PortalForm:
        """Return the form with a token of its own: to send it again shows nothing (reload, back button)."""
        token = secrets.token_urlsafe(16)
        self.request.session[ONCE] = [*self._tokens(), token][-FORMS_OPEN:]
        return PortalForm(
            read_schema(self.request.vault.purposes, self.request, token),
            buttons=(deform.Button("show", _("Show the personal number")),),
            formid="personal-number",
        )

    def _tokens(self) -> list[str]:
        return list(self.request.session.get(ONCE, ()))

    def _use(self, token: str) -> bool:
        """Tell whether a form with this token is open, and close it."""
        tokens = self._tokens()
        if token not in tokens:
            return False
        tokens.remove(token)
        self.request.session[ONCE] = tokens
        return True

    def _merged(self) -> list[dict[str, str]]:
        """Return the numbers that were merged into this one: a personal number stays where it was."""
        residents = self.request.root["residents"]
        return [
            {
                "number": one.number,
                "url": self.request.resource_path(residents, one.number, "personal-number", ""),
            }
            for one in standing_of(self.request.db, self.context.resident.id)
            if one.kind == "from"
        ]

    def _page(self, form: str | None, number: str | None = None) -> dict[str, Any]:
        return {
            "about": about(self.request, self.context.resident),
            "parts": parts_of(self.request, self.context.resident_node, "personal-number"),
            "form": form,
            "number": number,
            "seconds": self.request.portal.settings.show_seconds,
            "registered": self.request.vault.has(self.context.resident.id),
            "merged": self._merged(),
            "may_enter": self.request.has_permission(Permission.PERSONAL_NUMBER_ENTER, self.context),
            "base": self.request.resource_path(self.context),
        }

    @view_config(request_method="GET")
    @needs_fresh_factor
    def ask(self) -> Answer:
        """Ask for purpose and case."""
        return self._page(self._form().render())

    @view_config(request_method="POST")
    @needs_fresh_factor
    def show(self) -> Answer:
        """Show the number once, for a limited time."""
        request = self.request
        form = self._form()
        try:
            values = form.validate(request.POST.items())
            if not self._use(str(values["once"])):
                return self._page(self.rejected(form.failure({}, message=USED)))
            number = request.vault.read(
                self.context.resident.id,
                purpose=str(values["purpose"]),
                case_reference=str(values["case_reference"]),
                today=request.today,
                audit=request.audit,
            )
        except deform.ValidationFailure as failure:
            return self._page(self.rejected(failure))
        except PurposeError as error:
            return self._page(self.refuse(form, error.field, PURPOSE_FAULTS[error.field]))
        except NoNumberError:
            return self._page(None)
        digits = number.reveal()
        groups = (digits[start : start + GROUP] for start in range(0, len(digits), GROUP))
        return self._page(None, " ".join(groups))


@view_defaults(
    context=PersonalNumber,
    name="enter",
    permission=Permission.PERSONAL_NUMBER_ENTER,
    renderer="yvaxportal:templates/vault/enter.pt",
)
class EnterPersonalNumber(VaultView):
    """Registering or replacing a resident's number."""

    context: PersonalNumber

    def _form(self) -> PortalForm:
        return PortalForm(
            enter_schema(self.request),
            buttons=(deform.Button("store", _("Register the personal number")),),
            formid="enter-number",
        )

    def _page(self, form: str) -> dict[str, Any]:
        return {
            "about": about(self.request, self.context.resident),
            "form": form,
            "registered": self.request.vault.has(self.context.resident.id),
        }

    @view_config(request_method="GET")
    @needs_fresh_factor
    def ask(self) -> Answer:
        """Show the form."""
        return self._page(self._form().render())

    @view_config(request_method="POST")
    @needs_fresh_factor
    def store(self) -> Answer:
        """Store the number; a wrong check digit or somebody else's number is refused."""
        request = self.request
        form = self._form()
        try:
            values = form.validate(request.POST.items())
            request.vault.store(
                self.context.resident.id,
                str(values["number"]),
                source=str(values["source"]),
                now=request.now,
                audit=request.audit,
            )
        except deform.ValidationFailure as failure:
            return self._page(self.rejected(failure))
        except PersonalNumberError as error:
            return self._page(self.refuse(form, "number", NUMBER_FAULTS[error.reason]))
        except NumberTakenError:
            taken = _("This number is registered for another resident. Check the document and the register.")
            return self._page(self.refuse(form, "number", taken))
        request.flash("success", _("The personal number was registered."))
        return HTTPSeeOther(request.resource_url(self.context))
