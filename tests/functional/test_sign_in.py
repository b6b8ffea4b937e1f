from collections.abc import Callable
from dataclasses import replace

import pytest
from pyramid.router import Router
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import LOGINS, PASSWORD, TOTP_SECRET, Clock, SignIn
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.staff import StaffAccount, StaffSession
from yvaxportal.services.one_time_codes import code_of, step_at

WRONG = "ユーザーIDまたはパスワードが違います"


def attempt(visitor: TestApp, login: str, password: str, status: int) -> str:
    form = visitor.get("/sign-in").forms["sign-in"]
    form["login"], form["password"] = login, password
    answer = form.submit("sign_in", status=status)
    return str(answer.text) if status == 422 else str(answer.location)


def code_at(clock: Clock) -> str:
    return code_of(TOTP_SECRET, step_at(clock.now))


def test_a_visitor_is_led_to_the_page_they_wanted(testapp: TestApp) -> None:
    page = testapp.get("/account/", status=303).follow(status=200)
    form = page.forms["sign-in"]
    form["login"], form["password"] = "viewer", PASSWORD
    assert form.submit("sign_in", status=303).location.endswith("/account/")


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example", "x"])
def test_nobody_is_led_away_from_the_portal(testapp: TestApp, elsewhere: str) -> None:
    form = testapp.get("/sign-in", {"came_from": elsewhere}).forms["sign-in"]
    form["login"], form["password"] = "viewer", PASSWORD
    assert form.submit("sign_in", status=303).location == "http://localhost/"


def test_a_wrong_password_and_an_unknown_login_are_answered_alike(testapp: TestApp) -> None:
    answers = {attempt(testapp, login, "wrong-password-wrong", 422) for login in ("viewer", "nobody")}
    pages = {page.replace("nobody", "").replace("viewer", "") for page in answers}
    assert all(WRONG in page for page in answers)
    assert len({page.split("<main")[1].split("csrf_token")[0] for page in pages}) == 1


@pytest.mark.parametrize("login", ["viewer", "nobody"])
def test_the_delay_grows_with_each_failure(testapp: TestApp, clock: Clock, login: str) -> None:
    for _ in range(5):
        assert WRONG in attempt(testapp, login, "wrong-password-wrong", 422)
    assert "失敗が続きました" in attempt(testapp, login, PASSWORD, 422)
    clock.advance(seconds=31)
    assert WRONG in attempt(testapp, login, "wrong-password-wrong", 422)
    clock.advance(seconds=31)
    assert "失敗が続きました" in attempt(testapp, login, PASSWORD, 422)
    clock.advance(seconds=60)
    if login == "viewer":
        attempt(testapp, login, PASSWORD, 303)


def test_a_success_forgives_the_failures(browser: Callable[[], TestApp]) -> None:
    for _ in range(3):
        attempt(browser(), "viewer", "wrong-password-wrong", 422)
    attempt(browser(), "viewer", PASSWORD, 303)
    for _ in range(4):
        assert WRONG in attempt(browser(), "viewer", "wrong-password-wrong", 422)


def test_an_idle_session_ends_and_says_so(sign_in: SignIn, clock: Clock) -> None:
    visitor = sign_in("viewer")
    clock.advance(minutes=14)
    visitor.get("/residents/", status=200)
    clock.advance(minutes=14)
    visitor.get("/residents/", status=200)
    clock.advance(minutes=16)
    assert "操作がなかった" in visitor.get("/residents/", status=303).follow()


def test_a_session_ends_after_its_longest_time(sign_in: SignIn, clock: Clock) -> None:
    visitor = sign_in("viewer")
    for _ in range(60):
        clock.advance(minutes=10)
        answer = visitor.get("/account/")
        if answer.status_int == 303:
            break
    assert answer.status_int == 303
    assert clock.now.hour == 11


def test_a_revoked_account_is_out_at_the_next_request(sign_in: SignIn, world: Session, clock: Clock) -> None:
    visitor = sign_in("viewer")
    visitor.get("/residents/", status=200)
    world.execute(update(StaffAccount).where(StaffAccount.login == "viewer").values(revoked_at=clock.now))
    world.commit()
    visitor.get("/residents/", status=303)
    attempt(visitor, "viewer", PASSWORD, 422)


