"""Accounts of staff: who may sign in, until when, in which groups (measures M13 and M44)."""

from collections.abc import Collection
from datetime import date
from typing import Any

import deform
from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.accounts import account_schema, membership_schema, new_account_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.staff import StaffAccount
from yvaxportal.request import PortalRequest
from yvaxportal.resources import AccountNode, Accounts
from yvaxportal.security.permissions import Permission
from yvaxportal.services.accounts import (
    LoginTakenError,
    account_by_login,
    change_account,
    list_accounts,
    open_account,
    reset_password,
    reset_second_factor,
    revoke_account,
)
from yvaxportal.services.acl import AclRefusedError, add_membership, end_membership, group_labels
from yvaxportal.services.sessions import end_session, groups_of, live_sessions_of
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.groups import GUARDED, RULES
from yvaxportal.views.wording import Wording


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None


@view_defaults(context=Accounts, permission=Permission.ACCOUNT_MANAGE)
class AccountList:
    """All accounts, and the way to a new one."""

    def __init__(self, context: Accounts, request: PortalRequest) -> None:
        self.context, self.request = context, request

    @view_config(request_method="GET", renderer="yvaxportal:templates/accounts/list.pt")
    def show(self) -> dict[str, Any]:
        """List the accounts; those that nobody uses stand out."""
        request, words = self.request, Wording(self.request)
        labels = group_labels(request.db, japanese=words.japanese)
        return {
            "base": request.resource_path(self.context),
            "accounts": [
                {
                    "row": row,
                    "url": request.resource_path(self.context, row.login, ""),
                    "groups": "・".join(labels[name] for name in row.groups),
                    "until": words.day(row.valid_to),
                    "last": format_jst(row.last_sign_in_at) if row.last_sign_in_at else "",
                    "unused": row.is_unused(request.now),
                    "over": row.valid_to is not None and row.valid_to < request.today,
                }
                for row in list_accounts(request.db, request.today)
            ],
        }

    def _form(self) -> PortalForm:
        return PortalForm(
            new_account_schema(self.request),
            buttons=(deform.Button("create", _("Create the account")),),
            formid="new-account",
        )

    @view_config(name="new", request_method="GET", renderer="yvaxportal:templates/accounts/new.pt")
    def ask(self) -> dict[str, Any]:
        """Show the form."""
        return {"form": self._form().render(), "password": None, "url": None}

    @view_config(name="new", request_method="POST", renderer="yvaxportal:templates/accounts/new.pt")
    def create(self) -> dict[str, Any]:
        """Create the account and show its temporary password once."""
        request, form = self.request, self._form()
        try:
            values = form.validate(request.POST.items())
            _staff_id, password = open_account(
                request.db,
                request.audit,
                request.portal.key_ring,
                login=str(values["login"]),
                display_name=str(values["display_name"]),
                valid_to=_day(values["valid_to"]),
                now=request.now,
            )
        except deform.ValidationFailure as failure:
            request.response.status_int = 422
            return {"form": failure.render(), "password": None, "url": None}
        except LoginTakenError:
            request.response.status_int = 422
            taken = form.failure({"login": _("This user ID is or was somebody's. Choose another one.")})
            return {"form": taken.render(), "password": None, "url": None}
        return {
            "form": None,
            "password": password,
            "url": request.resource_path(self.context, str(values["login"]), ""),
        }


