"""A template's own measurements, what does not fit, and templates that a municipality replaces."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typst

from tests.press import press
from tests.unit.documents.conftest import NOW, Setter, letter, run_data
from yvaxportal.documents.fonts import FontMissingError, find_fonts
from yvaxportal.documents.setting import (
    FormOverflowError,
    MeasureError,
    SetLetters,
    TemplateError,
    Typesetter,
)
from yvaxportal.documents.template_folder import TemplateFolderError, Templates


@pytest.mark.parametrize(
    ("template", "said", "field"),
    [
        ("ticket", {"name": "見本" * 60}, "name"),
        ("ticket", {"addressee": "見本" * 60}, "addressee"),
        ("ticket", {"address": "鳥取県見本市東町" * 20}, "address"),
        ("ticket", {"addressee": "Wolfeschlegelsteinhausenbergerdorff" * 3}, "addressee"),
        ("invitation", {"address": "鳥取県見本市東町" * 20}, "address"),
        ("questionnaire", {"name": "見本" * 60}, "name"),
        ("record_certificate", {"name": "見本" * 60}, "name"),
    ],
)
def test_a_letter_that_does_not_fit_is_told_by_field(
    set_letters: Setter, template: str, said: dict[str, str], field: str
) -> None:
    made = set_letters(template, letter(1), letter(2, **said), letter(3))
    assert set(made.overflow) == {2}
    assert field in made.overflow[2]


def test_a_longer_text_is_set_smaller_before_it_is_held(set_letters: Setter) -> None:
    made = set_letters("ticket", letter(1, name="見本" * 10, addressee="見本" * 10))
    assert made.overflow == {}


def test_too_long_a_note_fails_the_form(set_letters: Setter) -> None:
    options = run_data()["options"] | {"note": "長い文章です。" * 100}
    with pytest.raises(FormOverflowError) as error:
        set_letters("ticket", options=options)
    assert error.value.fields == ("note",)


def own(tmp_path: Path, name: str, text: str) -> Typesetter:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / name).write_text(text, "utf-8")
    return Typesetter(Templates.read(folder), press().fonts)


def settled(typesetter: Typesetter, tmp_path: Path, *letters: dict[str, Any]) -> SetLetters:
    work = tmp_path / "work"
    work.mkdir()
    data = {"run": run_data(), "letters": list(letters or (letter(),))}
    return typesetter.set_letters("ticket", data, work, "out", now=NOW)


def test_a_municipality_replaces_a_template(tmp_path: Path) -> None:
    shipped = press().templates.files["ticket_places.typ"].decode()
    moved = own(tmp_path, "ticket_places.typ", shipped.replace("220mm", "215mm"))
    assert moved.templates.sha256 != press().templates.sha256
    settled(moved, tmp_path)


def test_a_mistake_in_a_template_is_told_with_its_place(tmp_path: Path) -> None:
    broken = own(tmp_path, "ticket.typ", '#import "common.typ": *\n#nothing-of-that-name\n')
    with pytest.raises(TemplateError, match="ticket") as error:
        settled(broken, tmp_path)
    assert "ticket.typ:2" in error.value.diagnostic


def test_a_template_that_leaves_letters_out_is_found_out(tmp_path: Path) -> None:
    shipped = press().templates.files["common.typ"].decode()
    assert "in data.letters.enumerate()" in shipped
    wrong = shipped.replace("in data.letters.enumerate()", "in data.letters.slice(1).enumerate()")
    with pytest.raises(MeasureError, match="letters"):
        settled(own(tmp_path, "common.typ", wrong), tmp_path, letter(1), letter(2))


def test_an_address_beside_the_window_is_found_out(tmp_path: Path) -> None:
    shipped = press().templates.files["common.typ"].decode()
    told = "[#metadata((x.mm(), y.mm(), width.mm(), height.mm())) <address>]"
    assert told in shipped
    wrong = shipped.replace(told, "[#metadata((x.mm(), y.mm() + 60, width.mm(), height.mm())) <address>]")
    with pytest.raises(MeasureError, match="window"):
        settled(own(tmp_path, "common.typ", wrong), tmp_path)


def test_an_address_that_moves_from_letter_to_letter_is_found_out(tmp_path: Path) -> None:
    shipped = press().templates.files["ticket.typ"].decode()
    moving = shipped.replace("window.x, window.y,", "window.x, window.y + letter.sequence * 1mm,")
    assert moving != shipped
    with pytest.raises(MeasureError, match="window"):
        settled(own(tmp_path, "ticket.typ", moving), tmp_path, letter(1), letter(2))


def test_a_letter_of_more_pages_than_the_others_is_held(tmp_path: Path) -> None:
    shipped = press().templates.files["ticket.typ"].decode()
    second = "  serial(letter)\n  if letter.sequence == 2 { pagebreak() }"
    longer = shipped.replace("  serial(letter)", second)
    made = settled(own(tmp_path, "ticket.typ", longer), tmp_path, letter(1), letter(2), letter(3))
    assert made.overflow == {2: ("page",)}


@pytest.mark.parametrize("name", ["Ticket.typ", "ticket.txt", "run.sh"])
def test_a_folder_with_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("", "utf-8")
    with pytest.raises(TemplateFolderError, match=name):
        Templates.read(tmp_path)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateFolderError, match="is no folder"):
        Templates.read(tmp_path / "nowhere")


def test_fonts_that_are_missing_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        def __init__(self, **_said: object) -> None:
            pass

        def fonts(self) -> list[object]:
            return []

    monkeypatch.setattr(typst, "Fonts", Nothing)
    with pytest.raises(FontMissingError) as error:
        find_fonts()
    assert error.value.families == ("IPAmjMincho", "OCR B")
    assert "fonts-ipamj-mincho" in str(error.value)
    assert "fonts-ocr-b" in str(error.value)


def test_the_press_has_what_it_needs() -> None:
    assert replace(press(), bundle_size=1).fonts.paths.keys() == {"IPAmjMincho", "OCR B"}
