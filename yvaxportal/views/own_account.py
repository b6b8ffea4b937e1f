"""One's own account: password, second factor, recent sign-ins."""

import io
from base64 import b64decode, b64encode
from typing import Any

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.security import remember
from pyramid.view import view_config, view_defaults
from translationstring import TranslationString

from yvaxportal.forms.rendering import PortalForm
from yvaxportal.forms.sign_in import ChangePasswordSchema, EnrolSchema
from yvaxportal.models.staff import StaffAccount
from yvaxportal.request import PortalRequest
from yvaxportal.resources import OwnAccount
from yvaxportal.security.permissions import Permission
from yvaxportal.security.policy import TOKEN, hash_token, new_token
from yvaxportal.services.accounts import PasswordRefusedError, change_own_password
from yvaxportal.services.passwords import MIN_LENGTH
from yvaxportal.services.second_factor import confirm, offer
from yvaxportal.services.sessions import live_sessions_of, renew_token
from yvaxportal.services.sign_in import SignInRefusedError
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _

OFFERED = "offered-factor"
PASSWORD_FAULTS: dict[str, TranslationString] = {
    "present": _("The present password is wrong."),
    "length": _(
        "The new password is too short or too long (${count} to 128 characters).",
        mapping={"count": MIN_LENGTH},
    ),
    "simple": _("The new password repeats a few characters. Choose a sentence."),
    "login": _("The new password contains the user ID."),
    "common": _("The new password is one that many people use."),
    "used": _("The new password was used before."),
}


@view_defaults(context=OwnAccount, permission=Permission.SIGNED_IN)
class MyAccount:
    """What anybody may see and change of themself."""

    def __init__(self, context: OwnAccount, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.identity = request.identity

    def _account(self) -> StaffAccount:
        return self.request.db.get_one(StaffAccount, self.identity.staff_id)

    @view_config(request_method="GET", renderer="yvaxportal:templates/account/account.pt")
    def show(self) -> dict[str, Any]:
        """Show who one is and where one is signed in."""
        sessions = live_sessions_of(self.request.db, self.identity.staff_id, self.request.now)
        return {
            "identity": self.identity,
            "base": self.request.resource_path(self.context),
            "sessions": [
                {
                    "address": str(session.address),
                    "begun": format_jst(session.created_at),
                    "seen": format_jst(session.last_seen_at),
                    "here": session.id == self.identity.session_id,
                }
                for session in sessions
            ],
        }

    def _password_form(self) -> PortalForm:
        return PortalForm(
            ChangePasswordSchema().bind(request=self.request),
            buttons=(deform.Button("change", _("Change the password")),),
            formid="change-password",
        )

    @view_config(name="password", request_method="GET", renderer="yvaxportal:templates/account/password.pt")
    def ask_password(self) -> dict[str, Any]:
        """Show the form."""
        return {"form": self._password_form().render(), "must": self.identity.must_change_password}

    @view_config(name="password", request_method="POST", renderer="yvaxportal:templates/account/password.pt")
    def change_password(self) -> dict[str, Any] | Response:
        """Change the password; this session goes on under a new token, the others end."""
        request, form = self.request, self._password_form()
        try:
            values = form.validate(request.POST.items())
            change_own_password(
                request.db,
                request.audit,
                self._account(),
                present=str(values["present"]),
                new=str(values["new"]),
                now=request.now,
                session_id=self.identity.session_id,
            )
        except deform.ValidationFailure as failure:
            return self._again(failure)
        except PasswordRefusedError as error:
            name = "present" if error.fault == "present" else "new"
            return self._again(form.failure({name: PASSWORD_FAULTS[error.fault]}))
        token = new_token()
        renew_token(request.db, self.identity.session_id, hash_token(token), self.identity.second_factor_at)
        request.session[TOKEN] = token
        request.flash("success", _("The password was changed."))
        return HTTPSeeOther(
            request.resource_url(self.context), headers=remember(request, self.identity.login)
        )

    def _again(self, failure: deform.ValidationFailure) -> dict[str, Any]:
        self.request.response.status_int = 422
        return {"form": failure.render(), "must": self.identity.must_change_password}

    def _enrol_form(self) -> PortalForm:
        return PortalForm(
            EnrolSchema().bind(request=self.request),
            buttons=(deform.Button("confirm", _("Confirm")),),
            formid="enrol",
        )

    def _owes_old_code(self) -> bool:
        """Whoever has a second factor proves it before they exchange it."""
        return self.identity.has_second_factor and not self.request.factor_is_fresh

    def _enrolment_page(self, form: str, secret: str) -> dict[str, Any]:
        enrolment = offer(self.identity.login, self.request.portal.settings.municipality_name, secret)
        # Only here in a web process: it costs a megabyte.
        import segno  # noqa: PLC0415

        picture = io.BytesIO()
        segno.make(enrolment.uri, error="m").save(
            picture, kind="svg", xmldecl=False, svgns=True, scale=4, border=4, svgclass="qr", lineclass=None
        )
        groups = [secret[start : start + 4] for start in range(0, len(secret), 4)]
        return {"form": form, "picture": picture.getvalue().decode("utf-8"), "secret": " ".join(groups)}

    @view_config(
        name="second-factor", request_method="GET", renderer="yvaxportal:templates/account/second_factor.pt"
    )
    def offer_factor(self) -> dict[str, Any] | Response:
        """Offer a new secret for an authenticator app."""
        request = self.request
        if self._owes_old_code():
            came_from = request.resource_path(self.context, "second-factor")
            return HTTPSeeOther(
                request.resource_url(request.root, "second-factor", query={"came_from": came_from})
            )
        secret = offer(self.identity.login, "").secret
        sealed = request.portal.key_ring.seal_secret(self._offer_name(), secret.encode("ascii"))
        request.session[OFFERED] = b64encode(sealed).decode("ascii")
        return self._enrolment_page(self._enrol_form().render(), secret)

    def _offer_name(self) -> str:
        return f"offered totp:{self.identity.login}"

    @view_config(
        name="second-factor", request_method="POST", renderer="yvaxportal:templates/account/second_factor.pt"
    )
    def keep_factor(self) -> dict[str, Any] | Response:
        """Keep the secret once its first code fits; that code counts as the session's second factor."""
        request, form = self.request, self._enrol_form()
        offered = request.session.get(OFFERED)
        if self._owes_old_code() or not isinstance(offered, str):
            return HTTPSeeOther(request.resource_url(self.context, "second-factor"))
        secret = request.portal.key_ring.open_secret(self._offer_name(), b64decode(offered)).decode("ascii")
        try:
            values = form.validate(request.POST.items())
            confirm(
                request.db,
                request.audit,
                request.portal.key_ring,
                staff_id=self.identity.staff_id,
                secret=secret,
                code=str(values["code"]),
                now=request.now,
            )
        except deform.ValidationFailure as failure:
            request.response.status_int = 422
            return self._enrolment_page(failure.render(), secret)
        except SignInRefusedError:
            request.response.status_int = 422
            wrong = form.failure({"code": _("The code does not fit. Check the clock of the device.")})
            return self._enrolment_page(wrong.render(), secret)
        request.session.pop(OFFERED)
        token = new_token()
        renew_token(request.db, self.identity.session_id, hash_token(token), request.now)
        request.session[TOKEN] = token
        request.flash("success", _("The second factor is set up."))
        return HTTPSeeOther(
            request.resource_url(self.context), headers=remember(request, self.identity.login)
        )
