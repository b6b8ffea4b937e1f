"""The register of a resident's COVID-19 certificates: shown, recorded after an identity check, made void."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.details.certificates import (
    PASSPORT_FIELDS,
    CertificateSchema,
    VoidCertificateSchema,
)
from yvaxportal.models.codes import (
    CertificateKind,
    CertificateState,
    IdentityCheckMethod,
    IdentityDocument,
)
from yvaxportal.models.record_items import COVID19
from yvaxportal.resources import Certificates
from yvaxportal.security.permissions import Permission
from yvaxportal.services.certificates import (
    CertificateIdTakenError,
    CertificateRow,
    NewCertificate,
    NoCertificateError,
    Passport,
    certificates_of,
    record_certificate,
    void_certificate,
)
from yvaxportal.services.detail_changes import Change
from yvaxportal.values.text import _
from yvaxportal.views.details.editing import EditPage, Values

MAX_ID_DIGITS = 18
_PASSPORT_ITEM = next(item for item in COVID19 if item.identifier == "passport_details")


@view_defaults(context=Certificates)
class CertificatesPage(EditPage):
    """The certificates of one resident (items covid19 13 to 15)."""

    part = "certificates"
    schema = CertificateSchema
    title = _("Record an issued certificate")
    view_permission = Permission.CERTIFICATE_VIEW

    @view_config(
        request_method="GET",
        permission=Permission.CERTIFICATE_VIEW,
        renderer="yvaxportal:templates/details/certificates.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the certificates, void ones included, and record that they were seen."""
        self.request.audit.record(Action.CERTIFICATE_VIEWED, resident_id=self.resident.id)
        may_edit = self.may(Permission.CERTIFICATE_EDIT)
        return self.page(
            _("Certificates"),
            certificates=[
                self._line(row, may_edit=may_edit)
                for row in certificates_of(self.request.db, self.resident.id)
            ],
            record_url=f"{self.url}record" if may_edit else None,
        )

    @view_config(
        name="record",
        request_method="GET",
        permission=Permission.CERTIFICATE_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def ask(self) -> dict[str, Any]:
        """Show the form for an issued certificate."""
        form = self.form()
        form.set_appstruct({"certificate_issued_on": self.request.today})
        return self.show_form(form)

    @view_config(
        name="record",
        request_method="POST",
        permission=Permission.CERTIFICATE_EDIT,
        renderer="yvaxportal:templates/details/form.pt",
    )
    def record(self) -> dict[str, Any] | Response:
        """Save the certificate with the identity check."""

        def deed(typed: Values) -> Change:
            kind = CertificateKind(typed["kind"])
            passport = {name: typed[name] for name in PASSPORT_FIELDS}
            record_certificate(
                self.request.db,
                self.request.audit,
                self.resident.id,
                NewCertificate(
                    certificate_id=typed["certificate_id"],
                    certificate_issued_on=typed["certificate_issued_on"],
                    kind=kind,
                    passport=Passport(**passport) if kind is CertificateKind.TRAVEL else None,
                ),
                method=IdentityCheckMethod(typed["method"]),
                document=IdentityDocument(typed["document"]),
                staff_id=self.request.identity.staff_id,
                now=self.request.now,
            )
            return Change({}, {"certificate_id": typed["certificate_id"]})

        try:
            return self.save(deed)
        except CertificateIdTakenError:
            form = self.form()
            form.validate(self.request.POST.items())
            return self.refused(form, certificate_id=_("This certificate id was recorded before."))

    def _line(self, row: CertificateRow, *, may_edit: bool) -> dict[str, Any]:
        words = self.words
        check = [words.code(row.method), words.code(row.document), row.checked_by or ""]
        valid = row.state is CertificateState.VALID
        return {
            "certificate_id": row.certificate_id,
            "day": words.day(row.certificate_issued_on),
            "kind": words.code(row.kind),
            "status_kind": "ok" if valid else "neutral",
            "status_text": words.code(row.state),
            "void_reason": row.void_reason,
            "check": " / ".join(part for part in check if part),
            "passport": self.entries([_PASSPORT_ITEM], row.passport) if row.passport else None,
            "void_url": f"{self.url}void?certificate={row.id}" if valid and may_edit else None,
        }


@view_defaults(context=Certificates, name="void", permission=Permission.CERTIFICATE_EDIT)
class VoidCertificatePage(EditPage):
    """Making one certificate void."""

    part = "certificates"
    schema = VoidCertificateSchema
    title = _("Make a certificate void")
    view_permission = Permission.CERTIFICATE_VIEW

    @view_config(request_method="GET", renderer="yvaxportal:templates/details/form.pt")
    def ask(self) -> dict[str, Any]:
        """Ask for the reason."""
        return self.show_form(self.form())

    @view_config(request_method="POST", renderer="yvaxportal:templates/details/form.pt")
    def void(self) -> dict[str, Any] | Response:
        """Make it void."""
        row = self._certificate()

        def deed(typed: Values) -> Change:
            try:
                void_certificate(
                    self.request.db,
                    self.request.audit,
                    self.resident.id,
                    row.id,
                    reason=typed["reason"],
                )
            except NoCertificateError:
                raise HTTPNotFound from None
            return Change({}, {"state": CertificateState.VOID})

        return self.save(deed)

    def notice(self) -> str | None:
        """Tell which certificate it is."""
        text: str = _(
            "Certificate ${certificate} becomes void. It stays in the register; its id is not used again.",
            mapping={"certificate": self._certificate().certificate_id},
        )
        return text

    def _certificate(self) -> CertificateRow:
        wanted = self.request.GET.get("certificate", "")
        if wanted.isascii() and wanted.isdigit() and len(wanted) <= MAX_ID_DIGITS:
            for row in certificates_of(self.request.db, self.resident.id):
                if row.id == int(wanted) and row.state is CertificateState.VALID:
                    return row
        raise HTTPNotFound
