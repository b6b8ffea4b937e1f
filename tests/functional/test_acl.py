import pytest
from pyramid.router import Router
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import LOGINS, PASSWORD, SignIn
from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.audit import AuditEvent
from yvaxportal.security.groups import default_groups
from yvaxportal.services.bootstrap import create_account
from yvaxportal.services.one_time_codes import code_of, step_at
from yvaxportal.views.groups import _GRANTABLE

#: What each built-in group gets from each page: the whole matrix, in one table.
PAGES = {
    "/residents/": {"viewer", "registrar", "number", "manager"},
    "/residents/{n}/": {"viewer", "registrar", "number", "manager"},
    "/residents/{n}/contact/": {"viewer", "registrar", "number", "manager"},
    "/residents/{n}/eligibility/": {"viewer", "registrar", "number", "manager"},
    "/residents/{n}/notes/": {"viewer", "registrar", "number", "manager"},
    "/residents/{n}/tickets/": {"viewer", "registrar", "number", "manager"},
    "/residents/{n}/circumstances/": {"viewer", "registrar", "number", "manager"},
    "/residents/{n}/circumstances/add": {"registrar"},
    "/residents/{n}/extractions/": {"viewer", "registrar", "number", "manager"},
    "/extractions/": {"viewer", "registrar", "number", "manager"},
    "/extractions/new": {"registrar"},
    "/residents/{n}/foreign/": {"registrar", "number", "manager"},
    "/residents/{n}/certificates/": {"registrar", "number", "manager"},
    "/residents/{n}/doses/new": {"registrar"},
    "/residents/{n}/personal-number/": {"number"},
    "/residents/{n}/personal-number/enter": {"number"},
    "/outputs/": {"registrar", "manager", "auditor"},
    "/outputs/new": {"registrar"},
    "/media/": {"registrar", "manager", "auditor", "administrator"},
    "/vault/": {"number"},
    "/accounts/": {"administrator"},
    "/accounts/new": {"administrator"},
    "/accounts/viewer/": {"administrator"},
    "/groups/": {"administrator"},
    "/groups/terminals": {"administrator"},
    "/doubles/": {"registrar", "manager"},
    "/doubles/merges/": {"registrar", "manager"},
    "/imports/": {"registrar", "manager", "contractor"},
    "/account/": set(LOGINS),
    "/account/password": set(LOGINS),
}
NOBODY = "/residents/9999999990/"


@pytest.mark.parametrize("login", LOGINS)
def test_who_may_open_what(sign_in: SignIn, world: Session, login: str) -> None:
    person = resident(world, is_foreign_national=True)
    world.commit()
    visitor = sign_in(login, second_factor=True)
    for path, allowed in PAGES.items():
        visitor.get(path.format(n=person.atena_number), status=200 if login in allowed else 403)
    may_know = login in {"viewer", "registrar", "number", "manager", "auditor"}
    visitor.get(NOBODY, status=404 if may_know else 403)


def test_a_visitor_opens_nothing(testapp: TestApp, world: Session) -> None:
    person = resident(world)
    world.commit()
    for path in [*PAGES, NOBODY]:
        assert "/sign-in" in testapp.get(path.format(n=person.atena_number), status=303).location


def test_a_refusal_is_on_record(sign_in: SignIn, world: Session) -> None:
    sign_in("viewer").get("/groups/", status=403)
    event = world.execute(
        select(AuditEvent.actor, AuditEvent.outcome, AuditEvent.detail).where(
            AuditEvent.action == Action.ACCESS_REFUSED
        )
    ).one()
    assert event.actor == "viewer"
    assert event.detail == {"path": "/groups/", "method": "GET"}


def test_every_permission_of_the_matrix_is_in_the_defaults_of_some_group() -> None:
    granted = {permission for _name, _ja, _en, permissions in default_groups() for permission in permissions}
    assert granted == _GRANTABLE