@view_defaults(
    context=AccountNode,
    permission=Permission.ACCOUNT_MANAGE,
    renderer="yvaxportal:templates/accounts/account.pt",
)
class AccountPage:
    """One account."""

    def __init__(self, context: AccountNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        found = account_by_login(request.db, context.login)
        if found is None:
            raise HTTPNotFound
        self.account: StaffAccount = found
        self.words = Wording(request)
        self.labels = group_labels(request.db, japanese=self.words.japanese)

    def _account_form(self) -> PortalForm:
        return PortalForm(
            account_schema(self.request),
            buttons=(deform.Button("save", _("Save")),),
            formid="account",
            focus="off",
        )

    def _membership_form(self) -> PortalForm:
        return PortalForm(
            membership_schema(self.request, self.labels),
            action=self.request.resource_path(self.context, "join"),
            buttons=(deform.Button("join", _("Add to the group")),),
            formid="membership",
            focus="off",
        )

    def _page(
        self, form: str | None = None, membership: str | None = None, password: str | None = None
    ) -> dict[str, Any]:
        request, account = self.request, self.account
        values: dict[str, Any] = {"display_name": account.display_name}
        if account.valid_to is not None:
            values["valid_to"] = account.valid_to
        return {
            "base": request.resource_path(self.context),
            "account": account,
            "revoked": format_jst(account.revoked_at) if account.revoked_at else None,
            "form": form or self._account_form().render(values),
            "membership": membership or self._membership_form().render(),
            "password": password,
            "groups": [
                (group.name, self.labels[group.name])
                for group in groups_of(request.db, account.id, request.today)
            ],
            "sessions": [
                {"id": live.id, "address": str(live.address), "begun": format_jst(live.created_at)}
                for live in live_sessions_of(request.db, account.id, request.now)
            ],
        }

    @view_config(request_method="GET")
    def show(self) -> dict[str, Any]:
        """Show the account."""
        return self._page()

    @view_config(request_method="POST")
    def save(self) -> dict[str, Any] | Response:
        """Change the name and the last day."""
        form = self._account_form()
        try:
            values = form.validate(self.request.POST.items())
            with self.request.db.begin_nested():
                change_account(
                    self.request.db,
                    self.request.audit,
                    self.account,
                    display_name=str(values["display_name"]),
                    valid_to=_day(values["valid_to"]),
                    today=self.request.today,
                )
        except deform.ValidationFailure as failure:
            self.request.response.status_int = 422
            return self._page(form=failure.render())
        except AclRefusedError as error:
            return self._back("error", RULES[error.rule])
        return self._back("success", _("The account was changed."))

    def _back(self, kind: str, message: str) -> Response:
        self.request.flash(kind, message)
        return HTTPSeeOther(self.request.resource_url(self.context))

    @view_config(name="join", request_method="POST")
    def join(self) -> dict[str, Any] | Response:
        """Put the account into a group; one with rights that nobody gets alone waits for a second person."""
        form = self._membership_form()
        try:
            values = form.validate(self.request.POST.items())
            done = add_membership(
                self.request.db,
                self.request.audit,
                member_id=self.account.id,
                group=str(values["group"]),
                valid_to=_day(values["valid_to"]),
                guarded=GUARDED,
                staff_id=self.request.identity.staff_id,
                today=self.request.today,
                now=self.request.now,
            )
        except deform.ValidationFailure as failure:
            self.request.response.status_int = 422
            return self._page(membership=failure.render())
        except AclRefusedError as error:
            return self._back("error", RULES[error.rule])
        waits = _("A second administrator has to confirm on the page of groups.")
        return self._back("success" if done else "warning", _("The group was added.") if done else waits)

    @view_config(name="leave", request_method="POST")
    def leave(self) -> Response:
        """Take the account out of a group at once."""
        group = self.request.POST.get("group", "")
        if group not in self.labels:
            raise HTTPBadRequest
        try:
            with self.request.db.begin_nested():
                end_membership(
                    self.request.db,
                    self.request.audit,
                    member_id=self.account.id,
                    group=group,
                    today=self.request.today,
                )
        except AclRefusedError as error:
            return self._back("error", RULES[error.rule])
        return self._back("success", _("The group was removed."))

    @view_config(name="revoke", request_method="POST")
    def revoke(self) -> Response:
        """End the account and its sessions at once."""
        try:
            with self.request.db.begin_nested():
                revoke_account(
                    self.request.db,
                    self.request.audit,
                    self.account,
                    today=self.request.today,
                    now=self.request.now,
                )
        except AclRefusedError as error:
            return self._back("error", RULES[error.rule])
        return self._back("success", _("The account was revoked and its sessions were ended."))

    @view_config(name="reset-password", request_method="POST")
    def reset_password(self) -> dict[str, Any] | Response:
        """Set a temporary password and show it once; without a second factor, guarded rights go with it."""
        try:
            with self.request.db.begin_nested():
                password, left = reset_password(
                    self.request.db,
                    self.request.audit,
                    self.account,
                    guarded=GUARDED,
                    today=self.request.today,
                    now=self.request.now,
                )
        except AclRefusedError as error:
            return self._back("error", RULES[error.rule])
        if left:
            text = _("The account left ${groups}; a second administrator lets it back.")
            self.request.flash("warning", _(text, mapping={"groups": self._names(left)}))
        return self._page(password=password)

    def _names(self, groups: Collection[str]) -> str:
        return "、".join(self.labels[name] for name in groups)

    @view_config(name="reset-second-factor", request_method="POST")
    def reset_second_factor(self) -> Response:
        """Remove a lost second factor; rights that nobody gets alone go with it."""
        try:
            with self.request.db.begin_nested():
                left = reset_second_factor(
                    self.request.db,
                    self.request.audit,
                    self.account,
                    guarded=GUARDED,
                    today=self.request.today,
                    now=self.request.now,
                )
        except AclRefusedError as error:
            return self._back("error", RULES[error.rule])
        if not left:
            return self._back("success", _("The second factor was removed."))
        text = _(
            "The second factor was removed. The account left ${groups}; a second administrator lets it back.",
            mapping={"groups": self._names(left)},
        )
        return self._back("warning", text)

    @view_config(name="end-session", request_method="POST")
    def end_session(self) -> Response:
        """End one session of this account."""
        wanted = self.request.POST.get("session", "")
        live = live_sessions_of(self.request.db, self.account.id, self.request.now)
        if wanted not in {str(session.id) for session in live}:
            raise HTTPBadRequest
        end_session(self.request.db, int(wanted), now=self.request.now, reason="ended")
        return self._back("success", _("The session was ended."))
