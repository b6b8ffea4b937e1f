"""The pages of files that leave: asking, waiting, deciding, taking, wiping; and who may do none of it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import LOGINS, PASSWORD, Clock, SignIn
from tests.leaving import content_of, extraction, table_of
from tests.people import resident
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.codes import Outcome, OutputState
from yvaxportal.models.output import Output
from yvaxportal.models.resident import Resident
from yvaxportal.models.staff import AclGrant, AclVersion
from yvaxportal.outputs.store import archive_path
from yvaxportal.outputs.wiping import wipe_expired
from yvaxportal.outputs.workshop import Workshop
from yvaxportal.portal import Portal
from yvaxportal.services.bootstrap import create_account
from yvaxportal.views.output import PROBLEMS

#: The deeds of one file: what each needs, and of whom.
OWN = ("cancel", "try-again", "wipe", "password", "download")
DECISIONS = ("approve", "refuse")


def asked(visitor: TestApp, extraction_id: int, **answers: str) -> Any:
    """Fill the form and send it; return the page that comes."""
    form = visitor.get(f"/outputs/new?extraction={extraction_id}").forms["ask-for-file"]
    assert form["extraction"].value == str(extraction_id)
    form["layout"] = answers.get("layout", "target_list")
    form["title"] = answers.get("title", "MR2期の一覧")
    form["purpose"] = answers.get("purpose", "接種券の作成委託")
    return form.submit("ask", expect_errors=True)


def made(visitor: TestApp, shop: Workshop, extraction_id: int, **answers: str) -> Any:
    """Ask for a file, let it be made, and return its page."""
    answer = asked(visitor, extraction_id, **answers)
    assert answer.status_int == 303, answer.text
    shop.run()
    return visitor.get(answer.location)


def token(visitor: TestApp) -> str:
    return str(visitor.get("/account/").html.select_one("input[name=csrf_token]")["value"])


def shown_password(page: Any) -> str:
    return str(page.html.select_one("[data-password]").get_text())


def test_a_small_list_from_the_request_to_the_file(
    sign_in: SignIn, shop: Workshop, targets: int, world: Session
) -> None:
    visitor = sign_in("registrar")
    answer = asked(visitor, targets)
    page = visitor.get(answer.location)
    assert "作成の順番を待っています" in page
    assert "progress" not in page.forms
    progress = visitor.get(f"{answer.location}progress").json
    assert (progress["over"], progress["state"]) == (False, "queued")
    shop.run()
    progress = visitor.get(f"{answer.location}progress").json
    assert (progress["over"], progress["done"], progress["total"]) == (True, 2, 2)
    page = visitor.get(answer.location)
    assert "2人（一人ずつ記録済み）" in page
    shown = page.forms["show-password"].submit()
    password = shown_password(shown)
    assert password not in visitor.get(answer.location)
    assert "表示済み" in page.forms["show-password"].submit().follow()
    taken = page.forms["download"].submit("take")
    assert taken.content_type == "application/zip"
    assert taken.headers["Content-Disposition"] == 'attachment; filename="output-1.zip"'
    assert taken.headers["Cache-Control"] == "no-store"
    name, content = content_of(taken.body, password)
    assert name == "target_list_20261123_1.csv"
    assert len(table_of(content)) == 3
    assert "職員 registrar" in visitor.get(answer.location).html.find(id="taken").get_text()
    actions = world.scalars(
        select(AuditEvent.action).where(AuditEvent.action.like("output.%")).order_by(AuditEvent.id)
    ).all()
    assert actions == ["output.requested", "output.made", "output.password-shown", "output.downloaded"]


def test_a_thousand_and_one_cannot_leave_without_the_manager(
    sign_in: SignIn, shop: Workshop, many: int
) -> None:
    registrar = sign_in("registrar")
    page = made(registrar, shop, many)
    url = page.request.path
    assert "別の人の承認が必要です" in page
    assert {"download", "show-password", "approve"} & set(page.forms) == set()
    posted = {"csrf_token": token(registrar)}
    for deed in ("download", "password"):
        refused = registrar.post(f"{url}{deed}", posted, status=303).follow()
        assert "この操作はもうできません" in refused
    registrar.post(f"{url}approve", posted, status=403)

    manager = sign_in("manager")
    waiting = manager.get("/outputs/").html.find(id="waiting")
    assert "MR2期の一覧" in waiting.get_text()
    page = manager.get(url)
    for fact in ("1,001人", "接種券の作成委託", "職員 registrar", "千一人", "対象者一覧（CSV）"):
        assert fact in page, fact
    sha256 = page.forms["approve"]["sha256"].value
    assert sha256 in page.html.find(id="facts").get_text()
    assert "承認しました" in page.forms["approve"].submit().follow()
    assert "download" not in manager.get(url).forms
    manager.post(f"{url}download", {"csrf_token": token(manager)}, status=403)

    page = registrar.get(url)
    password = shown_password(page.forms["show-password"].submit())
    _name, content = content_of(page.forms["download"].submit("take").body, password)
    assert len(table_of(content)) == 1002


def test_whoever_decides_reads_in_words_whom_the_list_was_for(
    sign_in: SignIn, shop: Workshop, many: int
) -> None:
    url = made(sign_in("registrar"), shop, many).request.path
    page = sign_in("manager").get(url)
    said = {
        fact.dt.get_text(): fact.dd.get_text().strip() for fact in page.html.select("#criteria .facts > div")
    }
    assert said["定期接種"] == "麻しん風しん第2期"
    assert said["基準日"] == "令和8年4月1日"
    assert said["抽出"] == "1,001"
    assert "national_health_insurance" not in page
    assert "bounds" not in page
    listed = page.click("条件ごとの除外の内訳")
    assert listed.html.select_one("#exclusion")


def test_the_way_to_the_list_is_for_those_who_may_see_lists(
    sign_in: SignIn, shop: Workshop, many: int, world: Session
) -> None:
    url = made(sign_in("registrar"), shop, many).request.path
    world.execute(
        delete(AclGrant).where(AclGrant.group_name == "manager", AclGrant.permission == "extraction:view")
    )
    world.execute(update(AclVersion).values(version=AclVersion.version + 1))
    world.commit()
    page = sign_in("manager").get(url)
    assert "麻しん風しん第2期" in page.html.select_one("#criteria").get_text()
    assert page.html.select("#criteria a") == []


def test_a_changed_file_is_refused_on_both_pages_and_on_record(
    sign_in: SignIn, strict: Workshop, targets: int, world: Session
) -> None:
    url = made(sign_in("registrar"), strict, targets).request.path
    path = archive_path(strict.folder, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    manager, registrar = sign_in("manager"), sign_in("registrar")
    assert "一致しません" in manager.get(url).forms["approve"].submit().follow()
    path.write_bytes(whole)
    manager.get(url).forms["approve"].submit()
    path.write_bytes(whole[:-1])
    answer = registrar.get(url).forms["download"].submit("take")
    assert "一致しません" in answer.follow()
    refusals = world.scalars(
        select(AuditEvent.action)
        .where(AuditEvent.outcome == Outcome.REFUSED, AuditEvent.action.like("output.%"))
        .order_by(AuditEvent.id)
    ).all()
    assert refusals == ["output.approved", "output.downloaded"]


def test_an_approval_is_for_the_file_that_was_shown(sign_in: SignIn, strict: Workshop, targets: int) -> None:
    url = made(sign_in("registrar"), strict, targets).request.path
    form = sign_in("manager").get(url).forms["approve"]
    form["sha256"].force_value("0" * 64)
    assert "別のファイルです" in form.submit().follow()


def test_a_refusal_is_read_by_the_requester(sign_in: SignIn, strict: Workshop, targets: int) -> None:
    url = made(sign_in("registrar"), strict, targets).request.path
    form = sign_in("manager").get(url).forms["refuse"]
    form["reason"] = " "
    empty = form.submit("refuse", status=422)
    assert "入力してください" in empty
    form = empty.forms["refuse"]
    form["reason"] = "目的が分かりません"
    assert "消去" in form.submit("refuse").follow()
    page = sign_in("registrar").get(url)
    assert "目的が分かりません" in page
    assert "不承認（消去済み）" in page
    assert not archive_path(strict.folder, 1).exists()


def test_nobody_approves_their_own_even_with_the_right(
    sign_in: SignIn, strict: Workshop, targets: int, world: Session, portal: Portal
) -> None:
    create_account(
        world,
        portal.key_ring,
        login="both",
        display_name="兼務",
        password=PASSWORD,
        groups=("registrar", "manager"),
        now=portal.clock(),
        must_change_password=False,
    )
    world.commit()
    both = sign_in("both")
    page = made(both, strict, targets)
    assert "approve" not in page.forms
    both.post(f"{page.request.path}approve", {"csrf_token": token(both)}, status=403)
    assert both.get("/outputs/").html.find(id="waiting") is None


def test_what_expired_is_gone_and_the_register_says_so(
    sign_in: SignIn, shop: Workshop, targets: int, clock: Clock
) -> None:
    registrar = sign_in("registrar")
    url = made(registrar, shop, targets).request.path
    clock.advance(days=7)
    registrar = sign_in("registrar")
    page = registrar.get(url)
    assert "download" not in page.forms
    wipe_expired(shop.engine, shop.folder, shop.temporary, clock.now)
    assert not archive_path(shop.folder, 1).exists()
    row = registrar.get("/outputs/").html.find(id="output-1").get_text(" ")
    assert "消去" in row
    assert "2026-11-30 10:00" in row
    assert "期限切れ" in registrar.get(url)


def test_a_file_is_called_off_wiped_and_tried_again(
    sign_in: SignIn, shop: Workshop, targets: int, world: Session
) -> None:
    visitor = sign_in("registrar")

    def press(page: Any, deed: str) -> Any:
        return (
            next(form for form in page.forms.values() if form.action.endswith(f"/{deed}")).submit().follow()
        )

    waiting = visitor.get(asked(visitor, targets).location)
    assert "取りやめました" in press(waiting, "cancel")
    done = made(visitor, shop, targets)
    assert "消去しました" in press(done, "wipe")
    assert not archive_path(shop.folder, 2).exists()
    failed = world.get_one(Output, 2)
    failed.state, failed.problem = OutputState.FAILED, "disk_full"
    world.commit()
    page = visitor.get("/outputs/2/")
    assert "ディスクの空きがありません" in page
    assert "もう一度作成の順番に入れました" in press(page, "try-again")


def test_the_settings_limit_how_often_it_is_taken(sign_in: SignIn, shop: Workshop, targets: int) -> None:
    visitor = sign_in("registrar")
    page = made(visitor, shop, targets)
    url = page.request.path
    for left in (5, 4, 3, 2, 1):
        assert f"あと{left}回" in page
        page.forms["download"].submit("take", status=200)
        page = visitor.get(url)
    assert "download" not in page.forms
    refused = visitor.post(f"{url}download", {"csrf_token": token(visitor), "medium": ""}, status=303)
    assert "回数を超えました" in refused.follow()


def test_where_characters_do_not_fit_is_shown_without_names(
    sign_in: SignIn, shop: Workshop, world: Session, staff: dict[str, int]
) -> None:
    person = resident(world, name="𠮷田　花子")
    targets = extraction(world, [person], staff_id=staff["registrar"])
    page = made(sign_in("registrar"), shop, targets, layout="target_list_cp932")
    assert "U+20BB7" in page
    assert "花子" not in page


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"purpose": ""}, "入力してください"),
        ({"purpose": "番号は 1234 5678 9018"}, "ここに個人番号は書けません"),
        ({"title": "番号 123456789018"}, "ここに個人番号は書けません"),
        ({"title": "あ" * 81}, "長すぎます"),
    ],
)
def test_a_wrong_request_says_what_to_do_and_keeps_the_rest(
    sign_in: SignIn, shop: Workshop, targets: int, answers: dict[str, str], told: str
) -> None:
    page = asked(sign_in("registrar"), targets, **answers)
    assert page.status_int == 422
    assert told in page
    assert page.forms["ask-for-file"]["layout"].value == "target_list"
    assert "123456789018" not in page


@pytest.mark.parametrize("forged", [{"extraction": "999"}, {"layout": "none"}, {"more": "x"}])
def test_a_forged_request_is_refused(
    sign_in: SignIn, shop: Workshop, targets: int, forged: dict[str, str], world: Session
) -> None:
    visitor = sign_in("registrar")
    sent = {
        "csrf_token": token(visitor),
        "extraction": str(targets),
        "layout": "target_list",
        "title": "見本",
        "purpose": "個別通知",
        "ask": "ask",
    } | forged
    visitor.post("/outputs/new", sent, status=422)
    assert world.scalars(select(Output)).all() == []


@pytest.mark.parametrize("login", LOGINS)
def test_who_may_do_what(sign_in: SignIn, strict: Workshop, targets: int, login: str) -> None:
    url = made(sign_in("registrar"), strict, targets).request.path
    visitor = sign_in(login)
    sees = login in {"registrar", "manager", "auditor"}
    for path in ("/outputs/", url, f"{url}progress"):
        visitor.get(path, status=200 if sees else 403)
    assert bool(visitor.get("/account/").html.select("nav a[href='/outputs/']")) is sees
    visitor.get("/outputs/new", status=200 if login == "registrar" else 403)
    posted = {"csrf_token": token(visitor)}
    visitor.post("/outputs/new", posted, status=422 if login == "registrar" else 403)
    for deed in OWN:
        visitor.post(f"{url}{deed}", posted, status=303 if login == "registrar" else 403)
    for deed in DECISIONS:
        expected = {"approve": 303, "refuse": 422}[deed] if login == "manager" else 403
        visitor.post(f"{url}{deed}", posted, status=expected)


def test_one_registrar_does_not_see_the_files_of_another(
    sign_in: SignIn, shop: Workshop, targets: int, world: Session, portal: Portal
) -> None:
    url = made(sign_in("registrar"), shop, targets).request.path
    create_account(
        world,
        portal.key_ring,
        login="second",
        display_name="別の担当",
        password=PASSWORD,
        groups=("registrar",),
        now=portal.clock(),
        must_change_password=False,
    )
    world.commit()
    second = sign_in("second")
    assert "MR2期の一覧" not in second.get("/outputs/")
    for path in (url, f"{url}progress"):
        second.get(path, status=403)
    for deed in OWN:
        second.post(f"{url}{deed}", {"csrf_token": token(second)}, status=403)
    assert "MR2期の一覧" in sign_in("auditor").get("/outputs/")


def test_a_visitor_and_a_missing_token_do_nothing(
    testapp: TestApp, sign_in: SignIn, shop: Workshop, targets: int
) -> None:
    visitor = sign_in("registrar")
    url = made(visitor, shop, targets).request.path
    assert "/sign-in" in testapp.get(url, status=303).location
    visitor.post(f"{url}download", {}, status=400)
    assert archive_path(shop.folder, 1).exists()


@pytest.mark.parametrize("name", ["999", "x", "-1", "9" * 20, "%EF%BC%91"])
def test_a_file_that_there_is_not(sign_in: SignIn, name: str) -> None:
    sign_in("registrar").get(f"/outputs/{name}/", status=404)
    sign_in("viewer").get(f"/outputs/{name}/", status=403)


def test_the_register_is_paged(
    sign_in: SignIn, shop: Workshop, targets: int, world: Session, staff: dict[str, int], clock: Clock
) -> None:
    visitor = sign_in("registrar")
    asked(visitor, targets)
    first = world.scalars(select(Output)).one()
    columns = {
        "layout": first.layout,
        "purpose": "p",
        "subject": {},
        "requested_by": staff["registrar"],
        "requested_at": clock.now - timedelta(days=1),
        "state": OutputState.CANCELLED,
        "done": 0,
        "attempts": 0,
        "cancel_requested": True,
    }
    world.add_all(Output(title=f"古い{number}", **columns) for number in range(60))
    world.commit()
    page = visitor.get("/outputs/")
    rows = page.html.select("#files tbody tr")
    assert (len(rows), rows[0].select_one("a").get_text()) == (50, "古い59")
    page = page.click("次へ")
    rows = page.html.select("#files tbody tr")
    assert (len(rows), rows[-1].select_one("a").get_text()) == (11, "MR2期の一覧")
    assert "次へ" not in page


def test_every_problem_has_words() -> None:
    assert set(PROBLEMS) >= {
        "personal_number",
        "unencodable",
        "disk_full",
        "worker_lost",
        "nobody",
        "internal",
    }


def test_the_page_of_who_looked_lists_the_files_somebody_was_in(
    sign_in: SignIn, shop: Workshop, strict: Workshop, targets: int, world: Session
) -> None:
    registrar, manager = sign_in("registrar"), sign_in("manager")
    page = made(registrar, shop, targets, title="小さな一覧", purpose="学校への連絡")
    page.forms["show-password"].submit()
    page.forms["download"].submit("take")
    waiting = made(registrar, strict, targets, title="承認の要る一覧", purpose="委託")
    one = world.scalars(select(Resident).order_by(Resident.id)).first()
    assert one is not None
    path = f"/residents/{one.atena_number}/access-log/"

    def lines(visitor: TestApp) -> list[list[str]]:
        rows = visitor.get(path).html.select("#files tbody tr")
        return [[" ".join(cell.get_text(" ").split()) for cell in row.find_all(["td", "th"])] for row in rows]

    day = "2026-11-23 10:00"
    assert lines(manager) == [
        ["2", "承認の要る一覧", "委託", f"職員 registrar {day}", "", "受取なし", "承認待ち"],
        [
            "1",
            "小さな一覧",
            "学校への連絡",
            f"職員 registrar {day}",
            "不要",
            f"職員 registrar {day}",
            "受け取り可",
        ],
    ]
    manager.get(waiting.request.path).forms["approve"].submit()
    assert lines(manager)[0][4] == f"職員 manager {day}"
    assert manager.get(path).html.select("#files a")
    auditor = sign_in("auditor")
    assert len(lines(auditor)) == 2
    auditor.get(path).click("小さな一覧")
    # Who may open no file sees what happened all the same.
    world.execute(
        delete(AclGrant).where(
            AclGrant.group_name == "manager", AclGrant.permission.in_(["output:view", "output:approve"])
        )
    )
    world.execute(update(AclVersion).values(version=AclVersion.version + 1))
    world.commit()
    assert len(lines(manager)) == 2
    assert manager.get(path).html.select("#files a") == []
    registrar.get(path, status=403)
    nobody = resident(world)
    world.commit()
    empty = manager.get(f"/residents/{nobody.atena_number}/access-log/")
    assert empty.html.select("#files") == []
