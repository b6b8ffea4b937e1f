"""Signing in and out, the second factor, and the language of the pages."""

from datetime import timedelta
from typing import Any

import deform
from pyramid.csrf import new_csrf_token
from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED, forget, remember
from pyramid.view import view_config, view_defaults
from translationstring import TranslationString

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.forms.sign_in import SecondFactorSchema, SignInSchema
from yvaxportal.models.codes import Outcome
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Root
from yvaxportal.security.permissions import Permission
from yvaxportal.security.policy import ENDED, TOKEN, hash_token, new_token
from yvaxportal.services.sessions import begin_session, end_session, groups_of, renew_token
from yvaxportal.services.sign_in import (
    Accepted,
    SignInRefusedError,
    check_code,
    check_password,
    refuse_terminal,
)
from yvaxportal.values.clock import to_jst
from yvaxportal.values.text import _
from yvaxportal.views import LOCALES

WHY_ENDED = {
    "idle": _("You were signed out because nothing was done for a while."),
    "expired": _("You were signed out because the longest time of a session was over."),
    "revoked": _("This account can no longer be used. Ask your administrator."),
    "ended": _("An administrator ended your session."),
    "password": _("The password was changed, so you have to sign in again."),
    "groups": _("Your groups were changed, so you have to sign in again."),
    "terminal": _("This account cannot be used from this terminal."),
}


