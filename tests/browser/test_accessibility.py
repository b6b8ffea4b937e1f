"""Every kind of page by axe (WCAG 2.2 AA and its best practices), at the size of a desk's screen."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect
from pyramid.router import Router
from sqlalchemy.orm import Session

from tests.application import PASSWORD, TOTP_SECRET, Clock
from tests.everything import Everything, make_everything
from tests.functional.test_reports import dose as given_dose
from tests.importing import questionnaires, row_of
from tests.leaving import extraction, people
from tests.people import NOW, resident
from yvaxportal.audit.trail import Actor
from yvaxportal.models.codes import OutboxState, ResidentCategory
from yvaxportal.models.outbox import OutboxMessage
from yvaxportal.outputs.workshop import Workshop
from yvaxportal.portal import Portal
from yvaxportal.services.doubles.finding import find_doubles
from yvaxportal.services.extraction.working import ListRoom
from yvaxportal.services.imports.run import run_waiting
from yvaxportal.services.one_time_codes import code_of, step_at
from yvaxportal.services.outbox.queue import ATENA, ENTER_PERSON, post, tell_name
from yvaxportal.services.sync.refusals import keep
from yvaxportal.services.sync.state import change_state, state_of

RULES = {
    "runOnly": [
        *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"),
        "best-practice",
    ],
    "resultTypes": ["violations"],
}


class Visitor:
    """Somebody who looks at pages; every page that is not right is kept for the end."""

    def __init__(self, page: Page, clock: Clock, pictures: Path) -> None:
        self.page, self._clock, self._pictures = page, clock, pictures
        self.faults: list[str] = []

    def sign_in(self, login: str) -> None:
        self.page.goto("/sign-in")
        self.page.fill("#sign-in-login", login)
        self.page.fill("#sign-in-password", PASSWORD)
        self.page.click("#sign-in-sign_in")
        expect(self.page.locator(".who-name")).to_be_visible()

    def give_code(self) -> None:
        self.page.fill("#second-factor-code", code_of(TOTP_SECRET, step_at(self._clock.now)))
        self.page.click("#second-factor-confirm")

    def look(self, name: str, path: str | None = None) -> None:
        """Check the page at ``path``, or the one that is open."""
        if path is not None:
            self.page.goto(path)
        found = Axe().run(self.page, options=RULES).response["violations"]
        self.faults += [
            f"{name}: {rule['id']}: {node['target']} {node['html'][:160]}"
            for rule in found
            for node in rule["nodes"]
        ]
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        if (too_much := self.page.evaluate(wide)) > 0:
            self.faults.append(f"{name}: {too_much} pixels wider than the screen")
        if self.page.locator("h1").count() != 1:
            self.faults.append(f"{name}: not exactly one main heading")
        self.page.screenshot(path=self._pictures / f"kind-{name}.png", full_page=True)


@pytest.fixture
def open_visitor(chromium: Browser, address: str, clock: Clock, screenshots: Path) -> Callable[[], Visitor]:
    """Open a browser in which axe may run although the pages allow no foreign script."""
    opened: list[BrowserContext] = []

    def visitor() -> Visitor:
        made = chromium.new_context(
            base_url=address,
            viewport={"width": 1280, "height": 720},
            locale="ja-JP",
            timezone_id="Asia/Tokyo",
            bypass_csp=True,
        )
        made.set_default_timeout(10_000)
        opened.append(made)
        return Visitor(made.new_page(), clock, screenshots)

    return visitor


@pytest.fixture
def everything(world: Session) -> Everything:
    return make_everything(world)


def test_before_and_after_sign_in(open_visitor: Callable[[], Visitor]) -> None:
    visitor = open_visitor()
    visitor.look("sign-in", "/sign-in")
    visitor.page.fill("#sign-in-login", "viewer")
    visitor.page.fill("#sign-in-password", "wrong")
    visitor.page.click("#sign-in-sign_in")
    visitor.look("sign-in-failed")
    visitor.sign_in("viewer")
    visitor.look("home", "/")
    visitor.look("account", "/account/")
    visitor.look("password", "/account/password")
    visitor.look("second-factor", "/second-factor")
    visitor.look("not-found", "/nowhere")
    visitor.look("forbidden", "/audit/")
    assert not visitor.faults, "\n".join(visitor.faults)


def test_finding_and_reading(
    open_visitor: Callable[[], Visitor], world: Session, everything: Everything
) -> None:
    protected = resident(world, name="秘匿　花子", support_measure_flag=True)
    dead = resident(world, name="故人　太郎", resident_category=ResidentCategory.DECEASED)
    for _ in range(60):
        resident(world)
    world.commit()
    visitor = open_visitor()
    visitor.sign_in("registrar")
    visitor.look("search", "/residents/")
    for name, typed in (("results", "みほん"), ("nobody", "わをん")):
        visitor.page.fill("#find-q", typed)
        visitor.page.keyboard.press("Enter")
        visitor.page.wait_for_url("**/searches/**")
        visitor.look(name)
        visitor.page.goto("/residents/")
    base = f"/residents/{everything.atena_number}/"
    for part in (
        *(
            "",
            "register-items",
            "contact/",
            "eligibility/",
            "foreign/",
            "notes/",
            "circumstances/",
            "circumstances/add",
            "tickets/",
            "extractions/",
            "certificates/",
        ),
        "doses/new",
    ):
        visitor.look(f"resident-{part.strip('/').replace('/', '-') or 'page'}", base + part)
    for group, dose in everything.doses.items():
        visitor.look(f"dose-{group}", f"{base}doses/{dose}/")
    visitor.look("dose-correct", f"{base}doses/{dose}/correct")
    visitor.look("dose-cancel", f"{base}doses/{dose}/cancel")
    visitor.look("protected", f"/residents/{protected.atena_number}/")
    visitor.look("dead", f"/residents/{dead.atena_number}/")
    visitor.look("new-person", "/residents/new-person")
    wait_for_atena(world)
    world.commit()
    visitor.look("waiting", "/residents/waiting")
    visitor.look("search-with-waiting", "/residents/")
    visitor.page.goto("/residents/")
    visitor.page.get_by_role("button", name="English").click()
    visitor.look("english-search")
    visitor.look("english-resident", base)
    assert not visitor.faults, "\n".join(visitor.faults)


def test_a_dose_that_is_not_right(open_visitor: Callable[[], Visitor], world: Session) -> None:
    child = resident(world, born="2024-08-14")
    world.commit()
    visitor = open_visitor()
    visitor.sign_in("registrar")
    page = visitor.page
    page.goto(f"/residents/{child.atena_number}/doses/new")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#dose-vaccine")).to_have_attribute("aria-invalid", "true")
    visitor.look("dose-missing")
    page.locator("#dose-vaccine").select_option("varicella")
    page.locator("#dose-dose_number").fill("2")
    page.locator("#dose-medical_institution").fill("見本小児科医院")
    page.locator("#dose-identity_method").select_option("interview_form")
    page.locator("#dose-identity_document").select_option("maternal_handbook")
    page.locator("#dose-given_on").fill("R6.8.1")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#dose-given_on")).to_have_attribute("aria-invalid", "true")
    visitor.look("dose-errors")
    page.locator("#dose-given_on").fill("R8.11.20")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#dose-alert_reason")).to_be_visible()
    visitor.look("dose-alerts")
    page.locator("#dose-alert_reason").fill("転入前に一回目を接種（母子健康手帳で確認）")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/residents/{child.atena_number}/")
    visitor.look("dose-saved")
    assert page.locator(".notice.is-success").count() == 1
    assert not visitor.faults, "\n".join(visitor.faults)


def test_lists_of_targets(open_visitor: Callable[[], Visitor], world: Session, app: Router) -> None:
    for place in range(12):
        resident(
            world,
            born=f"2020-{place % 6 + 5:02}-01",
            support_measure_flag=place == 0,
            contact={"address_town_code": f"000{place % 3}001"},
        )
    world.commit()
    visitor = open_visitor()
    visitor.sign_in("registrar")
    page = visitor.page
    visitor.look("lists-none", "/extractions/")
    visitor.look("list-new", "/extractions/new?programme=mr2")
    page.locator("#list-due_until").fill("R8.1.1")
    page.locator("#list-try").click()
    visitor.look("list-wrong")
    page.locator("#list-due_until").fill("R9.3.31")
    page.locator("#list-try").click()
    expect(page.locator("#chart-funnel")).to_be_visible()
    visitor.look("list-tried")
    page.locator("#list-save").click()
    page.wait_for_url("**/extractions/1/")
    visitor.look("list-saved")
    visitor.look("list-people", "/extractions/1/members")
    page.get_by_role("button", name="名簿から外す").first.click()
    visitor.look("list-remove")
    visitor.look("list-compared", "/extractions/1/compare?with=1&part=both")
    portal = app.registry.portal
    room = ListRoom(portal.engine, portal.schedule, portal.connections, portal.freshness, portal.clock)
    asking = replace(portal.settings, extraction_at_once=1)
    app.registry.portal = replace(portal, settings=asking)
    page.goto("/extractions/new?programme=mr2")
    page.locator("#list-taxation-0").check()
    page.locator("#list-try").click()
    page.wait_for_url("**/extractions/jobs/1/")
    visitor.look("list-job")
    visitor.look("lists", "/extractions/")
    room.run()
    visitor.look("list-job-done", "/extractions/jobs/1/")
    app.registry.portal = portal
    assert not visitor.faults, "\n".join(visitor.faults)


def test_numbers_and_measures(open_visitor: Callable[[], Visitor], everything: Everything) -> None:
    visitor = open_visitor()
    visitor.sign_in("number")
    base = f"/residents/{everything.atena_number}/personal-number/"
    visitor.look("number-needs-factor", base)
    visitor.give_code()
    visitor.look("number-asked", base)
    visitor.look("number-enter", f"{base}enter")
    visitor.look("look-up", "/vault/")
    manager = open_visitor()
    manager.sign_in("manager")
    manager.look("measure", f"/residents/{everything.atena_number}/contact/support-measure")
    manager.look("access-log", f"/residents/{everything.atena_number}/access-log/")
    faults = visitor.faults + manager.faults
    assert not faults, "\n".join(faults)


def refuse(world: Session) -> None:
    """Let something wait on the page of the connections."""
    for reason, number in (("wrong_municipality", "1000000010"), ("bad_answer", None)):
        keep(
            world,
            "resident_register",
            reference=reason,
            kind="corrected",
            atena_number=number,
            reason=reason,
            payload=None,
            now=NOW,
        )
    change_state(world, state_of(world, "resident_register").system, succeeded_at=NOW, as_of=NOW)
    wait_for_atena(world)
    world.commit()


def wait_for_atena(world: Session) -> None:
    """Let somebody wait for a number, somebody be refused, and a change not be told yet."""
    actor = Actor("registrar", ("registrar",), None)
    for name, state, problem in (
        ("髙﨑　𠮷男", OutboxState.WAITING, "TimedOut: no answer in time"),
        ("見本　花子", OutboxState.REFUSED, "contradiction"),
    ):
        payload = {"items": {"name": name, "date_of_birth_written": "1990-01-02"}, "contact": {}}
        posted = post(world, actor, ATENA, ENTER_PERSON, payload=payload, now=NOW)
        message = world.get_one(OutboxMessage, posted)
        message.state, message.problem, message.attempts = state, problem, 3
    tell_name(world, actor, resident(world).id, now=NOW)


def test_files_and_media(
    open_visitor: Callable[[], Visitor], shop: Workshop, world: Session, staff: dict[str, int]
) -> None:
    targets = extraction(world, people(world, 2), staff_id=staff["registrar"])
    registrar, manager, administrator = open_visitor(), open_visitor(), open_visitor()
    administrator.sign_in("administrator")
    administrator.look("media-none", "/media/")
    page = administrator.page
    page.fill("#register-label", "USB-001")
    page.locator("#register-kind").select_option("usb_memory")
    page.click("#register-register")
    administrator.look("medium-new")
    registrar.sign_in("registrar")
    registrar.look("outputs-none", "/outputs/")
    registrar.look("letters-none", "/letters/")
    registrar.look("letters-new", f"/letters/new?extraction={targets}")
    registrar.look("output-new", f"/outputs/new?extraction={targets}")
    page = registrar.page
    page.click("#ask-for-file-ask")
    registrar.look("output-new-errors")
    page.locator("#ask-for-file-layout").select_option("target_list_xlsx")
    page.fill("#ask-for-file-title", "MR2期の一覧")
    page.fill("#ask-for-file-purpose", "接種券の作成委託")
    page.click("#ask-for-file-ask")
    registrar.look("output-queued")
    replace(shop, approval_above=0).run()
    registrar.look("output-awaiting", "/outputs/1/")
    manager.sign_in("manager")
    manager.look("outputs-waiting", "/outputs/")
    manager.look("output-decide", "/outputs/1/")
    manager.page.click("#approve button")
    registrar.look("output-ready", "/outputs/1/")
    page.click("#show-password button")
    registrar.look("output-password")
    page.goto("/media/1/")
    page.fill("#ask-purpose", "印刷委託先への受け渡し")
    page.fill("#ask-recipient", "見本印刷株式会社")
    page.fill("#ask-due_on", "R8.11.30")
    page.click("#ask-ask")
    registrar.look("medium-asked")
    manager.look("medium-decide", "/media/1/")
    manager.look("media", "/media/")
    faults = [*registrar.faults, *manager.faults, *administrator.faults]
    assert not faults, "\n".join(faults)


def test_administration_and_audit(
    open_visitor: Callable[[], Visitor], staff: dict[str, int], world: Session
) -> None:
    refuse(world)
    administrator, auditor = open_visitor(), open_visitor()
    administrator.sign_in("administrator")
    administrator.look("accounts", "/accounts/")
    administrator.look("account-new", "/accounts/new")
    administrator.look("account-one", "/accounts/viewer/")
    administrator.look("matrix", "/groups/")
    administrator.look("terminals", "/groups/terminals")
    administrator.look("connections", "/connections/")
    auditor.sign_in("auditor")
    auditor.look("audit", "/audit/")
    auditor.look("audit-numbers", "/audit/?view=numbers")
    assert staff
    faults = administrator.faults + auditor.faults
    assert not faults, "\n".join(faults)


def payload(content: bytes) -> FilePayload:
    return {"name": "予診票.csv", "mimeType": "text/csv", "buffer": content}


def test_files_of_doses(open_visitor: Callable[[], Visitor], world: Session, portal: Portal) -> None:
    people = [resident(world, born=f"2024-03-{day:02}", name=f"見本　子{day}") for day in range(1, 9)]
    world.commit()
    rows = [row_of(one) for one in people[:5]]
    rows += [
        row_of(people[5], 生年月日="2024-03-30"),
        row_of(people[6], 業務宛名番号="777777777"),
        row_of(people[7], 接種日="x"),
    ]
    visitor = open_visitor()
    page = visitor.page
    visitor.sign_in("registrar")
    visitor.look("imports", "/imports/")
    page.select_option("#upload-layout", "questionnaires")
    page.set_input_files("#upload-file", payload(questionnaires(rows)))
    page.click("button[name=send]")
    visitor.look("import-columns")
    base = page.url
    page.click("#mapping button[name=check]")
    visitor.look("import-running")
    run_waiting(portal.bureau)
    expect(page.locator("#outcome")).to_be_visible()
    visitor.look("import-checked")
    visitor.look("import-rows", f"{base}rows/")
    visitor.look("import-rows-of-a-state", f"{base}rows/?state=unreadable")
    for number in (6, 7, 8):
        visitor.look(f"import-row-{number}", f"{base}rows/{number}/")
    visitor.look("mismatch", "/mismatch/")
    page.goto(f"{base}rows/second-entry")
    page.select_option("#plan-chosen", "all")
    page.click("#plan-form button[type=submit]")
    visitor.look("second-plan")
    visitor.look("second-files", "/second-entry/")
    visitor.look("second-nothing", page.url + base.rstrip("/").rpartition("/")[2] + "/")
    page.goto(f"{base}rows/second-entry")
    page.select_option("#plan-chosen", "none")
    page.click("#plan-form button[type=submit]")
    page.goto(f"{base}rows/8/")
    page.fill("#decide-reason", "日付をご確認ください")
    page.click("button[value=return]")
    visitor.look("import-returned", f"{base}returned")
    page.goto(base)
    page.click("#apply button")
    run_waiting(portal.bureau)
    expect(page.locator("#undoing")).to_be_visible()
    visitor.look("import-applied")
    visitor.look("import-row-recorded", f"{base}rows/1/")
    visitor.look("samples", "/mismatch/samples/")
    visitor.look("sample-new", f"/mismatch/samples/new?batch={base.rstrip('/').rpartition('/')[2]}")
    page.click("#draw-form button")
    visitor.look("sample")
    page.goto("/imports/")
    page.select_option("#upload-layout", "questionnaires")
    page.set_input_files("#upload-file", payload(b"x,123456789018\r\n"))
    page.click("button[name=send]")
    visitor.look("import-refused")


def test_reports_dashboard_and_fees(open_visitor: Callable[[], Visitor], world: Session) -> None:
    """From the list of reports to the people behind a figure, a correction and what it changed."""
    children = [resident(world, born="2025-04-20", support_measure_flag=number == 1) for number in range(8)]
    for child in children[:6]:
        given_dose(world, child)
    world.commit()
    visitor = open_visitor()
    visitor.sign_in("manager")
    page = visitor.page
    visitor.look("reports", "/reports/")
    page.click("text=定期の予防接種実施者数")
    visitor.look("report-now")
    page.click("#freeze button")
    expect(page.get_by_text("内容照合済み")).to_be_visible()
    visitor.look("report-frozen")
    page.get_by_role("link", name="公表用を表示").click()
    visitor.look("report-public")
    page.go_back()
    page.get_by_role("row", name="麻しん風しん（MR） 第1期").get_by_role("link", name="6").click()
    expect(page.locator("tbody tr")).to_have_count(6)
    visitor.look("report-people")
    page.go_back()
    page.click("#close button")
    expect(page.get_by_text("締めました")).to_be_visible()
    given_dose(world, children[6], changed_at=NOW + timedelta(days=1))
    world.commit()
    page.click("nav.crumbs >> text=定期の予防接種実施者数")
    page.fill("#freeze-reason", "医療機関から遅れて届いた予診票のため")
    page.click("#freeze button")
    page.click("#compare button")
    expect(page.get_by_text("後から登録")).to_be_visible()
    visitor.look("report-compare")
    with page.expect_download() as told:
        page.goto("/reports/routine/")
        page.locator("#kept tbody a").first.click()
        page.locator("a[href*='format=xlsx']").first.click()
    assert told.value.suggested_filename.endswith(".xlsx")
    page.goto("/reports/coverage/")
    page.click("#freeze button")
    visitor.look("dashboard", "/dashboard/")
    visitor.look("fees", "/fees/?month=2026-05")
    visitor.look("fees-differences", "/fees/differences?month=2026-05")
    assert not visitor.faults, "\n".join(visitor.faults)


def test_doubles_and_merges(open_visitor: Callable[[], Visitor], world: Session, portal: Portal) -> None:
    """The list, a pair, a merge, what taking it apart would do, and what is left to set right."""
    kept, gone = (resident(world, name="髙橋　花子", name_kana="タカハシ　ハナコ") for _ in range(2))
    visitor = open_visitor()
    visitor.sign_in("manager")
    visitor.look("doubles-none", "/doubles/")
    visitor.look("merges-none", "/doubles/merges/")
    given_dose(world, gone)
    world.commit()
    find_doubles(portal.engine, NOW)
    visitor.look("doubles", "/doubles/")
    page = visitor.page
    page.click("#pairs tbody a")
    visitor.look("double")
    page.click("#decide button[name=told]")
    visitor.look("double-errors")
    page.check(f"#merge input[name='merge-kept'][value='{kept.id}']")
    page.fill("#merge-decided_on", "R8.11.20")
    page.fill("#merge-reference", "住民課 第12号")
    page.fill("#merge-reason", "転入前の番号")
    page.click("#merge button[name=merge]")
    visitor.look("merge")
    given_dose(world, kept, dose_number=2)
    world.commit()
    page.click("a[href$='take-apart']")
    visitor.look("take-apart")
    page.check("#apart input[value=kept]")
    page.fill("#apart-reason", "戸籍で別人と確認")
    page.click("#apart button[name=apart]")
    visitor.look("taken-apart")
    visitor.look("merges", "/doubles/merges/")
    assert not visitor.faults, "\n".join(visitor.faults)
