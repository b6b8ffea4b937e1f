"""The register of storage media (measures M21 to M24)."""

from collections.abc import Callable
from datetime import date
from typing import Any

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.media import ERASE_METHODS, erasure_schema, loan_schema, medium_schema
from yvaxportal.forms.outputs import reason_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import MediumKind, MediumState
from yvaxportal.models.output import MediumLoan
from yvaxportal.outputs import media
from yvaxportal.outputs.media import EraseMethod, MediumRefusedError
from yvaxportal.outputs.register import Lent, files_on, loans_of
from yvaxportal.outputs.register import media as all_media
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Media, MediumNode
from yvaxportal.security.permissions import Permission
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.wording import Wording

PAGE = "yvaxportal:templates/media/medium.pt"
RULES = {
    "label": _("There is a medium with this label number. Choose another one."),
    "gone": _("This medium is lost or disposed of."),
    "taken": _("This medium is in use, asked for, or not erased yet."),
    "moved": _("Somebody did this already, or it is not its turn. Look at the page again."),
    "own": _("Nobody approves their own request. Somebody else with the right to approve does."),
    "other": _("Only whoever asked for the medium may do this."),
}
_KINDS = {
    MediumState.AVAILABLE: "ok",
    MediumState.LENT: "soon",
    MediumState.LOST: "overdue",
    MediumState.DISPOSED: "neutral",
}
ASKED, APPROVED, LENT, RETURNED = "asked", "approved", "lent", "returned"
STAGES = {
    ASKED: _("waits for approval"),
    APPROVED: _("approved, not taken along yet"),
    LENT: _("taken along"),
    RETURNED: _("returned, not erased yet"),
    "erased": _("erased"),
    "refused": _("refused"),
    "withdrawn": _("withdrawn"),
    "lost": _("reported lost"),
}


def stage(loan: MediumLoan) -> str:
    """Return where a loan stands: a key of ``STAGES``."""
    if loan.ended_at is None:
        if loan.returned_at is not None:
            return RETURNED
        if loan.lent_at is not None:
            return LENT
        return APPROVED if loan.approved_at is not None else ASKED
    if loan.erased_at is not None:
        return "erased"
    if loan.lent_at is not None:
        return "lost"
    return "refused" if loan.refusal_reason else "withdrawn"