def test_every_page_says_what_it_needs(app: Router) -> None:
    """Only these are open to anybody; a view without a permission would show here."""
    open_views = set()
    for entry in app.registry.introspector.get_category("views"):
        view = entry["introspectable"]
        derived = view["derived_callable"]
        guarded = getattr(derived, "__permission__", None) is not None
        if view["exception_only"] or (view["context"] is None and view["name"] == ""):
            continue
        if not guarded:
            open_views.add(view["name"])
    assert open_views <= {"sign-in", "sign-out", "language", "", "static/", "static-bootstrap/"}


def test_a_cell_is_granted_seen_and_taken_back(sign_in: SignIn) -> None:
    admin, viewer = sign_in("administrator"), sign_in("viewer")
    viewer.get("/vault/", status=403)
    form = admin.get("/groups/").forms["matrix"]
    box = next(field for field in form.fields["cell"] if field._value == "viewer|audit:view")
    box.checked = True
    page = form.submit("save", status=303).follow()
    assert "付与しました：閲覧: 監査記録の検索" in page
    assert "audit" in viewer.get("/account/").text
    undo = next(f for f in page.forms.values() if f.action.endswith("/undo"))
    assert "取り消しました" in undo.submit("undo", status=303).follow()
    assert 'href="/audit/"' not in viewer.get("/account/").text


def test_two_administrators_are_needed_for_the_number(
    sign_in: SignIn, world: Session, app: Router, staff: dict[str, int]
) -> None:
    portal = app.registry.portal
    create_account(
        world,
        portal.key_ring,
        login="second",
        display_name="第二管理者",
        password=PASSWORD,
        groups=("administrator",),
        now=portal.clock(),
        must_change_password=False,
    )
    world.commit()
    assert staff["administrator"]
    first, second = sign_in("administrator"), sign_in("second")
    form = first.get("/accounts/viewer/").forms["membership"]
    form["group"], form["valid_to"] = "number", "R9.3.31"
    assert "もう一人の管理者" in form.submit("join", status=303).follow()
    own = next(f for f in first.get("/groups/").forms.values() if f.action.endswith("/decide"))
    assert (
        "承認できません"
        in first.post(
            "/groups/decide",
            {"csrf_token": own["csrf_token"].value, "proposal": own["proposal"].value, "accept": ""},
            status=303,
        ).follow()
    )
    sign_in("viewer", second_factor=True).get("/vault/", status=403)
    waiting = second.get("/groups/")
    assert "令和9年3月31日まで" in waiting
    theirs = next(f for f in waiting.forms.values() if f.action.endswith("/decide"))
    assert "承認しました" in theirs.submit("accept", status=303).follow()
    # The code of this minute was used to sign in above, so the rights are looked at without it.
    assert 'href="/vault/"' in sign_in("viewer").get("/account/").text


def test_a_stale_matrix_is_not_saved(sign_in: SignIn) -> None:
    admin = sign_in("administrator")
    stale = admin.get("/groups/").forms["matrix"]
    fresh = admin.get("/groups/").forms["matrix"]
    next(f for f in fresh.fields["cell"] if f._value == "viewer|foreign:view").checked = True
    fresh.submit("save", status=303)
    assert "ほかの管理者が先に" in stale.submit("save", status=409)


def test_the_last_administration_cannot_be_unticked(sign_in: SignIn) -> None:
    form = sign_in("administrator").get("/groups/").forms["matrix"]
    next(f for f in form.fields["cell"] if f._value == "administrator|acl:edit").checked = False
    assert "管理できる人がいなくなります" in form.submit("save", status=422)


@pytest.mark.parametrize("cell", ["viewer|ungranted", "viewer|signed-in", "nobody|dose:view", "x"])
def test_a_forged_cell_is_refused(sign_in: SignIn, cell: str) -> None:
    admin = sign_in("administrator")
    form = admin.get("/groups/").forms["matrix"]
    posted = {"csrf_token": form["csrf_token"].value, "version": form["version"].value, "cell": cell}
    admin.post("/groups/", posted, status=400)


