import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.values.kana import fold_name, is_kana, katakana_to_hiragana
from yvaxportal.values.variants import GROUPS

KATAKANA = "".join(map(chr, range(0x30A1, 0x30FB)))
HIRAGANA = "".join(map(chr, range(0x3041, 0x3097)))
NAMES = KATAKANA + HIRAGANA + "ー・ 　-々ヽゞゝｶﾞｰ田邊󠄀髙" + "".join(GROUPS) + "aé'Ａ"


@pytest.mark.parametrize(
    "spellings",
    [
        ("ガ", "カ", "が", "か", "ｶﾞ", "ｶ", "カ\u3099"),
        ("パ", "バ", "ハ", "ﾊﾟ"),
        ("ヴ", "ウ", "ゔ"),
        ("シュンジ", "シユンシ", "しゅんじ"),
        ("オオノ", "オウノ", "オーノ", "オノ", "ヲノ", "おおの", "ｵｰﾉ"),
        ("コウイチ", "コオイチ", "コーイチ", "コ−イチ", "コ-イチ", "こういち"),
        ("ユウキ", "ユウ・キ", "ユウ　キ", "ゆう き"),
        ("ヨネコ", "よね子".replace("子", "こ"), "ヨネゴ"),
        ("キエ", "キヱ"),
        ("ミスズ", "みすゞ", "ミスス"),
        ("髙橋", "高橋", "高 橋", "高　橋"),
        ("﨑本", "崎本"),
        ("渡邊", "渡邉", "渡辺", "渡邊\U000e0104"),
        ("斎藤", "齋藤", "斉藤", "齊藤"),
        ("𠮷田", "吉田"),
        ("辻\U000e0101", "辻"),
        ("\ufa19", "神"),
        ("\ufa10", "塚"),
        ("佐々木", "佐佐木"),
        ("Müller", "MULLER", "ｍｕｌｌｅｒ", "Mu\u0308ller"),
        ("O'Brien", "OBRIEN", "O’Brien"),
        ("Jean-Luc", "JEAN LUC", "Jean‐Luc"),
        ("Søren", "SOREN"),
        ("STRASSE", "Straße"),
        ("DƯƠNG", "dương"),
    ],
)
def test_spellings_that_search_takes_for_one(spellings: tuple[str, ...]) -> None:
    assert len({fold_name(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("コジマ", "コヂマ"),
        ("チバ", "シバ"),
        ("カトウ", "カタ"),
        ("坂本", "阪本"),
        ("一", "ー"),
        ("イイダ", "イダ"),
        ("スズキ", "ツズキ"),
    ],
)
def test_names_that_stay_apart(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)


def test_keys_as_they_are_kept() -> None:
    assert fold_name("ワタナベ　コウイチロウ") == "ワタナヘコイチロ"
    assert fold_name("渡邊󠄁　浩一郞") == "渡辺浩一郎"
    assert fold_name("NGUYỄN Văn A") == "nguyenvana"
    assert fold_name(" ・ー") == ""


@given(st.text() | st.text(NAMES))
def test_folding_a_name_twice_is_folding_it_once(text: str) -> None:
    assert fold_name(fold_name(text)) == fold_name(text)


@given(st.text(KATAKANA + HIRAGANA + "ー・ 々ヽ田髙"), st.integers(0, 20))
def test_the_key_of_a_beginning_is_the_beginning_of_the_key(text: str, length: int) -> None:
    assert fold_name(text).startswith(fold_name(text[:length]))


@given(st.text(KATAKANA))
def test_hiragana_and_katakana_have_one_key(text: str) -> None:
    assert fold_name(katakana_to_hiragana(text)) == fold_name(text)


def test_no_kanji_stands_in_two_groups_of_variants() -> None:
    members = "".join(GROUPS)
    assert len(set(members)) == len(members)


@pytest.mark.parametrize("group", GROUPS)
def test_variants_are_single_kanji_that_fold_to_the_first(group: str) -> None:
    assert {fold_name(kanji) for kanji in group} == {group[0]}
    assert all(unicodedata.normalize("NFKC", kanji) == kanji for kanji in group)  # else folded by rule


@pytest.mark.parametrize(
    "text", ["ア", "あ", "ｱ", "ヤマダ　タロウ", "ｶﾞｰ", "メアリー・アン", "ヴ", "か\u3099"]
)
def test_kana(text: str) -> None:
    assert is_kana(text)


@pytest.mark.parametrize("text", ["", " ", "ー・", "山", "ヤマ田", "a", "ア1"])
def test_not_kana(text: str) -> None:
    assert not is_kana(text)


def test_katakana_to_hiragana() -> None:
    assert katakana_to_hiragana("ヤマダ・ヴァーヽ 山") == "やまだ・ゔぁーゝ 山"
