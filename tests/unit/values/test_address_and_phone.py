import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.values.kana import fold_address, fold_phone


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("錦町１丁目１３９番地３", "錦町1-139-3"),
        ("錦町一丁目139番地3", "錦町1-139-3"),
        ("錦町1-139-3", "錦町1-139-3"),
        ("錦町１－１３９ー３", "錦町1-139-3"),
        ("錦町 1丁目 139番地の3", "錦町1-139-3"),
        ("錦町1の139の3", "錦町1-139-3"),
        ("皆生温泉十二丁目3番5号", "皆生温泉12-3-5"),
        ("皆生温泉12-3-5", "皆生温泉12-3-5"),
        ("一番町3番5号", "一番町3-5"),
        ("2番丁5番地", "2番丁5"),
        ("錦町1-139-3 コーポ錦１０１号室", "錦町1-139-3コポ錦101"),
        ("錦町1-139-3　ｺｰﾎﾟ錦101", "錦町1-139-3コポ錦101"),
        ("錦町139番地3　A-101", "錦町139-3a101"),
        ("錦町 一 丁目 139 番地 3", "錦町1-139-3"),
        ("米子市澤町5番", "米子市沢町5"),
        ("つつじヶ丘3", "ツツジケ丘3"),
        ("葛\U000e0100城1", "葛城1"),
        ("", ""),
    ],
)
def test_the_key_of_an_address(written: str, key: str) -> None:
    assert fold_address(written) == key


@given(st.text() | st.text("錦町一二十〇百1２丁目番地号の室 　-－ー、・コ澤A"))
def test_folding_an_address_twice_is_folding_it_once(text: str) -> None:
    assert fold_address(fold_address(text)) == fold_address(text)


def test_an_endless_numeral_is_no_block_number() -> None:
    assert fold_address("一" * 5000 + "丁目") == "一" * 5000 + "丁目"


@pytest.mark.parametrize(
    "text",
    [
        "0859221234",
        "0859-22-1234",
        "0859(22)1234",
        "（0859）22－1234",
        "０８５９　２２　１２３４",
        "+81 859 22 1234",
        "+81-(0)859-22-1234",
    ],
)
def test_writings_of_one_telephone_number(text: str) -> None:
    assert fold_phone(text) == "0859221234"


def test_a_mobile_number_has_11_digits() -> None:
    assert fold_phone("090ー1234ー5678") == "09012345678"


@pytest.mark.parametrize(
    "text", ["", "1234567890", "085922123", "090123456789", "0859-22-1234x", "123456789018"]
)
def test_no_telephone_number(text: str) -> None:
    assert fold_phone(text) is None


@given(st.text("0123456789-() +", max_size=20))
def test_the_key_of_a_telephone_number_is_its_own_key(text: str) -> None:
    key = fold_phone(text)
    assert key is None or fold_phone(key) == key
