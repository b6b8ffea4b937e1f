"""Reading, entering and looking up personal numbers (measures M12, M25, M36).

The number appears in the answer to one POST and nowhere else: no URL, no redirect, no form shown again.
"""

from datetime import timedelta
from typing import Any

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults
from translationstring import TranslationString

from yvaxportal.forms.personal_number import NUMBER_FAULTS, enter_schema, look_up_schema, read_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.request import PortalRequest
from yvaxportal.resources import PersonalNumber, VaultNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.residents import atena_number_of
from yvaxportal.values.checkdigits import PersonalNumberError
from yvaxportal.values.text import _
from yvaxportal.vault.purposes import PurposeError
from yvaxportal.vault.vault import NoNumberError, NumberTakenError
from yvaxportal.views.parts import parts_of

GROUP = 4
PURPOSE_FAULTS: dict[str, TranslationString] = {
    "purpose": _("This purpose may not be used today."),
    "case_reference": _("Give the number of the case (letters, digits, hyphens; no personal number)."),
}


def factor_is_fresh(request: PortalRequest) -> bool:
    """Tell whether the second factor was shown a moment ago, as the settings define it."""
    shown_at = request.identity.second_factor_at
    fresh = timedelta(minutes=request.portal.settings.fresh_minutes)
    return shown_at is not None and request.now - shown_at <= fresh


def ask_second_factor(request: PortalRequest) -> Response:
    """Send to the second factor and back to this page."""
    return HTTPSeeOther(
        request.resource_url(request.root, "second-factor", query={"came_from": request.path})
    )


class VaultView:
    """What the three pages share: they open only with a fresh second factor."""

    def __init__(self, context: PersonalNumber | VaultNode, request: PortalRequest) -> None:
        self.context, self.request = context, request

    def _refuse(self, form: PortalForm, name: str, message: TranslationString) -> str:
        self.request.response.status_int = 422
        return str(form.failure({name: message}).render())

    def _rejected(self, failure: deform.ValidationFailure) -> str:
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
        return PortalForm(
            read_schema(self.request.vault.purposes, self.request),
            buttons=(deform.Button("show", _("Show the personal number")),),
            formid="personal-number",
        )

    def _page(self, form: str | None, number: str | None = None) -> dict[str, Any]:
        return {
            "resident": self.context.resident,
            "parts": parts_of(self.request, self.context.resident_node, "personal-number"),
            "form": form,
            "number": number,
            "seconds": self.request.portal.settings.show_seconds,
            "registered": self.request.vault.has(self.context.resident.id),
            "may_enter": self.request.has_permission(Permission.PERSONAL_NUMBER_ENTER, self.context),
            "base": self.request.resource_path(self.context),
        }

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any] | Response:
        """Ask for purpose and case."""
        if not factor_is_fresh(self.request):
            return ask_second_factor(self.request)
        return self._page(self._form().render())

    @view_config(request_method="POST")
    def show(self) -> dict[str, Any] | Response:
        """Show the number once, for a limited time."""
        request = self.request
        if not factor_is_fresh(request):
            return ask_second_factor(request)
        form = self._form()
        try:
            values = form.validate(request.POST.items())
            number = request.vault.read(
                self.context.resident.id,
                purpose=str(values["purpose"]),
                case_reference=str(values["case_reference"]),
                today=request.today,
                audit=request.audit,
            )
        except deform.ValidationFailure as failure:
            return self._page(self._rejected(failure))
        except PurposeError as error:
            return self._page(self._refuse(form, error.field, PURPOSE_FAULTS[error.field]))
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
            "resident": self.context.resident,
            "form": form,
            "registered": self.request.vault.has(self.context.resident.id),
        }

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any] | Response:
        """Show the form."""
        if not factor_is_fresh(self.request):
            return ask_second_factor(self.request)
        return self._page(self._form().render())

    @view_config(request_method="POST")
    def store(self) -> dict[str, Any] | Response:
        """Store the number; a wrong check digit or somebody else's number is refused."""
        request = self.request
        if not factor_is_fresh(request):
            return ask_second_factor(request)
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
            return self._page(self._rejected(failure))
        except PersonalNumberError as error:
            return self._page(self._refuse(form, "number", NUMBER_FAULTS[error.reason]))
        except NumberTakenError:
            taken = _("This number is registered for another resident. Check the document and the register.")
            return self._page(self._refuse(form, "number", taken))
        request.flash("success", _("The personal number was registered."))
        return HTTPSeeOther(request.resource_url(self.context))


@view_defaults(
    context=VaultNode,
    permission=Permission.PERSONAL_NUMBER_LOOK_UP,
    renderer="yvaxportal:templates/vault/look_up.pt",
)
class LookUpByNumber(VaultView):
    """Finding a resident by number."""

    context: VaultNode

    def _form(self) -> PortalForm:
        return PortalForm(
            look_up_schema(self.request.vault.purposes, self.request),
            buttons=(deform.Button("look_up", _("Look up")),),
            formid="look-up",
        )

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any] | Response:
        """Show the form."""
        if not factor_is_fresh(self.request):
            return ask_second_factor(self.request)
        return {"form": self._form().render(), "nobody": False}

    @view_config(request_method="POST")
    def look_up(self) -> dict[str, Any] | Response:
        """Go to the resident, or say that nobody has the number."""
        request = self.request
        if not factor_is_fresh(request):
            return ask_second_factor(request)
        form = self._form()
        try:
            values = form.validate(request.POST.items())
            resident_id = request.vault.find(
                str(values["number"]),
                purpose=str(values["purpose"]),
                case_reference=str(values["case_reference"]),
                today=request.today,
                audit=request.audit,
            )
        except deform.ValidationFailure as failure:
            return {"form": self._rejected(failure), "nobody": False}
        except PersonalNumberError as error:
            return {"form": self._refuse(form, "number", NUMBER_FAULTS[error.reason]), "nobody": False}
        except PurposeError as error:
            return {"form": self._refuse(form, error.field, PURPOSE_FAULTS[error.field]), "nobody": False}
        if resident_id is None:
            return {"form": self._form().render(), "nobody": True}
        atena_number = atena_number_of(request.db, resident_id)
        return HTTPSeeOther(request.resource_url(request.root, "residents", atena_number, ""))
