"""Finding a resident by personal number: always a POST, so that the number is in no address."""

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.personal_number import NUMBER_FAULTS, look_up_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.resources import VaultNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.residents import atena_number_of
from yvaxportal.values.checkdigits import PersonalNumberError
from yvaxportal.values.text import _
from yvaxportal.vault.purposes import PurposeError
from yvaxportal.views.personal_number import PURPOSE_FAULTS, Answer, VaultView, needs_fresh_factor


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
    @needs_fresh_factor
    def ask(self) -> Answer:
        """Show the form."""
        return {"form": self._form().render(), "nobody": False}

    @view_config(request_method="POST")
    @needs_fresh_factor
    def look_up(self) -> Answer:
        """Go to the resident, or say that nobody has the number."""
        request = self.request
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
            return {"form": self.rejected(failure), "nobody": False}
        except PersonalNumberError as error:
            return {"form": self.refuse(form, "number", NUMBER_FAULTS[error.reason]), "nobody": False}
        except PurposeError as error:
            return {"form": self.refuse(form, error.field, PURPOSE_FAULTS[error.field]), "nobody": False}
        if resident_id is None:
            return {"form": self._form().render(), "nobody": True}
        atena_number = atena_number_of(request.db, resident_id)
        return HTTPSeeOther(request.resource_url(request.root, "residents", atena_number, ""))
