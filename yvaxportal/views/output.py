"""One file that leaves: how far it is, deciding on it, taking it, wiping it."""

from collections.abc import Callable
from typing import Any

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import FileIter, Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.outputs import download_schema, reason_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import OutputState
from yvaxportal.outputs import gate
from yvaxportal.outputs.gate import KEPT, UNDER_WAY, OutputRefusedError
from yvaxportal.outputs.handover import count_downloads, hand_over, show_password
from yvaxportal.outputs.register import handed_over, list_behind, listed, usable_loans
from yvaxportal.outputs.store import FileChangedError, WipeReason
from yvaxportal.request import PortalRequest
from yvaxportal.resources import OutputNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.extraction.lists import counts_of
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.extractions.words import ListWords
from yvaxportal.views.outputs import KINDS, RULES
from yvaxportal.views.wording import Wording

PAGE = "yvaxportal:templates/outputs/output.pt"
PROBLEMS = {
    "personal_number": _(
        "A personal number was found in the file. It was wiped at once. Look for it in the remarks and other "
        "free text, remove it, and ask again."
    ),
    "unencodable": _(
        "Characters that this form cannot carry were found; nothing was replaced. Ask for the UTF-8 form, or "
        "see the positions below."
    ),
    "disk_full": _("The disk is full. Nothing was kept. Tell the administrator, then try again."),
    "worker_lost": _("The worker stopped three times while making it. Tell the administrator."),
    "nobody": _("Nobody is on the list, so there is no file."),
    "withdrawn": _("The list of targets was withdrawn."),
    "subject": _("What the file should be made of does not exist."),
    "layout": _("The form of the file is not known any more. Ask for it in another one."),
    "run_over": _("These letters were made already. Open the run of letters."),
    "fonts": _("Fonts are missing on this machine. Tell the administrator which: see below."),
    "sender": _("The settings do not say who sends the letters. Tell the administrator which: see below."),
    "form_overflow": _("What the letters say is too long for the paper. Ask again with shorter words."),
    "template": _(
        "A template of letters has a mistake. Tell the administrator: `yvax letters check` shows it."
    ),
    "measures": _(
        "The letters are not set as their template says. Nothing was kept. Tell the administrator."
    ),
    "all_held": _("No letter can be printed: everybody is held or has left. Look at the list of targets."),
    "numbers_exhausted": _("There is no ticket number left in ten digits. Tell the administrator."),
    "numbers_changed": _("Somebody else issued tickets meanwhile. Nothing was kept. Try again."),
    "counts": _("The counts do not agree. Nothing was kept. Tell the administrator."),
    "internal": _("Something went wrong in the system. Nothing was kept. Try again; tell the administrator."),
}
WIPE_REASONS = {
    WipeReason.EXPIRED: _("its term ended"),
    WipeReason.BY_HAND: _("by the requester"),
    WipeReason.REFUSED: _("it was refused"),
    WipeReason.CANCELLED: _("it was called off"),
}


