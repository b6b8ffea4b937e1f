"""``yvax programme`` as somebody at a terminal meets it: what it says, and the exit codes."""

import json
from pathlib import Path

import pytest

from yvaxportal.cli import main
from yvaxportal.programme.loading import SHIPPED


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["programme", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_judging_a_dose(capsys: pytest.CaptureFixture[str]) -> None:
    day = ("--on", "2026-11-23")
    code, out, _ = run(capsys, "judge", "--born", "2024-01-15", "--dose", "mr:2025-01-14", *day, "--json")
    (judged,) = json.loads(out)
    assert code == 0
    assert (judged["verdict"], judged["programme"], judged["counts_as"]) == ("valid", "mr1", 1)
    code, out, _ = run(capsys, "judge", "--born", "2024-01-15", "--dose", "mr:2025-01-13", *day, "--json")
    (judged,) = json.loads(out)
    (why,) = judged["reasons"]
    assert judged["verdict"] == "too_early"
    assert (
        why["en"] == "dose 1 came 1 day too early: allowed from 2025-01-14, 1 day before the first birthday"
    )
    assert "1日早い" in why["ja"]
    assert why["citation"] == "予防接種法施行令3条1項"
    assert why["facts"]["days"] == 1
    code, out, _ = run(capsys, "judge", "--born", "2024-01-15", "--dose", "mr:2025-01-13", *day, "--ja")
    assert out.startswith("mr 2025-01-13: too_early (mr1)\n    1回目は1日早い")


def test_forecasting(capsys: pytest.CaptureFixture[str]) -> None:
    person = ("--born", "2026-05-10", "--sex", "female", "--on", "2026-11-23")
    code, out, _ = run(capsys, "forecast", *person, "--json")
    found = {one["programme"]: one for one in json.loads(out)}
    assert code == 0
    assert "mr1" not in found
    assert found["dpt_ipv_hib"]["earliest"] == "2026-07-09"
    assert found["dpt_ipv_hib"]["latest"] == "2033-11-09"
    code, out, _ = run(capsys, "forecast", *person, "--programme", "mr1", "--json")
    assert [one["status"] for one in json.loads(out)] == ["not_target"]
    code, out, _ = run(capsys, "forecast", *person, "--all")
    assert "shingles" in out
    mother = ("--born", "1995-05-10", "--sex", "female", "--on", "2026-11-23")
    code, out, _ = run(capsys, "forecast", *mother, "--circumstance", "pregnancy::2027-01-20")
    assert out.startswith("rs_maternal           due")
    code, out, _ = run(capsys, "forecast", "--born", "1961-00-00", "--on", "2026-11-23", "--json")
    found = {one["programme"]: one for one in json.loads(out)}
    assert found["pneumococcal_elderly"]["status"] == "doubtful"


def test_targets(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "targets", "--programme", "mr2", "--on", "2026-11-23", "--json")
    assert code == 0
    cohort = json.loads(out)
    assert cohort["born"] == [{"from": "2020-04-02", "to": "2021-04-01"}]
    assert cohort["extended"] == [{"from": "2018-04-02", "to": "2019-04-01"}]
    code, out, _ = run(capsys, "targets", "--programme", "influenza", "--on", "2026-11-23")
    assert "to 1962-02-01" in out
    assert "with heart, hiv, kidney, respiratory" in out
    code, out, _ = run(capsys, "targets", "--programme", "rs_maternal", "--on", "2026-11-23")
    assert "pregnant women" in out
    code, out, _ = run(capsys, "targets", "--programme", "hpv_catch_up", "--on", "2026-11-23")
    assert "nobody" in out
    code, out, _ = run(capsys, "targets", "--programme", "rubella_fifth", "--on", "2026-11-23")
    assert "only with antibody_low" in out


def test_show_lists_the_citations_of_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show")
    assert code == 0
    for path in SHIPPED.glob("*.toml"):
        assert path.name in out
    assert "予防接種法施行令附則2項" in out
    assert "https://www.mhlw.go.jp/content/001744583.pdf" in out
    assert "[to be confirmed by the municipality]" in out
    code, out, _ = run(capsys, "show", "je_special", "--json")
    (shown,) = json.loads(out)
    assert shown["file"] == "japanese_encephalitis.toml"
    assert shown["citations"][0]["checked_on"] == "2026-11-23"


def test_check_says_what_a_start_would(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = run(capsys, "check")
    assert (code, err) == (0, "")
    assert "30 programmes" in out
    own = tmp_path / "bcg.toml"
    own.write_text((SHIPPED / "bcg.toml").read_text("utf-8").replace('"bcg"', '"bgc"'), "utf-8")
    code, out, err = run(capsys, "check", str(tmp_path))
    assert (code, out) == (1, "")
    assert err.startswith(f"yvax programme: {own}:")
    assert err.count("\n") == 1
    code, out, err = run(capsys, "check", str(tmp_path / "nowhere"))
    assert (code, out) == (1, "")
    assert "there is no such folder" in err


def test_what_does_not_exist_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "targets", "--programme", "mr3")
    assert (code, out) == (1, "")
    assert err.startswith("yvax programme: no such programme: mr3; there are: ")
    code, out, err = run(capsys, "judge", "--born", "2024-01-15", "--dose", "mrr:2025-01-14")
    assert (code, out) == (1, "")
    assert "no such vaccine: mrr" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--born", "2024-13-01"], "'2024-13-01' is no date"),
        (["--born", "2024-01-15", "--dose", "mr"], "'mr' is no dose"),
        (["--born", "2024-01-15", "--dose", "mr:yesterday"], "'yesterday' is no date"),
        (["--born", "2024-01-15", "--dose", "mr:2025-01-14:first"], "'first' is neither a dose number"),
        (["--born", "2024-01-15", "--circumstance", "tall"], "'tall' is none of"),
        (["--born", "2024-01-15", "--circumstance", "pregnancy::2026-01-01:2026-02-01:x"], "no circumstance"),
        (["--born", "2024-01-15", "--on", "soon"], "argument --on"),
    ],
)
def test_what_cannot_be_read_is_misuse(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["programme", "judge", *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
