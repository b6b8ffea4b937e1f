"""The register of storage media: the whole way of a medium, and who may go which part of it."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import LOGINS, PASSWORD, Clock, SignIn
from tests.functional.outputs.test_outputs import made, token
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.codes import MediumState
from yvaxportal.models.output import MediumLoan, OutputDownload, StorageMedium
from yvaxportal.outputs.workshop import Workshop
from yvaxportal.portal import Portal
from yvaxportal.services.bootstrap import create_account


def registered(admin: TestApp, label: str = "USB-001") -> str:
    """Register a medium and return the address of its page."""
    form = admin.get("/media/").forms["register"]
    form["label"], form["kind"], form["serial_number"] = label, "usb_memory", "S/N 42"
    return str(form.submit("register", status=303).location)


def loan_asked(visitor: TestApp, url: str, due: str = "2026-11-30") -> Any:
    form = visitor.get(url).forms["ask"]
    form["purpose"], form["recipient"], form["due_on"] = "印刷委託先への受け渡し", "見本印刷株式会社", due
    return form.submit("ask", expect_errors=True)


def lent(sign_in: SignIn, due: str = "2026-11-30") -> str:
    url = registered(sign_in("administrator"))
    registrar = sign_in("registrar")
    loan_asked(registrar, url, due)
    sign_in("manager").get(url).forms["approve"].submit()
    registrar.get(url).forms["lend"].submit()
    return url


def test_the_whole_way_of_a_medium(
    sign_in: SignIn, shop: Workshop, targets: int, world: Session, clock: Clock
) -> None:
    url = registered(sign_in("administrator"))
    registrar, manager = sign_in("registrar"), sign_in("manager")
    file = made(registrar, shop, targets)
    assert "USB-001" not in file.html.find(id="take").get_text()
    assert "申請しました" in loan_asked(registrar, url).follow()
    assert "承認待ち" in registrar.get("/media/")
    assert {"approve", "lend", "return"} & set(registrar.get(url).forms) == set()
    assert "承認しました" in manager.get(url).forms["approve"].submit().follow()
    # Approved is not yet lent: no file goes onto it.
    assert "USB-001" not in registrar.get(file.request.path).html.find(id="take").get_text()
    registrar.get(url).forms["lend"].submit()
    form = registrar.get(file.request.path).forms["download"]
    form["medium"] = "1"
    assert form.submit("take", status=200).content_type == "application/zip"
    download = world.scalars(select(OutputDownload)).one()
    assert download.medium_loan_id == 1
    assert "USB-001" in registrar.get(file.request.path).html.find(id="taken").get_text()
    assert "MR2期の一覧" in registrar.get(url).html.find(id="files").get_text()

    clock.advance(days=8)
    registrar = sign_in("registrar")
    assert "期限を過ぎた媒体が1件あります" in registrar.get("/media/")
    registrar.get(url).forms["return"].submit()
    # Back, and still overdue: it was not erased.
    page = sign_in("auditor").get("/media/")
    assert "期限超過" in page
    assert "返却済み（消去前）" in page
    form = registrar.get(url).forms["erase"]
    form["method"] = "overwrite"
    assert "消去を記録しました" in form.submit("erase").follow()
    page = registrar.get("/media/")
    assert "期限超過" not in page
    assert "保管中" in page
    loan = world.scalars(select(MediumLoan)).one()
    assert (loan.erase_method, loan.erased_at, loan.ended_at) == ("overwrite", clock.now, clock.now)
    actions = world.scalars(
        select(AuditEvent.action).where(AuditEvent.action.like("medium.%")).order_by(AuditEvent.id)
    ).all()
    assert actions == [
        f"medium.{deed}" for deed in ("registered", "requested", "approved", "lent", "returned", "erased")
    ]


def test_a_file_goes_onto_no_medium_that_is_back(sign_in: SignIn, shop: Workshop, targets: int) -> None:
    url = lent(sign_in)
    registrar = sign_in("registrar")
    file = made(registrar, shop, targets)
    stale = file.forms["download"]
    stale["medium"] = "1"
    registrar.get(url).forms["return"].submit()
    assert stale.submit("take", status=422).html.select("#error-download-medium")


def test_a_medium_that_is_destroyed_leaves_the_register(sign_in: SignIn, shop: Workshop) -> None:
    url = lent(sign_in)
    registrar = sign_in("registrar")
    registrar.get(url).forms["return"].submit()
    form = registrar.get(url).forms["erase"]
    form["method"] = "destruction"
    page = form.submit("erase").follow()
    assert "廃棄済み" in page
    assert "物理的な破壊" in page
    assert {"ask", "lost", "erase"} & set(page.forms) == set()


def test_a_loan_is_refused_or_withdrawn(sign_in: SignIn, shop: Workshop) -> None:
    url = registered(sign_in("administrator"))
    registrar, manager = sign_in("registrar"), sign_in("manager")
    loan_asked(registrar, url)
    form = manager.get(url).forms["refuse"]
    form["reason"] = "庁内便で足ります"
    form.submit("refuse")
    assert "庁内便で足ります" in registrar.get(url)
    loan_asked(registrar, url)
    assert "取り下げました" in registrar.get(url).forms["withdraw"].submit().follow()
    assert "ask" in registrar.get(url).forms


def test_a_lost_medium_and_a_disposed_one(sign_in: SignIn, shop: Workshop, world: Session) -> None:
    url = lent(sign_in)
    form = sign_in("registrar").get(url).forms["lost"]
    form["reason"] = "移動中に見当たらない"
    assert "情報セキュリティ責任者" in form.submit("lost").follow()
    page = sign_in("registrar").get("/media/")
    assert "紛失" in page
    assert "期限超過" not in page
    admin = sign_in("administrator")
    other = registered(admin, "USB-002")
    form = admin.get(other).forms["dispose"]
    form["reason"] = "故障のため裁断"
    form.submit("dispose")
    states = world.scalars(select(StorageMedium.state).order_by(StorageMedium.id)).all()
    assert states == [MediumState.LOST, MediumState.DISPOSED]


def test_nobody_approves_their_own_loan(
    sign_in: SignIn, shop: Workshop, world: Session, portal: Portal
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
    url = registered(sign_in("administrator"))
    both = sign_in("both")
    page = loan_asked(both, url).follow()
    assert {"approve", "refuse"} & set(page.forms) == set()
    answer = both.post(f"{url}approve", {"csrf_token": token(both)}, status=303)
    assert "自分の申請は承認できません" in answer.follow()
    assert world.scalars(select(MediumLoan)).one().approved_at is None


@pytest.mark.parametrize(
    ("due", "told"), [("2026-11-22", "以降の日付"), ("2027-11-22", "以前の日付"), ("きのう", "日付")]
)
def test_a_wrong_day_is_told(sign_in: SignIn, shop: Workshop, due: str, told: str) -> None:
    url = registered(sign_in("administrator"))
    page = loan_asked(sign_in("registrar"), url, due)
    assert page.status_int == 422
    assert page.forms["ask"]["recipient"].value == "見本印刷株式会社"
    assert told in page.html.find(id="error-ask-due_on").get_text()


def test_a_label_is_given_once(sign_in: SignIn, shop: Workshop) -> None:
    admin = sign_in("administrator")
    registered(admin)
    form = admin.get("/media/").forms["register"]
    form["label"], form["kind"] = "USB-001", "portable_disk"
    assert "登録済みです" in form.submit("register", status=422)


@pytest.mark.parametrize("login", LOGINS)
def test_who_may_do_what(sign_in: SignIn, shop: Workshop, login: str) -> None:
    url = registered(sign_in("administrator"))
    visitor = sign_in(login)
    sees = login in {"registrar", "manager", "auditor", "administrator"}
    for path in ("/media/", url):
        visitor.get(path, status=200 if sees else 403)
    assert bool(visitor.get("/account/").html.select("nav a[href='/media/']")) is sees
    posted = {"csrf_token": token(visitor)}
    may = {
        "/media/register": "administrator",
        f"{url}dispose": "administrator",
        f"{url}approve": "manager",
        f"{url}refuse": "manager",
        **{f"{url}{deed}": "registrar" for deed in ("ask", "withdraw", "lend", "return", "erase", "lost")},
    }
    for path, group in may.items():
        answer = visitor.post(path, posted, expect_errors=True)
        assert (answer.status_int == 403) is (login != group), path
        assert answer.status_int in {303, 403, 422}


def test_a_deed_out_of_its_turn_changes_nothing(sign_in: SignIn, shop: Workshop, world: Session) -> None:
    url = registered(sign_in("administrator"))
    registrar, manager = sign_in("registrar"), sign_in("manager")
    loan_asked(registrar, url)

    def press(visitor: TestApp, deed: str, **more: str) -> str:
        answer = visitor.post(f"{url}{deed}", {"csrf_token": token(visitor), **more}, status=303)
        return str(answer.follow().html.select_one(".flashes").get_text())

    for deed in ("lend", "return"):
        assert "順序が違います" in press(registrar, deed)
    assert "順序が違います" in press(registrar, "erase", method="overwrite")
    assert "使用中か" in press(registrar, "ask", purpose="二重", recipient="二重", due_on="2026-11-30")
    press(manager, "approve")
    assert "順序が違います" in press(manager, "approve")
    assert "順序が違います" in press(manager, "refuse", reason="遅い")
    loan = world.scalars(select(MediumLoan)).one()
    assert (loan.lent_at, loan.erased_at, loan.refusal_reason) == (None, None, None)


@pytest.mark.parametrize("name", ["999", "x"])
def test_a_medium_that_there_is_not(sign_in: SignIn, name: str) -> None:
    sign_in("registrar").get(f"/media/{name}/", status=404)
    sign_in("viewer").get(f"/media/{name}/", status=403)
