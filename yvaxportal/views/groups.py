"""The matrix of groups and permissions, what waits for a second administrator, and the terminals."""

from collections.abc import Collection, Mapping
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults
from translationstring import TranslationString

from yvaxportal.forms.permission_labels import AREAS, PERMISSION_LABELS
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Groups
from yvaxportal.security.permissions import NEEDS_SECOND_PERSON, NOT_GRANTABLE, Permission
from yvaxportal.services.acl import (
    AclChangedError,
    AclRefusedError,
    Cell,
    MatrixChange,
    decide,
    group_labels,
    matrix,
    pending,
    save_matrix,
)
from yvaxportal.services.terminals import NetworkError, add_network, networks, remove_network
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _, contains_personal_number
from yvaxportal.views.wording import Wording

GUARDED = frozenset(str(permission) for permission in NEEDS_SECOND_PERSON)
RULES = {
    "last_administrator": _("Refused: nobody could administer the portal any more."),
    "own_gain": _("Refused: nobody gives themself this right. Ask another administrator."),
    "same_person": _("Refused: a second administrator decides, not the one who proposed."),
    "gone": _("This was decided already."),
}
_GRANTABLE = frozenset(str(permission) for permission in Permission) - {str(p) for p in NOT_GRANTABLE}
_CELL = "cell"
_LABEL_LENGTH = 60