def test_an_account_from_its_creation_to_its_end(sign_in: SignIn) -> None:
    admin = sign_in("administrator")
    form = admin.get("/accounts/new").forms["new-account"]
    form["login"], form["display_name"] = "hanako", "見本 花子"
    made = form.submit("create", status=200)
    password = made.html.find(class_="timed-value").text
    assert password not in admin.get("/accounts/hanako/")
    join = admin.get("/accounts/hanako/").forms["membership"]
    join["group"] = "viewer"
    join.submit("join", status=303)

    hanako = sign_in("hanako", password=password)
    assert "/account/password" in hanako.get("/residents/", status=303).location
    change = hanako.get("/account/password").forms["change-password"]
    change["present"], change["new"], change["again"] = password, "短い", "短い"
    assert "12文字以上" in change.submit("change", status=422)
    change["present"], change["new"], change["again"] = (
        password,
        "桜の咲く丘の上で 2026",
        "桜の咲く丘の上で 2026",
    )
    change.submit("change", status=303)
    hanako.get("/residents/", status=200)

    page = admin.get("/accounts/hanako/")
    next(f for f in page.forms.values() if f.action.endswith("/revoke")).submit(status=303)
    hanako.get("/residents/", status=303)
    assert "停止" in admin.get("/accounts/")


def test_a_login_is_never_given_twice(sign_in: SignIn) -> None:
    form = sign_in("administrator").get("/accounts/new").forms["new-account"]
    form["login"], form["display_name"] = "viewer", "別人"
    assert "使われています" in form.submit("create", status=422)


def test_terminals_are_changed_but_never_ones_own_way_in(sign_in: SignIn) -> None:
    admin = sign_in("administrator")
    form = admin.get("/groups/terminals").forms["add-network"]
    form["group"], form["network"], form["label"] = "viewer", "192.0.2.0/24", "本庁舎"
    assert "192.0.2.0/24" in form.submit("add", status=303).follow()
    form["network"], form["label"] = "192.0.2.1/24", "支所"
    again = form.submit("add", status=422)
    assert "ネットワークの書き方" in again
    kept = again.forms["add-network"]
    assert [kept[name].value for name in ("group", "network", "label")] == ["viewer", "192.0.2.1/24", "支所"]
    assert again.html.find(id="network-network")["aria-invalid"] == "true"
    kept["network"] = "9000 0007 9198"
    assert "9198" not in kept.submit("add", status=400)
    page = admin.get("/groups/terminals")
    rows = page.html.find_all("tr")
    own_row = next(row for row in rows if "システム管理" in row.text and "127.0.0.0/8" in row.text)
    own_network = own_row.find("button")["value"]
    refused = admin.post(
        "/groups/terminals", {"csrf_token": form["csrf_token"].value, "remove": own_network}, status=303
    ).follow()
    assert "削除できません" in refused


def test_a_second_factor_is_enrolled_with_its_first_code(
    sign_in: SignIn, world: Session, app: Router
) -> None:
    portal = app.registry.portal
    create_account(
        world,
        portal.key_ring,
        login="fresh",
        display_name="新任",
        password=PASSWORD,
        groups=("viewer",),
        now=portal.clock(),
        must_change_password=False,
    )
    world.commit()
    visitor = sign_in("fresh")
    page = visitor.get("/account/second-factor")
    secret = page.html.find("figcaption").text.replace(" ", "")
    form = page.forms["enrol"]
    form["code"] = "000000"
    again = form.submit("confirm", status=422)
    assert again.html.find("figcaption").text.replace(" ", "") == secret
    again.forms["enrol"]["code"] = code_of(secret, step_at(portal.clock()))
    again.forms["enrol"].submit("confirm", status=303)
    assert "設定済み" in visitor.get("/account/")
