import pickle
from datetime import date
from pathlib import Path

import pytest

from yvaxportal.values.personal_number import PersonalNumber
from yvaxportal.vault.purposes import PurposeError, check_case, load_purposes


def test_the_three_scenes_of_the_assessment_are_there_with_their_legal_basis() -> None:
    purposes = load_purposes()
    scenes = {"ask_previous_municipality", "provide_to_next_municipality", "issue_certificate"}
    assert scenes <= set(purposes)
    assert all("番号法" in purpose.legal_basis for purpose in purposes.values())


def test_a_purpose_holds_from_its_first_to_its_last_day(tmp_path: Path) -> None:
    extra = tmp_path / "purposes.toml"
    extra.write_text(
        '[[purpose]]\nid = "survey"\nlabel_ja = "調査"\nlabel_en = "Survey"\nlegal_basis = "番号法第9条"\n'
        "valid_from = 2026-04-01\nvalid_to = 2026-04-30\n",
        "utf-8",
    )
    survey = load_purposes(extra)["survey"]
    days = [date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 30), date(2026, 5, 1)]
    assert [survey.in_force(day) for day in days] == [False, True, True, False]


WHOLE = 'label_ja = "調査"\nlabel_en = "Survey"\nlegal_basis = "番号法第9条"\n'


@pytest.mark.parametrize(
    "entry",
    [
        'id = "survey"',
        f'id = "survey"\n{WHOLE}valid_from = 2026-04-01\nwhat = 1',
        f'id = "Survey 1"\n{WHOLE}valid_from = 2026-04-01',
        f"id = 1\n{WHOLE}valid_from = 2026-04-01",
        'id = "survey"\nlabel_ja = ""\nlabel_en = "S"\nlegal_basis = "x"\nvalid_from = 2026-04-01',
        f'id = "survey"\n{WHOLE}valid_from = "2026-04-01"',
        f'id = "survey"\n{WHOLE}valid_from = 2026-04-01T00:00:00',
        f'id = "survey"\n{WHOLE}valid_from = 2026-04-01\nvalid_to = 2026-03-31',
    ],
)
def test_an_incomplete_entry_is_refused(tmp_path: Path, entry: str) -> None:
    extra = tmp_path / "purposes.toml"
    extra.write_text(f"[[purpose]]\n{entry}\n", "utf-8")
    with pytest.raises(ValueError, match=r"purposes\.toml"):
        load_purposes(extra)


@pytest.mark.parametrize("case", ["R8-123", " 健対第45号 ", "2026/11/23-7"])
def test_a_case_reference_is_accepted(case: str) -> None:
    assert check_case(case) == case.strip()


@pytest.mark.parametrize("case", ["", "   ", "-", "x" * 65, "123456789018", "case 1234-5678-9018"])
def test_no_case_and_no_number_in_a_case(case: str) -> None:
    with pytest.raises(PurposeError):
        check_case(case)


def test_a_number_is_shown_by_reveal_alone() -> None:
    number = PersonalNumber("900000000001")
    assert number.reveal() == "900000000001"
    assert not any("9000" in text for text in (repr(number), str(number), f"{number}", f"{number:>20}"))
    with pytest.raises(TypeError):
        pickle.dumps(number)
