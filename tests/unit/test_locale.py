import re
import subprocess
import sys
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "yvaxportal" / "locale" / "ja" / "LC_MESSAGES" / "yvaxportal.po"
TRANSLATED = re.compile(r'<([\w:]+)[^<>]*\bi18n:translate=""[^<>]*>((?:(?!<\1\b).)*?)</\1\s*>', re.DOTALL)
NAMED = re.compile(r"<([\w:]+)[^<>]*\bi18n:name=[^<>]*>.*?</\1\s*>", re.DOTALL)
PLACEHOLDER = re.compile(r"\$\{[A-Za-z_]+\}")


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> polib.POFile:
    """Extract every message id of the code and the templates."""
    pot = tmp_path_factory.mktemp("locale") / "yvaxportal.pot"
    command = str(Path(sys.executable).parent / "pot-create")
    extract = [command, "--domain", "yvaxportal", "--output", str(pot), "yvaxportal"]
    subprocess.run(extract, cwd=ROOT, check=True, capture_output=True)
    return polib.pofile(str(pot))


@pytest.fixture(scope="module")
def japanese() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def test_every_message_has_a_japanese_text(messages: polib.POFile, japanese: polib.POFile) -> None:
    translated = {entry.msgid for entry in japanese.translated_entries()}
    missing = {entry.msgid: entry.occurrences for entry in messages if entry.msgid not in translated}
    assert len(messages) > 100
    assert missing == {}


def test_no_text_outlives_its_message(messages: polib.POFile, japanese: polib.POFile) -> None:
    used = {entry.msgid for entry in messages}
    assert [entry.msgid for entry in japanese if entry.msgid not in used] == []
    assert len({entry.msgid for entry in japanese}) == len(japanese)


def test_every_value_in_a_translated_text_has_a_name() -> None:
    """A bare value would be put in before the text is looked up, and the text never found."""
    bare, seen = [], 0
    for template in sorted((ROOT / "yvaxportal" / "templates").rglob("*.pt")):
        for element in TRANSLATED.finditer(template.read_text("utf-8")):
            seen += 1
            if "${" in NAMED.sub("", element.group(2)):
                bare.append(f"{template.name}: {element.group(2)}")
    assert seen > 100
    assert bare == []


def test_the_values_put_into_a_text_are_the_same_in_both_languages(japanese: polib.POFile) -> None:
    different = [
        entry.msgid
        for entry in japanese
        if set(PLACEHOLDER.findall(entry.msgid)) != set(PLACEHOLDER.findall(entry.msgstr))
    ]
    assert different == []