def test_a_contract_ends_by_itself(sign_in: SignIn, world: Session, clock: Clock) -> None:
    world.execute(
        update(StaffAccount).where(StaffAccount.login == "contractor").values(valid_to=clock.now.date())
    )
    world.commit()
    visitor = sign_in("contractor")
    visitor.get("/account/", status=200)
    clock.advance(hours=14, minutes=5)
    attempt(visitor, "contractor", PASSWORD, 422)


def test_signing_in_and_the_second_factor_change_the_token(
    browser: Callable[[], TestApp], world: Session, clock: Clock
) -> None:
    visitor = browser()
    visitor.get("/sign-in")
    before = dict(visitor.cookies)
    attempt(visitor, "number", PASSWORD, 303)
    first = world.scalars(select(StaffSession.token_hash)).one()
    assert dict(visitor.cookies) != before
    signed_in = dict(visitor.cookies)
    form = visitor.get("/second-factor").forms["second-factor"]
    form["code"] = code_at(clock)
    form.submit("confirm", status=303)
    world.rollback()
    assert world.scalars(select(StaffSession.token_hash)).one() != first
    # The cookie from before the second factor opens nothing any more.
    thief = browser()
    for name, value in signed_in.items():
        thief.set_cookie(name, value.strip('"'))
    thief.get("/account/", status=303)


def test_a_code_works_once(sign_in: SignIn, clock: Clock) -> None:
    sign_in("number", second_factor=True)
    again = sign_in("number")
    form = again.get("/second-factor").forms["second-factor"]
    form["code"] = code_at(clock)
    assert "使用済み" in form.submit("confirm", status=422)


def test_a_tampered_cookie_is_a_visitor(testapp: TestApp, sign_in: SignIn) -> None:
    value = sign_in("viewer").cookies["yvax"]
    for tampered in (value[:-3] + "AAA", "AAAA", "é", value[5:]):
        testapp.reset()
        testapp.get(
            "/account/", headers={"Cookie": f"yvax={tampered}".encode().decode("latin-1")}, status=303
        )


def test_a_post_without_the_token_is_refused_and_recorded(sign_in: SignIn, world: Session) -> None:
    visitor = sign_in("viewer")
    visitor.post("/sign-out", status=400)
    visitor.post("/sign-out", {"csrf_token": "x" * 64}, status=400)
    visitor.get("/account/", status=200)
    assert "access.refused" in world.scalars(select(AuditEvent.action)).all()


def test_a_foreign_terminal_is_refused(app: Router) -> None:
    stranger = TestApp(app, extra_environ={"REMOTE_ADDR": "198.51.100.7", "HTTP_HOST": "localhost:80"})
    assert "この端末" in attempt(stranger, "viewer", PASSWORD, 422)


def test_a_session_carried_to_a_foreign_terminal_has_no_rights(sign_in: SignIn, app: Router) -> None:
    visitor = sign_in("viewer")
    visitor.get("/residents/", status=200)
    visitor.get("/residents/", extra_environ={"REMOTE_ADDR": "198.51.100.7"}, status=403)


def test_with_the_factor_always_asked_nothing_opens_before_it(
    app: Router, sign_in: SignIn, clock: Clock
) -> None:
    portal = app.registry.portal
    app.registry.portal = replace(portal, settings=replace(portal.settings, second_factor="always"))
    visitor = sign_in("viewer")
    assert "/second-factor" in visitor.get("/residents/", status=303).location
    form = visitor.get("/second-factor").forms["second-factor"]
    form["code"] = code_at(clock)
    form.submit("confirm", status=303)
    visitor.get("/residents/", status=200)


@pytest.mark.parametrize("login", LOGINS)
def test_signing_out_ends_the_session_for_good(sign_in: SignIn, login: str) -> None:
    visitor = sign_in(login)
    cookies = dict(visitor.cookies)
    token = visitor.get("/account/").forms[0]["csrf_token"].value
    visitor.post("/sign-out", {"csrf_token": token}, status=303)
    for name, value in cookies.items():
        visitor.set_cookie(name, value.strip('"'))
    visitor.get("/account/", status=303)


def test_the_language_is_kept_over_signing_in(testapp: TestApp) -> None:
    token = testapp.get("/sign-in").forms["sign-in"]["csrf_token"].value
    testapp.post("/language", {"csrf_token": token, "locale": "en", "return_to": "/sign-in"}, status=303)
    attempt(testapp, "viewer", PASSWORD, 303)
    assert "My account" in testapp.get("/account/")
    token = testapp.get("/account/").forms[0]["csrf_token"].value
    testapp.post("/language", {"csrf_token": token, "locale": "xx"}, status=400)
