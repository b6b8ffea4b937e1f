"""How forms are drawn and read back: our own deform templates, one language per request, nothing unknown."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import colander
import deform
import peppercorn
from chameleon import PageTemplateLoader
from pyramid.request import Request
from translationstring import ChameleonTranslate

from yvaxportal.forms.fields import TEMPLATE_HELPERS, leaves, put_message
from yvaxportal.forms.types import CSRF_FIELD
from yvaxportal.values.text import _, contains_personal_number

TEMPLATE_FOLDER = Path(__file__).parent.parent / "templates" / "deform"

_TEMPLATE_NAME = re.compile(r"(readonly/)?[a-z_]+")
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z_-]{0,39}")
_MARKERS = frozenset({"__formid__", "_charset_"})
_NAMES_SHOWN = 5
_DIGIT = re.compile(r"\d")

# Compiled templates know no language and no request, so one loader serves the whole process.
_loader = PageTemplateLoader([str(TEMPLATE_FOLDER)], default_extension=".pt")


class FormRenderer:
    """Draws the portal's own deform templates in the language of one request.

    deform's own folder is never searched: its templates carry inline scripts, which the content security
    policy forbids. A widget without a template of ours raises LookupError.
    """

    def __init__(self, request: Request) -> None:
        self.translate = request.localizer.translate
        self._translate_in_template = ChameleonTranslate(self.translate)

    def __call__(self, template_name: str, **values: object) -> str:
        name = template_name.removesuffix(".pt")
        if not _TEMPLATE_NAME.fullmatch(name) or not (TEMPLATE_FOLDER / f"{name}.pt").is_file():
            message = f"the portal has no form template {template_name!r}"
            raise LookupError(message)
        drawn: str = _loader.load(name)(translate=self._translate_in_template, **TEMPLATE_HELPERS, **values)
        return drawn


class PortalForm(deform.Form):
    """A form of the portal: our templates, refusal of unknown fields (measure M02), nothing typed is lost.

    ``schema`` must be bound with ``request``. ``formid`` begins every id inside the form
    (``dose-given_on``); give each form of a page its own, and ``focus="off"`` to all but one.
    ``enter_next`` makes Enter go to the next field, as barcode readers need; Ctrl+Enter sends.
    """

    def __init__(
        self,
        schema: colander.SchemaNode,
        *,
        action: str = "",
        buttons: Iterable[str | deform.Button] = (),
        formid: str = "form",
        enter_next: bool = False,
        focus: str = "on",
        **settings: object,
    ) -> None:
        settings.setdefault("renderer", FormRenderer(schema.bindings["request"]))
        super().__init__(
            schema,
            action=action,
            buttons=tuple(buttons),
            formid=formid,
            focus=focus,
            autocomplete=False,
            **settings,
        )
        self.enter_next = enter_next
        _give_ids(self, formid)
        if self.focus == "on":
            # deform chooses by the kind of field; here the schema says which, or it is the first one seen.
            visible = [field for field in leaves(self) if not field.widget.hidden]
            asked = (field for field in visible if getattr(field.schema, "autofocus", None))
            self._focus_on(next(asked, visible[0] if visible else None))

    def validate(
        self, controls: Iterable[tuple[str, object]], subcontrol: str | None = None
    ) -> dict[str, object]:
        """Return the values of a posted form; raise deform.ValidationFailure, ready to be rendered.

        ``controls`` are the pairs of ``request.POST.items()`` in their order.
        """
        try:
            pstruct = peppercorn.parse(controls)
        except (ValueError, TypeError):
            raise self._malformed() from None
        values: dict[str, object] = self.validate_pstruct(
            pstruct if subcontrol is None else pstruct.get(subcontrol, {})
        )
        return values

    def validate_pstruct(self, pstruct: object) -> dict[str, object]:
        """Like ``validate``, for controls that are parsed already."""
        if not isinstance(pstruct, dict):
            raise self._malformed()
        sent = {name: value for name, value in pstruct.items() if name not in self._allowed_beside_fields()}
        try:
            unknown = _unknown_names(self, sent)
        except TypeError:
            raise self._malformed() from None
        if unknown:
            self.set_pstruct(sent)
            shown = sorted({name if _FIELD_NAME.fullmatch(name) else "?" for name in unknown})[:_NAMES_SHOWN]
            message = _(
                "The form came with unknown items (${names}). Nothing was saved. Open the page again.",
                mapping={"names": ", ".join(shown)},
            )
            raise self.failure({}, message=message)
        try:
            values: dict[str, object] = super().validate_pstruct(sent)
        except deform.ValidationFailure:
            self._prepare_to_show_again()
            raise
        return values

    def failure(self, messages: Mapping[str, str], *, message: str | None = None) -> deform.ValidationFailure:
        """Return a failure, for the caller to raise or render, with what only a service could find out.

        ``messages`` is keyed by field name, dotted within a mapping (``address.town``); ``message`` concerns
        the form as a whole. KeyError for a field that the form does not have.
        """
        error = colander.Invalid(self.schema, message)
        for dotted_name, text in messages.items():
            field = self
            for name in dotted_name.split("."):
                field = field[name]
            put_message(field, text)
        # deform keeps the first error it meets; a message about the whole form must not be lost behind it.
        self.error: colander.Invalid | None = error if message or self.error is None else self.error
        self._prepare_to_show_again()
        return deform.ValidationFailure(self, self.cstruct, self.error)

    def _malformed(self) -> deform.ValidationFailure:
        self.set_appstruct(colander.null)
        return self.failure(
            {}, message=_("The form did not arrive whole. Nothing was saved. Open the page again.")
        )

    def _allowed_beside_fields(self) -> frozenset[str]:
        return _MARKERS | {button.name for button in self.buttons}

    def _prepare_to_show_again(self) -> None:
        for field in leaves(self):
            # What was refused is shown again, except a personal number: only the vault's pages have it.
            # The token is the portal's own; twelve digits in a row happen in one token of some hundreds.
            if field.name == CSRF_FIELD:
                continue
            if isinstance(field.cstruct, str) and contains_personal_number(field.cstruct):
                field.cstruct = _DIGIT.sub("*", field.cstruct)
        wrong = next((field for field in leaves(self) if field.error and not field.widget.hidden), None)
        if wrong is not None:
            self._focus_on(wrong)

    def _focus_on(self, chosen: deform.Field | None) -> None:
        for field in leaves(self):
            field.autofocus = "autofocus" if field is chosen else None


def _give_ids(field: deform.Field, prefix: str) -> None:
    for child in field.children:
        child.oid = f"{prefix}-{child.name}"
        _give_ids(child, child.oid)


def _unknown_names(field: deform.Field, sent: object) -> set[str]:
    """Return names in ``sent`` that the form does not have; TypeError when the shape is not the form's."""
    if isinstance(field.typ, colander.Sequence) and isinstance(field.widget, deform.widget.SequenceWidget):
        if not isinstance(sent, list):
            raise TypeError
        return set().union(*(_unknown_names(field.children[0], item) for item in sent))
    if not isinstance(field.typ, colander.Mapping):
        return set()
    if not isinstance(sent, dict):
        raise TypeError
    known = {child.name: child for child in field.children}
    unknown = {name for name in sent if name not in known}
    return unknown.union(
        *(_unknown_names(known[name], value) for name, value in sent.items() if name in known)
    )
