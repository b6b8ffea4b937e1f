"""Whatever is sent: a clear page, the right status, nothing logged that should not be, no traceback."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from wsgiref.util import setup_testing_defaults

import pytest
from pyramid.router import Router
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session, sessionmaker
from webtest import TestApp

from tests.application import SignIn
from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.audit import AuditEvent

NUMBER = "900000000001"


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO):
        yield caplog


def is_a_calm_page(answer: TestApp) -> bool:
    text = answer.text
    return "Traceback" not in text and "予防接種ポータル" in text and 'lang="en"' in text


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/residents/abc/",
        "/residents/0000000000000000000/",
        "/residents/%00/",
        "/residents/1%27%20OR%201=1/",
        "/searches/999999999/",
        "/searches/99999999999999999999/",
        "/searches/x/",
        "/static/../../development.ini",
        "/static/css/nothing.css",
        f"/residents/{NUMBER}/",
    ],
)
def test_what_is_not_there_is_said_so(sign_in: SignIn, path: str) -> None:
    assert is_a_calm_page(sign_in("registrar").get(path, status=404))


@pytest.mark.parametrize("path", [b"/residents/\xff\xfe/", b"/\xc3("])
def test_a_path_in_no_encoding_is_refused(app: Router, path: bytes) -> None:
    environ: dict[str, object] = {"PATH_INFO": path.decode("latin-1"), "REMOTE_ADDR": "127.0.0.1"}
    setup_testing_defaults(environ)
    seen: list[str] = []
    body = b"".join(app(environ, lambda status, _headers: seen.append(status))).decode("utf-8")
    assert seen == ["400 Bad Request"]
    assert "予防接種ポータル" in body
    assert "Traceback" not in body


def test_text_in_a_wrong_encoding_is_refused(sign_in: SignIn) -> None:
    visitor = sign_in("registrar")
    token = visitor.get("/residents/").forms["find-resident"]["csrf_token"].value
    body = b"csrf_token=" + token.encode() + b"&q=" + "髙橋".encode("cp932")
    answer = visitor.post(
        "/residents/search", body, content_type="application/x-www-form-urlencoded", expect_errors=True
    )
    assert answer.status_int in {400, 422}


@pytest.mark.parametrize("typed", ["\x00", "a\x00b", "\x1b[31m", "x" * 5000, "' OR '1'='1", "%", "_"])
def test_strange_searches_find_nobody_and_break_nothing(sign_in: SignIn, typed: str) -> None:
    form = sign_in("registrar").get("/residents/").forms["find-resident"]
    form["q"] = typed
    answer = form.submit(expect_errors=True)
    if answer.status_int == 303:
        answer = answer.follow(status=200)
        assert "該当する人はいません" in answer
    else:
        assert answer.status_int == 422


def test_a_number_in_the_search_is_neither_searched_nor_kept(
    sign_in: SignIn, world: Session, logs: pytest.LogCaptureFixture
) -> None:
    visitor = sign_in("registrar")
    form = visitor.get("/residents/").forms["find-resident"]
    form["q"] = "９０００　００００　０００１"
    answer = form.submit(status=422)
    assert "個人番号では検索できません" in answer
    assert "個人番号から探す" not in answer
    assert "0001" not in answer.text.replace("0859-00-0001", "")
    assert "最近の検索" not in visitor.get("/residents/")
    event = world.execute(
        select(AuditEvent.outcome, AuditEvent.detail).where(AuditEvent.action == Action.RESIDENT_SEARCHED)
    ).one()
    assert tuple(event) == ("refused", {})
    assert "9000" not in logs.text
    staff = sign_in("number").get("/residents/").forms["find-resident"]
    staff["q"] = NUMBER
    assert "個人番号から探す" in staff.submit(status=422)


def test_a_search_of_somebody_else_is_not_shown(sign_in: SignIn, world: Session) -> None:
    resident(world, name="見本　花子", name_kana="ミホン　ハナコ")
    world.commit()
    form = sign_in("registrar").get("/residents/").forms["find-resident"]
    form["q"] = "みほん"
    own = form.submit(status=303).location
    sign_in("viewer").get(own, status=404)


def test_one_number_that_leads_to_one_person_opens_them(sign_in: SignIn, world: Session) -> None:
    person = resident(world)
    world.commit()
    form = sign_in("registrar").get("/residents/").forms["find-resident"]
    form["q"] = person.atena_number
    assert form.submit(status=303).location.endswith(f"/residents/{person.atena_number}/")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/residents/"), ("DELETE", "/account/"), ("POST", "/residents/")]
)
def test_a_method_that_means_nothing_here_changes_nothing(sign_in: SignIn, method: str, path: str) -> None:
    answer = sign_in("registrar").request(path, method=method, expect_errors=True)
    assert answer.status_int in {400, 404}


def test_every_page_has_its_headers(testapp: TestApp, sign_in: SignIn) -> None:
    pages = [testapp.get("/sign-in"), sign_in("registrar").get("/residents/"), testapp.get("/x", status=404)]
    for page in pages:
        policy = page.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script>" not in page.text
        assert " style=" not in page.text
        assert "jquery" not in page.text.lower()
    assert "max-age" in testapp.get("/static/css/portal.css").headers["Cache-Control"]


def test_a_lost_database_is_a_calm_page_and_no_secret(
    app: Router, sign_in: SignIn, logs: pytest.LogCaptureFixture
) -> None:
    visitor = sign_in("registrar")
    portal = app.registry.portal
    nowhere = create_engine("postgresql+psycopg://hush:hush@127.0.0.1:1/hush")
    app.registry.portal = replace(portal, engine=nowhere, sessions=sessionmaker(nowhere))
    answer = visitor.get("/residents/", status=503)
    assert is_a_calm_page(answer)
    assert "hush" not in answer
    assert "hush" not in logs.text


def test_a_failure_is_recorded_without_its_values(
    app: Router,
    sign_in: SignIn,
    world: Session,
    logs: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = resident(world)
    world.commit()

    def break_down(*_args: object, **_kw: object) -> None:
        raise RuntimeError(f"見本 {NUMBER}")

    monkeypatch.setattr("yvaxportal.views.resident.person_sheet", break_down)
    answer = sign_in("registrar").get(f"/residents/{person.atena_number}/", status=500)
    assert is_a_calm_page(answer)
    assert "見本 9000" not in answer
    event = world.execute(
        select(AuditEvent.outcome, AuditEvent.detail).where(AuditEvent.action == Action.REQUEST_FAILED)
    ).one()
    assert event.outcome == "failed"
    assert event.detail["error"] == "RuntimeError"
    assert NUMBER not in logs.text
    assert "_sheet" in logs.text
    # What failed left nothing behind: not even that the page was seen.
    assert Action.RESIDENT_VIEWED not in world.scalars(select(AuditEvent.action)).all()


def test_a_commit_that_fails_has_a_page_too(
    sign_in: SignIn, world: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = sign_in("registrar")

    def lost(*_args: object, **_kw: object) -> None:
        raise RuntimeError("the connection broke")

    monkeypatch.setattr("sqlalchemy.orm.session.SessionTransaction.commit", lost)
    answer = visitor.get("/residents/", status=500)
    assert is_a_calm_page(answer)
    assert "Content-Security-Policy" in answer.headers
    monkeypatch.undo()
    assert Action.REQUEST_FAILED in world.scalars(select(AuditEvent.action)).all()
