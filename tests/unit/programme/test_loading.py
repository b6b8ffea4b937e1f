"""Rule files: what ships is in order, a mistake is told with file and line, a folder overrides."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import SHIPPED, ScheduleError, load_schedule

CATALOGUE = load_catalogue()
# Line 1 is the first line of the text.
OWN = """\
order = 300

[citation.bylaw]
law = "見本市予防接種規則"
article = "1条"
checked_on = 2026-11-23

[programme.own]
series = "mumps"
name_ja = "おたふくかぜ（市の助成）"
name_en = "Mumps, paid by the city"
category = "B"
vaccines = ["mumps"]

[[programme.own.rule]]
valid_from = 2020-04-01
valid_to = 2024-03-31
from = { months = 12 }
until = { months = 24 }
citations = ["bylaw"]

[[programme.own.rule]]
valid_from = 2024-04-01
from = { months = 12 }
until = { months = 36 }
citations = ["bylaw"]

[[programme.own.course]]
doses = [
    { standard_until = { months = 15 } },
    { months = 3 },
]
"""


def _load(folder: Path, text: str, name: str = "own.toml") -> None:
    (folder / name).write_text(text, "utf-8")
    load_schedule(CATALOGUE, folder)


def test_what_ships_covers_every_programme_and_names_its_sources() -> None:
    schedule = load_schedule(CATALOGUE)
    assert len(schedule.programmes) == 30
    assert {path.name for path in SHIPPED.glob("*.toml")} == {Path(name).name for name in schedule.files}
    for programme in schedule.programmes.values():
        assert programme.citations
        assert all(citation.law and citation.checked_on for citation in programme.citations)
    used = {vaccine for programme in schedule.programmes.values() for vaccine in programme.vaccines}
    routine = {code for code, one in CATALOGUE.vaccines.items() if one.routine_from is not None}
    assert routine == used


def test_a_folder_adds_and_overrides_and_changes_the_version(tmp_path: Path) -> None:
    shipped = load_schedule(CATALOGUE)
    (tmp_path / "own.toml").write_text(OWN, "utf-8")
    added = load_schedule(CATALOGUE, tmp_path)
    assert set(added.programmes) - set(shipped.programmes) == {"own"}
    assert list(added.programmes)[-1] == "own"
    assert added.version != shipped.version
    bcg = (SHIPPED / "bcg.toml").read_text("utf-8").replace("until = { years = 1 }", "until = { years = 2 }")
    (tmp_path / "bcg.toml").write_text(bcg, "utf-8")
    changed = load_schedule(CATALOGUE, tmp_path)
    last = changed.programmes["bcg"].rules[-1].targets[0].last
    assert last is not None
    assert last.value == 2
    assert len(changed.programmes) == len(added.programmes)
    assert load_schedule(CATALOGUE, tmp_path).version == changed.version


MISTAKES = [
    ('vaccines = ["mumps"]', 'vaccines = ["mump"]', 13, "unknown vaccine mump"),
    ('series = "mumps"', 'series = "mump"', 9, "unknown series mump"),
    ('category = "B"', 'category = "C"', 12, "category must be one of A, B, temporary"),
    ('name_en = "Mumps, paid by the city"', "", 8, "name_en is missing"),
    ("valid_to = 2024-03-31", "valid_to = 2024-04-01", 23, "overlapping validity"),
    ("valid_to = 2024-03-31", "", 23, "overlapping validity"),
    ("valid_to = 2024-03-31", "valid_to = 2019-03-31", 17, "valid_to lies before valid_from"),
    ("valid_from = 2024-04-01", "valid_from = 2019-04-01", 23, "in order of valid_from"),
    ("until = { months = 24 }", "until = { months = 6 }", 19, "impossible window"),
    ("until = { months = 36 }", "until = { weeks = 36 }", 25, "unknown unit weeks"),
    ("until = { months = 36 }", "until = { months = -1 }", 25, "months must be a whole number"),
    ("until = { months = 36 }", "untill = { months = 36 }", 25, "unknown key untill"),
    ("until = { months = 36 }", "until = 36", 25, "until must be one age"),
    ('citations = ["bylaw"]\n\n[[programme.own.course', "[[programme.own.course", 22, "citations is missing"),
    ('citations = ["bylaw"]\n\n[[programme.own.rule', 'citations = ["law"]\n\n[[programme.own.rule', 20,
     "unknown citation law"),
    ("checked_on = 2026-11-23", 'checked_on = "2026-11-23"', 6, "a date without quotes"),
    ("    { months = 3 },", "    { month = 3 },", 31, "unknown key month"),
    ("    { months = 3 },", '    { months = "3" },', 31, "months must be a whole number"),
    ("order = 300", "order = true", 1, "order must be a whole number"),
    ("order = 300", "colour = 1", 1, "unknown key colour"),
    ("order = 300", "order = ", 1, "no TOML"),
    ("[[programme.own.course]]", "[[programme.own.curse]]", 28, "unknown key curse"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "line", "reason"), MISTAKES)
def test_a_mistake_is_told_with_file_line_and_reason(
    tmp_path: Path, right: str, wrong: str, line: int, reason: str
) -> None:
    assert right in OWN
    position = OWN.rindex(right) if "36" in right or "2024-04" in right else OWN.index(right)
    text = OWN[:position] + wrong + OWN[position + len(right) :]
    with pytest.raises(ScheduleError) as raised:
        _load(tmp_path, text)
    said = str(raised.value)
    assert said.startswith(f"{tmp_path / 'own.toml'}:{line}: "), said
    assert reason in said


def test_what_several_files_say_must_agree(tmp_path: Path) -> None:
    twice = OWN.replace("programme.own", "programme.bcg")
    with pytest.raises(ScheduleError, match=r"own\.toml:8: programme bcg is already in bcg\.toml"):
        _load(tmp_path, twice)
    lost = OWN.replace('vaccines = ["mumps"]', 'vaccines = ["mumps"]\ncontinues = ["mumps1"]')
    with pytest.raises(ScheduleError, match=r"own\.toml:14: unknown programme mumps1"):
        _load(tmp_path, lost)


def test_a_folder_that_is_none_and_a_file_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="there is no such folder"):
        load_schedule(CATALOGUE, tmp_path / "nowhere")
    (tmp_path / "own.toml").write_bytes(b"order = 1\n# \xff\n")
    with pytest.raises(ScheduleError, match=r"own\.toml:2: is not UTF-8"):
        load_schedule(CATALOGUE, tmp_path)


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_file_with_a_line_missing_loads_or_says_where_it_is_wrong(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = sorted(path.name for path in SHIPPED.glob("*.toml"))
    name = data.draw(st.sampled_from(names))
    lines = (SHIPPED / name).read_text("utf-8").splitlines(keepends=True)
    position = data.draw(st.integers(0, len(lines) - 1))
    folder = tmp_path_factory.mktemp("rules")
    try:
        _load(folder, "".join(lines[:position] + lines[position + 1 :]), name)
    except ScheduleError as error:
        file, line, reason = str(error).split(":", 2)
        assert Path(file).suffix == ".toml"
        assert int(line) > 0
        assert reason.strip()