@view_defaults(context=Groups, permission=Permission.ACL_EDIT)
class GroupMatrix:
    """Who may do what."""

    def __init__(self, context: Groups, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.labels = group_labels(request.db, japanese=request.locale_name == "ja")

    @view_config(
        request_method="GET", permission=Permission.ACL_VIEW, renderer="yvaxportal:templates/groups/matrix.pt"
    )
    def show(self) -> dict[str, Any]:
        """Show the matrix as it stands."""
        return self._page(matrix(self.request.db))

    def _page(self, cells: Collection[Cell]) -> dict[str, Any]:
        request = self.request
        return {
            "areas": AREAS,
            "groups": self.labels,
            "cells": cells,
            "guarded": GUARDED,
            "version": request.identity.acl_version,
            "may_edit": request.has_permission(Permission.ACL_EDIT, self.context),
            "pending": [
                {
                    "id": proposal.id,
                    "what": self._words(proposal.group_name, proposal.permission, proposal.who),
                    "until": Wording(request).day(proposal.valid_to),
                    "who": proposal.proposed_by,
                    "when": format_jst(proposal.proposed_at),
                    "own": proposal.proposed_by_id == request.identity.staff_id,
                }
                for proposal in pending(request.db)
            ],
            "undo": self._undo(),
            "base": request.resource_path(self.context),
        }

    def _undo(self) -> list[str]:
        undo: list[str] = self.request.session.pop("matrix-undo", [])
        return undo

    def _words(self, group: str, permission: str | None, who: str | None) -> str:
        say = self.request.localizer.translate
        label = self.labels.get(group, group)
        if permission is not None:
            return f"{label}: {say(PERMISSION_LABELS[Permission(permission)])}"
        return str(say(_("${who} joins the group ${group}", mapping={"who": who, "group": label})))

    @view_config(request_method="POST", renderer="yvaxportal:templates/groups/matrix.pt")
    def save(self) -> dict[str, Any] | Response:
        """Save the differences; what needs a second administrator waits."""
        request = self.request
        wanted = {self._cell(text) for text in request.POST.getall(_CELL)}
        version = request.POST.get("version", "")
        if not (version.isascii() and version.isdigit() and len(version) < 19):  # noqa: PLR2004 - a bigint
            raise HTTPBadRequest
        try:
            change = self._save(wanted, int(version))
        except AclChangedError:
            changed = _(
                "Somebody else changed the matrix meanwhile. This is how it stands now; yours was not saved."
            )
            return self._refused(409, changed)
        except AclRefusedError as error:
            return self._refused(422, RULES[error.rule])
        self._tell(change)
        return HTTPSeeOther(request.resource_url(self.context))

    def _refused(self, status: int, message: TranslationString) -> dict[str, Any]:
        self.request.response.status_int = status
        self.request.flash("error", message)
        return self._page(matrix(self.request.db))

    def _save(self, wanted: Collection[Cell], version: int) -> MatrixChange:
        request = self.request
        # A refusal undoes what the attempt had begun, and the page can still be read.
        with request.db.begin_nested():
            return save_matrix(
                request.db,
                request.audit,
                wanted=wanted,
                shown_version=version,
                guarded=GUARDED,
                staff_id=request.identity.staff_id,
                today=request.today,
                now=request.now,
            )

    def _cell(self, text: str) -> Cell:
        group, _separator, permission = text.partition("|")
        if group not in self.labels or permission not in _GRANTABLE:
            raise HTTPBadRequest
        return group, permission

    def _tell(self, change: MatrixChange) -> None:
        request = self.request
        for kind, cells, title in (
            ("success", change.granted, _("Granted: ${what}")),
            ("success", change.withdrawn, _("Withdrawn: ${what}")),
            ("warning", change.proposed, _("Waiting for a second administrator: ${what}")),
        ):
            if cells:
                what = "、".join(self._words(group, permission, None) for group, permission in cells)
                request.flash(kind, _(title, mapping={"what": what}))
        if change.granted or change.withdrawn:
            request.session["matrix-undo"] = [
                *(f"-{group}|{permission}" for group, permission in change.granted),
                *(f"+{group}|{permission}" for group, permission in change.withdrawn),
            ]

    @view_config(name="undo", request_method="POST")
    def undo(self) -> Response:
        """Take back what the last save did, by the same rules."""
        request = self.request
        cells = set(matrix(request.db))
        for text in request.POST.getall("step"):
            cell = self._cell(text[1:])
            cells = cells - {cell} if text.startswith("-") else cells | {cell}
        try:
            change = self._save(cells, request.identity.acl_version)
        except AclRefusedError as error:
            request.flash("error", RULES[error.rule])
        except AclChangedError:
            request.flash("error", _("Somebody else changed the matrix meanwhile. Nothing was taken back."))
        else:
            self._tell(change)
        return HTTPSeeOther(request.resource_url(self.context))

    @view_config(name="decide", request_method="POST")
    def decide(self) -> Response:
        """Accept or reject a proposal of another administrator."""
        request = self.request
        proposal = request.POST.get("proposal", "")
        if not (proposal.isascii() and proposal.isdigit() and len(proposal) < 19):  # noqa: PLR2004 - a bigint
            raise HTTPBadRequest
        try:
            done = decide(
                request.db,
                request.audit,
                proposal_id=int(proposal),
                accepted="accept" in request.POST,
                staff_id=request.identity.staff_id,
                today=request.today,
                now=request.now,
            )
        except AclRefusedError as error:
            request.flash("error", RULES[error.rule])
        else:
            what = self._words(done.group_name, done.permission, done.who)
            text = _("Accepted: ${what}") if "accept" in request.POST else _("Rejected: ${what}")
            request.flash("success", _(text, mapping={"what": what}))
        return HTTPSeeOther(request.resource_url(self.context))

    @view_config(
        name="terminals",
        request_method="GET",
        permission=Permission.ACL_VIEW,
        renderer="yvaxportal:templates/groups/terminals.pt",
    )
    def terminals(self) -> dict[str, Any]:
        """Show from where each group may be used."""
        return self._terminals({})

    def _terminals(self, typed: Mapping[str, str]) -> dict[str, Any]:
        """Return the page; ``typed`` is what was entered for a network that is none."""
        return {
            "groups": self.labels,
            "networks": networks(self.request.db),
            "terminal": str(self.request.terminal),
            "typed": typed,
            "may_edit": self.request.has_permission(Permission.ACL_EDIT, self.context),
            "base": self.request.resource_path(self.context),
        }

    @view_config(name="terminals", request_method="POST", renderer="yvaxportal:templates/groups/terminals.pt")
    def change_terminals(self) -> dict[str, Any] | Response:
        """Add or remove a network."""
        request = self.request
        typed = {name: request.POST.get(name, "").strip() for name in ("group", "network", "label")}
        typed["label"] = typed["label"][:_LABEL_LENGTH]
        try:
            if "add" in request.POST:
                if typed["group"] not in self.labels or any(map(contains_personal_number, typed.values())):
                    raise HTTPBadRequest
                add_network(request.db, request.audit, **typed)
            else:
                network_id = request.POST.get("remove", "")
                if not (network_id.isascii() and network_id.isdigit() and len(network_id) < 19):  # noqa: PLR2004 - a bigint
                    raise HTTPBadRequest
                remove_network(
                    request.db,
                    request.audit,
                    network_id=int(network_id),
                    own_groups=request.identity.groups,
                    terminal=request.terminal,
                )
        except NetworkError as error:
            if error.problem == "form":
                request.response.status_int = 422
                return self._terminals(typed)
            own = _("Refused: this is the network by which you are here. Add another one first.")
            request.flash("error", own)
        else:
            request.flash("success", _("The terminals were changed."))
        return HTTPSeeOther(request.resource_url(self.context, "terminals"))