def local_path(path: str) -> str:
    """Return ``path`` when it leads to a page of ours, the first page otherwise."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if ours and "\\" not in path else "/"


def refusal(error: SignInRefusedError, wrong: TranslationString) -> TranslationString:
    """Return the sentence for a refused attempt; it never says which part was wrong."""
    if error.reason == "locked" and error.until is not None:
        # Rounded up, so that who waits for the minute shown is not refused again.
        time = f"{to_jst(error.until + timedelta(seconds=59)):%H:%M}"
        return _("Too many failures. Try again after ${time}.", mapping={"time": time})
    if error.reason == "terminal":
        return _("Your groups may not be used from this terminal. Use a registered terminal.")
    return wrong


@view_defaults(
    context=Root,
    name="sign-in",
    permission=NO_PERMISSION_REQUIRED,
    renderer="yvaxportal:templates/sign_in/sign_in.pt",
)
class SignIn:
    """The page before everything else."""

    def __init__(self, context: Root, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.form = PortalForm(
            SignInSchema().bind(request=request),
            buttons=(deform.Button("sign_in", _("Sign in")),),
            formid="sign-in",
        )

    @view_config(request_method="GET")
    def show(self) -> dict[str, Any] | Response:
        """Show the form, and why the last session ended."""
        came_from = local_path(self.request.GET.get("came_from", "/"))
        if self.request.identity is not None:
            return HTTPSeeOther(came_from)
        why = self.request.session.pop(ENDED, None)
        if why in WHY_ENDED:
            self.request.flash("info", WHY_ENDED[why])
        return self._page(self.form.render({"came_from": came_from}))

    @view_config(request_method="POST")
    def sign_in(self) -> dict[str, Any] | Response:
        """Begin a session, with a new token and a new CSRF token."""
        request = self.request
        try:
            values = self.form.validate(request.POST.items())
            accepted = self._check(str(values["login"]), str(values["password"]))
        except deform.ValidationFailure as failure:
            return self._again(failure)
        except SignInRefusedError as error:
            message = refusal(error, _("The user ID or the password is wrong."))
            return self._again(self.form.failure({}, message=message))
        came_from = local_path(str(values["came_from"]))
        locale = request.session.get("locale")
        request.session.invalidate()
        if locale is not None:
            request.session["locale"] = locale
        token = new_token()
        request.session[TOKEN] = token
        new_csrf_token(request)
        begin_session(
            request.db,
            accepted.staff_id,
            hash_token(token),
            address=str(request.terminal),
            now=request.now,
            lifetime_hours=request.portal.settings.lifetime_hours,
        )
        headers = remember(request, accepted.login)
        self._audit(accepted.login).record(Action.SIGNED_IN)
        return HTTPSeeOther(self._next(accepted, came_from), headers=headers)

    def _check(self, login: str, password: str) -> Accepted:
        request = self.request
        try:
            accepted = check_password(
                request.db,
                request.portal.engine,
                request.portal.key_ring,
                login=login,
                password=password,
                address=str(request.terminal),
                now=request.now,
                today=request.today,
            )
            refuse_terminal(groups_of(request.db, accepted.staff_id, request.today), request.terminal)
        except SignInRefusedError as error:
            # What was typed may be a password in the wrong field: only the login's beginning is kept.
            self._audit("").record_apart(
                Action.SIGN_IN_FAILED,
                outcome=Outcome.REFUSED,
                detail={"why": error.reason, "login_begins": login.strip()[:3]},
            )
            raise
        return accepted

    def _audit(self, login: str) -> AuditTrail:
        request = self.request
        return AuditTrail(request.db, request.portal.engine, Actor(login, (), request.client_addr))

    def _next(self, accepted: Accepted, came_from: str) -> str:
        request = self.request
        always = request.portal.settings.second_factor == "always"
        if accepted.must_change_password:
            return str(request.resource_url(self.context, "account", "password"))
        if always and not accepted.has_second_factor:
            return str(request.resource_url(self.context, "account", "second-factor"))
        if always:
            return str(request.resource_url(self.context, "second-factor", query={"came_from": came_from}))
        return came_from

    def _again(self, failure: deform.ValidationFailure) -> dict[str, Any]:
        self.request.response.status_int = 422
        return self._page(failure.render())

    def _page(self, form: str) -> dict[str, Any]:
        return {"form": form, "demo_accounts": self.request.portal.settings.demo_accounts}


@view_defaults(
    context=Root,
    name="second-factor",
    permission=Permission.SIGNED_IN,
    renderer="yvaxportal:templates/sign_in/second_factor.pt",
)
class SecondFactor:
    """The code of the authenticator app."""

    def __init__(self, context: Root, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.form = PortalForm(
            SecondFactorSchema().bind(request=request),
            buttons=(deform.Button("confirm", _("Confirm")),),
            formid="second-factor",
        )

    @view_config(request_method="GET")
    def show(self) -> dict[str, Any] | Response:
        """Ask for a code; whoever has no second factor yet is shown the way to one."""
        if not self.request.identity.has_second_factor:
            return HTTPSeeOther(self.request.resource_url(self.context, "account", "second-factor"))
        came_from = local_path(self.request.GET.get("came_from", "/"))
        return {"form": self.form.render({"came_from": came_from})}

    @view_config(request_method="POST")
    def confirm(self) -> dict[str, Any] | Response:
        """Mark the session as having shown its second factor, under a new token."""
        request = self.request
        try:
            values = self.form.validate(request.POST.items())
            check_code(
                request.db,
                request.portal.engine,
                request.portal.key_ring,
                staff_id=request.identity.staff_id,
                code=str(values["code"]),
                now=request.now,
            )
        except deform.ValidationFailure as failure:
            return self._again(failure)
        except SignInRefusedError as error:
            request.audit.record_apart(
                Action.SECOND_FACTOR_FAILED, outcome=Outcome.REFUSED, detail={"why": error.reason}
            )
            message = refusal(error, _("The code is wrong or was used already. Wait for the next one."))
            return self._again(self.form.failure({"code": message}))
        token = new_token()
        renew_token(request.db, request.identity.session_id, hash_token(token), request.now)
        request.audit.record(Action.SECOND_FACTOR_PASSED)
        request.session[TOKEN] = token
        new_csrf_token(request)
        return HTTPSeeOther(
            local_path(str(values["came_from"])), headers=remember(request, request.identity.login)
        )

    def _again(self, failure: deform.ValidationFailure) -> dict[str, Any]:
        self.request.response.status_int = 422
        return {"form": failure.render()}


@view_config(context=Root, name="sign-out", request_method="POST", permission=NO_PERMISSION_REQUIRED)
def sign_out(context: Root, request: PortalRequest) -> Response:
    """End the session here and now."""
    identity = request.identity
    if identity is not None:
        request.audit.record(Action.SIGNED_OUT)
        end_session(request.db, identity.session_id, now=request.now, reason="signed_out")
    headers = forget(request)
    request.session.invalidate()
    return HTTPSeeOther(request.resource_url(context, "sign-in"), headers=headers)


@view_config(context=Root, name="language", request_method="POST", permission=NO_PERMISSION_REQUIRED)
def choose_language(context: Root, request: PortalRequest) -> Response:
    """Remember the language for this session and go back."""
    del context
    locale = request.POST.get("locale", "")
    if locale not in LOCALES:
        raise HTTPBadRequest
    request.session["locale"] = locale
    return HTTPSeeOther(local_path(request.POST.get("return_to", "/")))


@view_config(context=Root, name="keep-alive", request_method="POST", permission=Permission.SIGNED_IN)
def keep_alive(context: Root, request: PortalRequest) -> Response:
    """Say that somebody is still there; being asked is what keeps the session."""
    del context
    return Response(status=204, request=request)
