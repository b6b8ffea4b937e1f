import inspect
from dataclasses import replace
from datetime import date
from enum import StrEnum

import pytest

from yvaxportal.forms.dose import DoseSchema, appstruct_of, draft_of
from yvaxportal.forms.dose_messages import ALERT_NAMES, MESSAGES
from yvaxportal.forms.labels import LABELS, choices, label
from yvaxportal.models import codes
from yvaxportal.models.codes import DoseCategory, IdentityDocument, Judgement, PneumococcalType
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.dose_findings import DoseAlert, DoseError

DRAFT = DoseDraft(
    vaccine="pcv20",
    given_on=date(2026, 11, 23),
    dose_number=1,
    judgement=Judgement.GIVEN,
    dose_category=DoseCategory.ROUTINE,
    institution_code="3110112342",
    lot_number="AB1234",
    fee=0,
    pneumococcal_type=PneumococcalType.V20,
    identity_document=IdentityDocument.PASSPORT,
)


def values_of(draft: DoseDraft) -> dict[str, object]:
    """Return what a form gives for a draft: codes as text, empty items as None."""
    shown = appstruct_of(draft)
    return {name: None if getattr(draft, name, "") is None else value for name, value in shown.items()} | {
        "medical_institution": draft.institution_code or draft.institution_name
    }


def test_every_code_of_every_list_has_a_label() -> None:
    lists = [kind for _name, kind in inspect.getmembers(codes, inspect.isclass) if issubclass(kind, StrEnum)]
    lists.remove(StrEnum)
    assert set(LABELS) == set(lists)
    for kind in lists:
        assert [value for value, _label in choices(kind)] == [member.value for member in kind]
        assert all(label(member) for member in kind)


def test_what_is_no_code_has_no_label() -> None:
    for stranger in ("given", DoseError.IN_FUTURE, None):
        with pytest.raises(TypeError):
            label(stranger)


def test_every_finding_has_a_cause_and_a_remedy() -> None:
    assert set(MESSAGES) == {*DoseError, *DoseAlert}
    assert set(ALERT_NAMES) == set(DoseAlert)
    assert all(cause and remedy for cause, remedy in MESSAGES.values())


def test_a_draft_comes_back_from_the_form_as_it_went_in() -> None:
    assert draft_of(values_of(DRAFT)) == DRAFT
    named = replace(DRAFT, institution_code=None, institution_name="西公民館", fee=None, lot_number=None)
    assert draft_of(values_of(named)) == named


@pytest.mark.parametrize(
    ("typed", "code", "name"),
    [
        ("3110112342", "3110112342", None),
        ("３１-１-０１１２３４２", "3110112342", None),
        ("12345", "12345", None),
        ("第2ひまわり診療所", None, "第2ひまわり診療所"),
        (None, None, None),
    ],
)
def test_digits_are_a_code_and_all_else_is_a_name(
    typed: str | None, code: str | None, name: str | None
) -> None:
    draft = draft_of(values_of(DRAFT) | {"medical_institution": typed})
    assert (draft.institution_code, draft.institution_name) == (code, name)


def test_a_lot_number_is_kept_as_it_is_printed() -> None:
    assert draft_of(values_of(DRAFT) | {"lot_number": "ａｂ 1234"}).lot_number == "AB1234"


def test_the_form_has_no_item_that_the_record_does_not_have() -> None:
    beside = {"csrf_token", "seen", "submission", "accepted"}
    names = {node.name for node in DoseSchema()} - beside
    assert names - {"medical_institution"} <= set(DoseDraft.__dataclass_fields__)
    assert set(DoseDraft.__dataclass_fields__) - names == {"institution_code", "institution_name"}