@view_defaults(context=Media)
class MediaRegister:
    """All media, and the form that registers one."""

    def __init__(self, context: Media, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = Wording(request)

    def _form(self) -> PortalForm:
        return PortalForm(
            medium_schema(self.request),
            action=self.request.resource_path(self.context, "register"),
            buttons=(deform.Button("register", _("Register the medium")),),
            formid="register",
            focus="off",
        )

    def _page(self, form: str | None = None) -> dict[str, Any]:
        request = self.request
        rows = [self._row(medium, lent) for medium, lent in all_media(request.db)]
        may_manage = bool(request.has_permission(Permission.MEDIUM_MANAGE, self.context))
        return {
            "rows": rows,
            "overdue": sum(row["overdue"] for row in rows),
            "form": (form or self._form().render()) if may_manage else None,
        }

    def _row(self, medium: Any, lent: Lent | None) -> dict[str, Any]:
        words = self.words
        return {
            "url": self.request.resource_path(self.context, str(medium.id), ""),
            "label": medium.label,
            "kind_label": words.code(medium.kind),
            "state": words.code(medium.state),
            "kind": _KINDS[medium.state],
            "stage": words.say(STAGES[stage(lent.loan)]) if lent else "",
            "who": lent.requester if lent else "",
            "recipient": lent.loan.recipient if lent else "",
            "due": words.day(lent.loan.due_on) if lent else "",
            "overdue": lent is not None and lent.is_overdue(self.request.today),
        }

    @view_config(
        request_method="GET",
        permission=Permission.MEDIUM_VIEW,
        renderer="yvaxportal:templates/media/register.pt",
    )
    def show(self) -> dict[str, Any]:
        """List the media; overdue ones stand out."""
        return self._page()

    @view_config(
        name="register",
        request_method="POST",
        permission=Permission.MEDIUM_MANAGE,
        renderer="yvaxportal:templates/media/register.pt",
    )
    def register(self) -> dict[str, Any] | Response:
        """Enter a medium into the register."""
        request, form = self.request, self._form()
        try:
            values = form.validate(request.POST.items())
            serial = values["serial_number"]
            medium = media.register_medium(
                request.db,
                request.audit,
                label=str(values["label"]),
                kind=MediumKind(str(values["kind"])),
                serial_number=str(serial) if serial is not None else None,
                staff_id=request.identity.staff_id,
                now=request.now,
            )
        except deform.ValidationFailure as failure:
            request.response.status_int = 422
            return self._page(failure.render())
        except MediumRefusedError as error:
            request.response.status_int = 422
            return self._page(form.failure({"label": RULES[error.rule]}).render())
        request.flash("success", _("The medium was registered."))
        return HTTPSeeOther(request.resource_path(self.context, str(medium.id), ""))


@view_defaults(context=MediumNode, request_method="POST", permission=Permission.MEDIUM_USE, renderer=PAGE)
class MediumPage:
    """One medium: its loans, its files, and the deed whose turn it is."""

    def __init__(self, context: MediumNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = Wording(request)
        self.base = request.resource_path(context)
        self.medium = context.medium

    @view_config(request_method="GET", permission=Permission.MEDIUM_VIEW)
    def show(self) -> dict[str, Any]:
        """Show the medium."""
        return self._page()

    @view_config(name="ask")
    def ask(self) -> dict[str, Any] | Response:
        """Ask for the medium."""

        def deed(values: dict[str, Any], **who: Any) -> None:
            due_on = values["due_on"]
            assert isinstance(due_on, date)  # noqa: S101 - the form gives one
            media.ask_for_loan(
                self.request.db,
                self.request.audit,
                purpose=str(values["purpose"]),
                recipient=str(values["recipient"]),
                due_on=due_on,
                **who,
            )

        return self._with_form("ask", deed, _("Asked for. Somebody else approves it."))

    @view_config(name="approve", permission=Permission.MEDIUM_APPROVE)
    def approve(self) -> Response:
        """Approve the use."""
        return self._deed(media.approve_loan, _("Approved."))

    @view_config(name="refuse", permission=Permission.MEDIUM_APPROVE)
    def refuse(self) -> dict[str, Any] | Response:
        """Refuse the use with a reason."""
        return self._with_form("refuse", self._reasoned(media.refuse_loan), _("Refused."))

    @view_config(name="withdraw")
    def withdraw(self) -> Response:
        """Withdraw one's own request."""
        return self._deed(media.withdraw_loan, _("Withdrawn."))

    @view_config(name="lend")
    def lend(self) -> Response:
        """Record that the medium is taken along."""
        return self._deed(media.lend, _("Recorded: you have the medium."))

    @view_config(name="return")
    def give_back(self) -> Response:
        """Record that the medium is back."""
        return self._deed(media.give_back, _("Recorded: the medium is back. Erase it and record how."))

    @view_config(name="erase")
    def erase(self) -> dict[str, Any] | Response:
        """Record the erasure."""

        def deed(values: dict[str, Any], **who: Any) -> None:
            media.record_erasure(
                self.request.db, self.request.audit, method=EraseMethod(str(values["method"])), **who
            )

        return self._with_form("erase", deed, _("The erasure was recorded."))

    @view_config(name="lost")
    def lost(self) -> dict[str, Any] | Response:
        """Report the medium lost."""
        text = _("Recorded as lost. Report the incident to the information security officer at once.")
        return self._with_form("lost", self._reasoned(media.report_lost), text)

    @view_config(name="dispose", permission=Permission.MEDIUM_MANAGE)
    def dispose(self) -> dict[str, Any] | Response:
        """Take the medium off the register."""
        return self._with_form("dispose", self._reasoned(media.dispose), _("Disposed of."))

    def _reasoned(self, deed: Callable[..., None]) -> Callable[..., None]:
        def with_reason(values: dict[str, Any], **who: Any) -> None:
            deed(self.request.db, self.request.audit, reason=str(values["reason"]), **who)

        return with_reason

    def _who(self) -> dict[str, Any]:
        return {
            "medium_id": self.medium.id,
            "staff_id": self.request.identity.staff_id,
            "now": self.request.now,
        }

    def _deed(self, deed: Callable[..., None], done: str) -> Response:
        try:
            deed(self.request.db, self.request.audit, **self._who())
        except MediumRefusedError as error:
            return self._back("error", RULES[error.rule])
        return self._back("success", done)

    def _with_form(self, name: str, deed: Callable[..., None], done: str) -> dict[str, Any] | Response:
        form = self._forms()[name]
        try:
            deed(form.validate(self.request.POST.items()), **self._who())
        except deform.ValidationFailure as failure:
            self.request.response.status_int = 422
            return self._page({name: failure.render()})
        except MediumRefusedError as error:
            return self._back("error", RULES[error.rule])
        return self._back("success", done)

    def _back(self, kind: str, text: str) -> Response:
        self.request.flash(kind, text)
        return HTTPSeeOther(self.base)

    def _forms(self) -> dict[str, PortalForm]:
        request = self.request

        def form(name: str, schema: Any, button: str) -> PortalForm:
            return PortalForm(
                schema,
                action=f"{self.base}{name}",
                buttons=(deform.Button(name, button),),
                formid=name,
                focus="off",
            )

        return {
            "ask": form("ask", loan_schema(request, request.today), _("Ask for the medium")),
            "refuse": form("refuse", reason_schema(request, _("Reason of the refusal")), _("Refuse")),
            "erase": form("erase", erasure_schema(request), _("Record the erasure")),
            "lost": form("lost", reason_schema(request, _("What is known of the loss")), _("Report it lost")),
            "dispose": form("dispose", reason_schema(request, _("How it was disposed of")), _("Dispose")),
        }

    def _possible(self, open_loan: Lent | None) -> set[str]:
        """Return the deeds whose turn it is, and that this reader may do."""
        request, state = self.request, self.medium.state
        use = bool(request.has_permission(Permission.MEDIUM_USE, self.context))
        approve = bool(request.has_permission(Permission.MEDIUM_APPROVE, self.context))
        manage = bool(request.has_permission(Permission.MEDIUM_MANAGE, self.context))
        if state in {MediumState.LOST, MediumState.DISPOSED}:
            return set()
        deeds = {"lost": use, "dispose": manage and open_loan is None, "ask": use and open_loan is None}
        if open_loan is not None:
            own = use and open_loan.loan.requested_by == request.identity.staff_id
            at = stage(open_loan.loan)
            deeds |= {
                "approve": approve and at == ASKED and not own,
                "refuse": approve and at == ASKED and not own,
                "withdraw": own and at in {ASKED, APPROVED},
                "lend": own and at == APPROVED,
                "return": own and at == LENT,
                "erase": use and at == RETURNED,
            }
        return {name for name, possible in deeds.items() if possible}

    def _page(self, failed: dict[str, str] | None = None) -> dict[str, Any]:
        request, words, medium = self.request, self.words, self.medium
        loans = loans_of(request.db, medium.id)
        open_loan = next((lent for lent, _files in loans if lent.loan.ended_at is None), None)
        possible = self._possible(open_loan)
        say = words.say
        facts = [
            (_("Kind"), words.code(medium.kind)),
            (_("Serial number"), medium.serial_number or ""),
            (_("Registered"), format_jst(medium.registered_at)),
        ]
        if medium.ended_at is not None:
            reason = medium.end_reason or ""
            known = reason in {method.value for method in EraseMethod}
            reason = say(ERASE_METHODS[EraseMethod(reason)]) if known else reason
            facts.append((_("Left the register"), f"{format_jst(medium.ended_at)} ({reason})"))
        return {
            "base": self.base,
            "steps": [(say(_("Storage media")), request.resource_path(request.root, "media", ""))],
            "medium": medium,
            "state": words.code(medium.state),
            "kind": _KINDS[medium.state],
            "facts": [{"label": say(label), "value": value} for label, value in facts],
            "open": self._loan(open_loan, 0) if open_loan else None,
            "possible": possible,
            "forms": {
                name: (failed or {}).get(name) or form.render()
                for name, form in self._forms().items()
                if name in possible
            },
            "loans": [self._loan(lent, files) for lent, files in loans],
            "files": self._files(),
        }

    def _files(self) -> list[dict[str, Any]]:
        """Return which files went onto the medium; their pages open for those who may see them."""
        request = self.request
        everybody = Permission.OUTPUT_VIEW in request.own_permissions
        return [
            {
                "id": output.id,
                "title": output.title,
                "url": request.resource_path(request.root, "outputs", str(output.id), "")
                if everybody or output.requested_by == request.identity.staff_id
                else None,
                "at": format_jst(download.downloaded_at),
                "people": f"{output.people or 0:,}",
            }
            for download, output in files_on(request.db, self.medium.id)
        ]

    def _loan(self, lent: Lent, files: int) -> dict[str, Any]:
        loan, words = lent.loan, self.words
        method = EraseMethod(loan.erase_method) if loan.erase_method else None
        return {
            "purpose": loan.purpose,
            "recipient": loan.recipient,
            "requester": lent.requester,
            "approver": lent.approver or "",
            "asked": format_jst(loan.requested_at),
            "approved": format_jst(loan.approved_at) if loan.approved_at else "",
            "lent": format_jst(loan.lent_at) if loan.lent_at else "",
            "returned": format_jst(loan.returned_at) if loan.returned_at else "",
            "erased": format_jst(loan.erased_at) if loan.erased_at else "",
            "method": words.say(ERASE_METHODS[method]) if method else "",
            "due": words.day(loan.due_on),
            "overdue": lent.is_overdue(self.request.today),
            "stage": words.say(STAGES[stage(loan)]),
            "reason": loan.refusal_reason or "",
            "files": files,
        }