@view_defaults(context=OutputNode, permission=Permission.OUTPUT_REQUEST)
class OutputPage:
    """The page of one file, and what can be done with it."""

    def __init__(self, context: OutputNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = Wording(request)
        self.base = request.resource_path(context)
        self.folder = request.portal.settings.outputs_folder

    @view_config(request_method="GET", permission=Permission.OUTPUT_VIEW, renderer=PAGE)
    def show(self) -> dict[str, Any]:
        """Show what it is and how it stands."""
        return self._page()

    @view_config(name="progress", request_method="GET", permission=Permission.OUTPUT_VIEW, renderer="json")
    def progress(self) -> dict[str, Any]:
        """Tell a waiting page how far it is; ``over`` when the page has to be loaded anew."""
        output = self.context.output
        return {
            "done": output.done,
            "total": output.total,
            "text": self._progress_text(),
            "label": self.words.code(output.state),
            "state": output.state.value,
            "over": output.state not in UNDER_WAY,
        }

    @view_config(name="approve", request_method="POST", permission=Permission.OUTPUT_APPROVE)
    def approve(self) -> Response:
        """Approve exactly the file that was shown."""
        sha256 = self.request.POST.get("sha256", "")
        return self._deed(
            lambda **who: gate.approve(
                self.request.db, self.request.audit, self.folder, sha256=sha256, **who
            ),
            _("Approved. The requester may take the file now."),
        )

    @view_config(name="refuse", request_method="POST", permission=Permission.OUTPUT_APPROVE, renderer=PAGE)
    def refuse(self) -> dict[str, Any] | Response:
        """Refuse the file with a reason."""
        form = self._refusal_form()
        try:
            values = form.validate(self.request.POST.items())
        except deform.ValidationFailure as failure:
            self.request.response.status_int = 422
            return self._page(refusal=failure.render())
        return self._deed(
            lambda **who: gate.refuse(
                self.request.db, self.request.audit, self.folder, reason=str(values["reason"]), **who
            ),
            _("Refused. The file was wiped, and the requester sees the reason."),
        )

    @view_config(name="cancel", request_method="POST")
    def cancel(self) -> Response:
        """Call the file off."""
        return self._deed(
            lambda **who: gate.cancel(self.request.db, self.request.audit, **who), _("Called off.")
        )

    @view_config(name="try-again", request_method="POST")
    def try_again(self) -> Response:
        """Make a file that failed once more."""
        return self._deed(
            lambda **who: gate.try_again(self.request.db, self.request.audit, **who), _("Queued again.")
        )

    @view_config(name="wipe", request_method="POST")
    def wipe(self) -> Response:
        """Wipe the file before its term."""
        return self._deed(
            lambda **who: gate.wipe_now(self.request.db, self.request.audit, self.folder, **who),
            _("The file was wiped."),
        )

    @view_config(name="password", request_method="POST", renderer=PAGE)
    def password(self) -> dict[str, Any] | Response:
        """Show the password, once."""
        request = self.request
        try:
            password = show_password(request.db, request.audit, request.portal.key_ring, **self._who())
        except OutputRefusedError as error:
            return self._back("error", RULES[error.rule])
        return self._page(password=password)

    @view_config(name="download", request_method="POST", renderer=PAGE)
    def download(self) -> dict[str, Any] | Response:
        """Hand the archive over."""
        request, form = self.request, self._download_form()
        try:
            values = form.validate(request.POST.items())
        except deform.ValidationFailure as failure:
            request.response.status_int = 422
            return self._page(download=failure.render())
        chosen = str(values["medium"])
        try:
            output, file = hand_over(
                request.db,
                request.audit,
                self.folder,
                loan_id=int(chosen) if chosen else None,
                most=request.portal.settings.most_downloads,
                **self._who(),
            )
        except OutputRefusedError as error:
            return self._back("error", RULES[error.rule])
        except FileChangedError:
            return self._back("error", RULES["changed"])
        return Response(
            app_iter=FileIter(file),
            content_type="application/zip",
            content_length=output.size,
            content_disposition=f'attachment; filename="output-{output.id}.zip"',
        )

    def _who(self) -> dict[str, Any]:
        return {
            "output_id": self.context.output.id,
            "staff_id": self.request.identity.staff_id,
            "now": self.request.now,
        }

    def _deed(self, deed: Callable[..., None], done: str) -> Response:
        try:
            deed(**self._who())
        except OutputRefusedError as error:
            return self._back("error", RULES[error.rule])
        except FileChangedError:
            return self._back("error", RULES["changed"])
        return self._back("success", done)

    def _back(self, kind: str, text: str) -> Response:
        self.request.flash(kind, text)
        return HTTPSeeOther(self.base)

    def _refusal_form(self) -> PortalForm:
        return PortalForm(
            reason_schema(self.request, _("Reason of the refusal")),
            action=f"{self.base}refuse",
            buttons=(deform.Button("refuse", _("Refuse and wipe"), css_class="btn btn-secondary"),),
            formid="refuse",
            focus="off",
        )

    def _download_form(self) -> PortalForm:
        loans = [
            (str(lent.loan.id), f"{lent.label}: {lent.loan.recipient}")
            for lent in usable_loans(self.request.db, self.request.identity.staff_id)
        ]
        return PortalForm(
            download_schema(self.request, loans),
            action=f"{self.base}download",
            buttons=(deform.Button("take", _("Take the encrypted file")),),
            formid="download",
            focus="off",
        )

    def _page(
        self, *, refusal: str | None = None, download: str | None = None, password: str | None = None
    ) -> dict[str, Any]:
        request, output = self.request, self.context.output
        row = listed(request.db, output.id)
        own = output.requested_by == request.identity.staff_id
        may_take = own and bool(request.has_permission(Permission.OUTPUT_REQUEST, self.context))
        may_decide = not own and bool(request.has_permission(Permission.OUTPUT_APPROVE, self.context))
        over = output.expires_at is not None and output.expires_at <= request.now
        ready = output.state is OutputState.READY and not over
        left = request.portal.settings.most_downloads - count_downloads(request.db, output.id)
        decides = may_decide and output.state is OutputState.AWAITING_APPROVAL and not over
        return {
            "base": self.base,
            "steps": [
                (self.words.say(_("Files that leave")), request.resource_path(request.root, "outputs", ""))
            ],
            "output": output,
            "state": self.words.code(output.state),
            "kind": KINDS[output.state],
            "facts": self._facts(row.requester, row.decider),
            **self._behind(),
            "under_way": output.state in UNDER_WAY,
            "cancelling": output.cancel_requested and output.state in UNDER_WAY,
            "progress": self._progress_text(),
            "problem": self.words.say(PROBLEMS[output.problem]) if output.problem in PROBLEMS else "",
            "named": [
                name
                for key in ("families", "settings", "fields", "template")
                for name in _listed((output.problem_detail or {}).get(key, []))
            ],
            "positions": (output.problem_detail or {}).get("positions", []),
            "more_positions": (output.problem_detail or {}).get("more", 0),
            "decides": decides,
            "holds_letters": "run" in output.subject,
            "refusal": (refusal or self._refusal_form().render()) if decides else None,
            "waits": output.state is OutputState.AWAITING_APPROVAL and own,
            "download": (download or self._download_form().render())
            if ready and may_take and left > 0
            else None,
            "left": left,
            "takes": ready and may_take,
            "password": password,
            "password_waits": ready and may_take and output.sealed_password is not None and not password,
            "may_cancel": may_take and output.state in UNDER_WAY and not output.cancel_requested,
            "may_try": may_take and output.state is OutputState.FAILED,
            "may_wipe": may_take and output.state in KEPT,
            "downloads": [
                {"at": format_jst(one.at), "by": one.by, "medium": one.medium or ""}
                for one in handed_over(request.db, output.id)
            ],
        }

    def _progress_text(self) -> str:
        output = self.context.output
        if output.state is OutputState.QUEUED:
            return self.words.say(_("Waits for the worker."))
        if not output.total:
            return self.words.say(_("Is being made."))
        text = _(
            "${done} of ${total} people", mapping={"done": f"{output.done:,}", "total": f"{output.total:,}"}
        )
        return self.words.say(text)

    def _facts(self, requester: str, decider: str | None) -> list[dict[str, Any]]:
        output, say = self.context.output, self.words.say
        layout = self.request.portal.layouts.get(output.layout)
        name = output.layout
        if layout is not None:
            name = layout.name_ja if self.words.japanese else layout.name_en
        entries: list[tuple[str, str]] = [
            (_("Purpose of taking it out"), output.purpose),
            (_("Asked for by"), f"{requester} ({format_jst(output.requested_at)})"),
            (_("Form of the file"), name),
        ]
        if output.people is not None:
            people = _("${count} people, each on record", mapping={"count": f"{output.people:,}"})
            entries.append((_("People in the file"), say(people)))
        if output.archive_sha256:
            size = f"{output.file_name} ({(output.size or 0) // 1024 + 1:,} KiB)"
            entries.append((_("File"), size))
            entries.append((_("SHA-256 of the encrypted file"), output.archive_sha256))
        if decider is not None and output.decided_at is not None:
            entries.append((_("Decided by"), f"{decider} ({format_jst(output.decided_at)})"))
        if output.decision_reason:
            entries.append((_("Reason of the refusal"), output.decision_reason))
        if output.wiped_at is not None:
            entries.append((_("Wiped"), self._wiped()))
        elif output.expires_at is not None:
            entries.append((_("Is wiped on"), format_jst(output.expires_at)))
        return [{"label": say(label), "value": value} for label, value in entries]

    def _wiped(self) -> str:
        output = self.context.output
        at = format_jst(output.wiped_at) if output.wiped_at else ""
        reason = self.words.say(WIPE_REASONS[WipeReason(output.wipe_reason)]) if output.wipe_reason else ""
        return f"{at} ({reason})" if reason else at

    def _behind(self) -> dict[str, Any]:
        """Return the list of targets behind the file: in words, and with the way to it where that is open."""
        row = list_behind(self.request.db, self.context.output.subject)
        if row is None:
            return {"criteria": [], "list_url": None}
        words = ListWords(self.request)
        say = words.say
        given = [
            (_("List of targets"), f"{row.id}: {row.title}"),
            (_("Came into question"), f"{row.base:,}"),
            (_("On the list"), f"{counts_of(self.request.db, row.id).on_list:,}"),
        ]
        made = [
            (_("Saved by"), row.created_by),
            (_("State of the data"), format_jst(row.data_as_of)),
            (_("Version of the rules"), row.schedule_version),
        ]
        may_see = Permission.EXTRACTION_VIEW in self.request.own_permissions
        root = self.request.root
        return {
            "criteria": [
                *({"label": say(label), "value": value} for label, value in given),
                *words.criteria(row.criteria),
                *words.states(row.states),
                *({"label": say(label), "value": value} for label, value in made),
            ],
            "list_url": self.request.resource_path(root, "extractions", str(row.id), "") if may_see else None,
        }


def _listed(value: Any) -> list[str]:
    """Return what a problem names, one or several, as a list."""
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]
