import pytest
from sqlalchemy.orm import Session

from tests.people import resident
from yvaxportal.models.resident import Resident
from yvaxportal.services.find_residents import Sight, find_residents
from yvaxportal.services.search_terms import read_terms

CITY = ("鳥取県", "鳥取県米子市", "米子市")
CLERK = Sight(contact=True, protected=False)
MANAGER = Sight(contact=True, protected=True)


def found(db: Session, typed: str, sight: Sight = CLERK) -> list[str]:
    page = find_residents(db, read_terms(typed), city_prefixes=CITY, sight=sight)
    return [person.atena_number for person in page.people]


@pytest.fixture
def hanako(db: Session) -> Resident:
    return resident(
        db,
        name="髙橋　花子",
        name_kana="タカハシ　ハナコ",
        former_name="渡邉　花子",
        born="1955-04-01",
        contact={"current_address": "鳥取県米子市錦町1-139-3", "phone_number": "0859-00-0001"},
    )


@pytest.mark.parametrize(
    "typed",
    [
        "髙橋",
        "高橋花子",
        "たかはし",
        "ﾀｶﾊｼ ﾊﾅ",
        "タカバシ",
        "渡辺",
        "髙橋 S30.4.1",
        "昭和30年4月1日",
        "1955-04-01",
        "錦町1-139",
        "米子市錦町1丁目139番3号",
        "0859-00-0001",
        "たかはし 1955年4月",
    ],
)
def test_a_person_is_found_by_whatever_is_in_hand(db: Session, hanako: Resident, typed: str) -> None:
    resident(db, name="別人　次郎", name_kana="ベツジン　ジロウ", contact={"current_address": "大阪府"})
    assert found(db, typed) == [hanako.atena_number]


@pytest.mark.parametrize("typed", ["高橋 S30.4.2", "高梨", "錦町2-1"])
def test_what_does_not_agree_is_not_found(db: Session, hanako: Resident, typed: str) -> None:
    assert hanako.atena_number not in found(db, typed)


def test_numbers_lead_to_the_person(db: Session, hanako: Resident) -> None:
    assert found(db, hanako.atena_number) == [hanako.atena_number]
    assert found(db, hanako.business_atena_number) == [hanako.atena_number]


def test_a_partly_unknown_birth_date_still_matches(db: Session) -> None:
    person = resident(db, born="1940-00-00", name="不詳　一郎", name_kana="フショウ　イチロウ")
    assert found(db, "1940-07-12") == [person.atena_number]


def test_a_person_found_by_two_names_appears_once(db: Session) -> None:
    person = resident(db, name="タナカ", name_kana="タナカ", alias_name="タナカ アン", name_alphabet="TANAKA")
    assert found(db, "たなか") == [person.atena_number]


def test_a_word_that_is_no_name_is_tried_as_an_address(db: Session, hanako: Resident) -> None:
    page = find_residents(db, read_terms("米子"), city_prefixes=CITY, sight=CLERK)
    assert [person.atena_number for person in page.people] == [hanako.atena_number]
    assert page.by_address_instead


def test_a_protected_person_is_found_by_name_but_never_by_where_they_live(db: Session) -> None:
    person = resident(
        db,
        name="保護　花子",
        name_kana="ホゴ　ハナコ",
        support_measure_flag=True,
        contact={"current_address": "鳥取県米子市秘密町9-9", "phone_number": "0859-00-0002"},
    )
    page = find_residents(db, read_terms("ほご"), city_prefixes=CITY, sight=CLERK)
    assert [(line.atena_number, line.current_address) for line in page.people] == [
        (person.atena_number, None)
    ]
    for typed in ("秘密町9-9", "0859-00-0002", "ほご 秘密町9-9"):
        assert found(db, typed) == []
        assert found(db, typed, MANAGER) == [person.atena_number]


def test_pages_join_without_gap_or_overlap(db: Session) -> None:
    made = {resident(db, name=f"同姓　{n}", name_kana="ドウセイ").atena_number for n in range(25)}
    seen: list[str] = []
    after = None
    while True:
        page = find_residents(
            db, read_terms("どうせい"), city_prefixes=CITY, sight=CLERK, after=after, limit=10
        )
        seen += [person.atena_number for person in page.people]
        after = page.next_cursor
        if after is None:
            break
    assert len(seen) == len(set(seen)) == len(made)
    assert set(seen) == made


def test_an_unknown_cursor_gives_an_empty_page(db: Session, hanako: Resident) -> None:
    page = find_residents(db, read_terms("髙橋"), city_prefixes=CITY, sight=CLERK, after=hanako.id + 10**9)
    assert (page.people, page.next_cursor) == ([], None)
