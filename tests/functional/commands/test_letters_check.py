"""``yvax letters check`` on own templates: in order, with a mistake, too narrow, beside the window."""

from pathlib import Path

import pytest

from tests.press import press
from yvaxportal.cli import main
from yvaxportal.models.codes import LetterKind

Checked = tuple[int, str, str]
SAYS = {
    "documents.office": "健康福祉部 健康推進課",
    "documents.office_postal_code": "683-0000",
    "documents.office_address": "鳥取県見本市見本町一丁目1番地",
    "documents.office_phone": "0859-00-0000",
    "documents.issuer": "見本市長　見本　太郎",
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


@pytest.fixture
def ini(tmp_path: Path, secrets: Path, own: Path) -> dict[str, str]:
    """The settings of a portal whose database is not there: letters are checked without one."""
    return {
        "environment": "development",
        "var": str(tmp_path),
        "database": "external",
        "database.url": "postgresql+psycopg://nobody@127.0.0.1:1/nothing",
        "municipality_name": "見本市",
        "session.secret_file": str(secrets / "session"),
        "vault.key_ring_file": str(secrets / "ring.json"),
        "audit.signing_key_file": str(secrets / "signing.pem"),
        "documents.templates_folder": str(own),
        **SAYS,
    }


def check(ini: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Checked:
    path = Path(ini["var"]) / "portal.ini"
    lines = ["[app:main]", "use = egg:yvaxportal"]
    lines += [f"yvaxportal.{name} = {value}" for name, value in ini.items()]
    path.write_text("\n".join(lines), "utf-8")
    code = main(["letters", "check", str(path)])
    said = capsys.readouterr()
    return code, said.out, said.err


def change(own: Path, name: str, before: str, after: str) -> None:
    """Put a shipped template into the folder with something in it changed."""
    shipped = press().templates.files[name].decode()
    assert before in shipped
    (own / name).write_text(shipped.replace(before, after), "utf-8")


def test_templates_in_order_are_said_to_be(
    ini: dict[str, str], own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(own, "ticket_places.typ", "220mm", "215mm")
    code, out, err = check(ini, capsys)
    assert (code, err) == (0, "")
    assert all(kind.value in out for kind in LetterKind)


def test_a_mistake_is_told_with_its_place_and_hides_no_other(
    ini: dict[str, str], own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / "ticket.typ").write_text('#import "common.typ": *\n#nothing-of-that-name\n', "utf-8")
    change(own, "postcard.typ", "100mm", "20mm + nowhere")
    code, out, err = check(ini, capsys)
    assert (code, out) == (1, "")
    assert "ticket.typ:2" in err
    assert "the template invitation" in err
    assert "the template reminder" in err


def test_a_field_without_room_for_the_sample_is_named(
    ini: dict[str, str], own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(own, "ticket.typ", "letter.name, 90mm", "letter.name, 3mm")
    code, _out, err = check(ini, capsys)
    assert (code, err.strip()) == (1, "ticket: the sample does not fit: name")


def test_a_form_without_room_for_what_it_says_is_named(
    ini: dict[str, str], own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(own, "common.typ", "height > height {", "height > height / 9 {")
    code, _out, err = check(ini, capsys)
    assert code == 1
    assert "too long for the form: facts" in err


def test_an_address_beside_the_window_is_found_out(
    ini: dict[str, str], own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(own, "common.typ", "(x.mm(), y.mm(), width", "(x.mm(), y.mm() + 60, width")
    code, _out, err = check(ini, capsys)
    assert code == 1
    assert "ticket: window" in err
    # An enclosure has no address.
    assert "questionnaire" not in err


def test_a_folder_that_holds_something_else_stops_the_check(
    ini: dict[str, str], own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own / "run.sh").write_text("", "utf-8")
    code, _out, err = check(ini, capsys)
    assert code == 1
    assert "yvaxportal.documents.templates_folder" in err
    assert "run.sh" in err


def test_a_sender_that_is_not_said_is_named_once(
    ini: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    ini["documents.issuer"] = ""
    code, _out, err = check(ini, capsys)
    assert code == 1
    assert err.count("yvaxportal.documents.issuer") == 1
