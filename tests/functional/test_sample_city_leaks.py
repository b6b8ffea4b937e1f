"""The made-up city, every demo account, every view: personal numbers stay in the vault's own answer."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pyramid.config import Configurator
from pyramid.router import Router
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import Clock, settings_of
from tests.crawl import Leaks, Witness, all_logs, dump, files_with
from tests.database import DatabaseServer
from tests.importing import Office, questionnaires, row_of
from tests.leaving import CRITERIA, extraction
from tests.people import NOW
from yvaxportal import resources
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.codes import (
    ExtractionJobKind,
    ImportState,
    MediumKind,
    MediumState,
    MergeSource,
    OutputState,
    SecondEntryChoice,
)
from yvaxportal.models.dose import Dose
from yvaxportal.models.mismatch import SampleCheck, SampleCheckRow
from yvaxportal.models.output import Output, StorageMedium
from yvaxportal.models.resident import Resident
from yvaxportal.models.staff import StaffAccount
from yvaxportal.portal import Portal, open_portal
from yvaxportal.sample import SAMPLE_DAY, load
from yvaxportal.sample.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD, DEMO_TOTP_SECRET
from yvaxportal.sample.numbers import personal_number
from yvaxportal.services.doubles.deciding import keep_different
from yvaxportal.services.extraction.jobs import ask
from yvaxportal.services.imports.second_plans import Choice, choose
from yvaxportal.services.one_time_codes import code_of, step_at
from yvaxportal.services.sync.merging import Told, merge
from yvaxportal.settings import read_settings

SIZE, SEED = 60, 2026
NUMBERS = {serial: personal_number(serial, SEED) for serial in range(1, SIZE + 1)}
LEAKS = Leaks(list(NUMBERS.values()))
TEN = Leaks([NUMBERS[serial] for serial in range(3, 60, 6)])
#: Views that would end the visit, or change who may do what: others look at them.
NOT_POSTED = {"sign-out", "sign-in"}


@pytest.fixture
def city(router: Router, database_urls: DatabaseUrls, secrets: Path, clock: Clock) -> Iterator[Portal]:
    """Serve a database that holds the made-up city and nothing else."""
    load(
        database_urls.owner,
        residents=SIZE,
        seed=SEED,
        key_ring=secrets / "ring.json",
        municipality_code="312029",
        demo_accounts=True,
        today=SAMPLE_DAY,
        processes=0,
    )
    settings = settings_of(database_urls, secrets) | {"yvaxportal.demo_accounts": "true"}
    opened = replace(open_portal(read_settings(settings)), clock=clock)
    built, router.registry.portal = router.registry.portal, opened
    yield opened
    router.registry.portal = built
    opened.engine.dispose()


def signed_in(router: Router, login: str, clock: Clock) -> Witness:
    visitor = TestApp(router, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:80"})
    form = visitor.get("/sign-in").forms["sign-in"]
    form["login"], form["password"] = login, DEMO_PASSWORD
    form.submit("sign_in", status=303)
    code_form = visitor.get("/second-factor").forms["second-factor"]
    code_form["code"] = code_of(DEMO_TOTP_SECRET, step_at(clock.now))
    code_form.submit("confirm", status=303)
    return Witness(visitor)


def places(person: Resident, dose: Dose) -> dict[type, str]:
    """Return one address for each kind of node of the tree."""
    base = f"/residents/{person.atena_number}/"
    found: dict[type, str] = {resources.Root: "/", resources.Resident: base}
    found |= {node: f"/{name}/" for name, node in resources.Root.children.items()}
    found |= {node: f"{base}{name}/" for name, node in resources.Resident.children.items()}
    found[resources.DoseNode] = f"{base}doses/{dose.id}/"
    found[resources.AccountNode] = "/accounts/viewer/"
    found[resources.SearchNode] = "/searches/1/"
    found[resources.CircumstanceNode] = f"{base}circumstances/1/"
    found[resources.ExtractionNode] = "/extractions/1/"
    found[resources.ExtractionJobNode] = "/extractions/jobs/1/"
    found[resources.LetterRunNode] = "/letters/1/"
    found[resources.DoubleNode] = "/doubles/1/"
    found[resources.Merges] = "/doubles/merges/"
    found[resources.MergeNode] = "/doubles/merges/1/"
    found[resources.ReportNode] = "/reports/routine/"
    found[resources.SnapshotNode] = "/reports/routine/1/"
    found[resources.ImportNode] = "/imports/1/"
    found[resources.ImportRows] = "/imports/1/rows/"
    found[resources.ImportRowNode] = "/imports/1/rows/1/"
    found[resources.Samples] = "/mismatch/samples/"
    found[resources.SampleNode] = "/mismatch/samples/1/"
    found[resources.SecondEntryFile] = "/second-entry/1/"
    found[resources.OutputNode] = "/outputs/1/"
    found[resources.MediumNode] = "/media/1/"
    return found


def arrived(world: Session, people: dict[int, Resident], city: Portal) -> None:
    """Have a file of doses with rows of every kind of trouble, so that its pages show something."""
    registrar = world.scalars(select(StaffAccount.id).where(StaffAccount.login == "registrar")).one()
    rows = [row_of(person) for person in people.values()]
    # Few enough that the file is not refused as a whole.
    rows += [row_of(person, 生年月日="2025-12-31") for person in list(people.values())[: SIZE // 3]]
    office = Office(city.bureau, registrar)
    batch = office.checked(questionnaires(rows))
    assert (batch.id, batch.state) == (1, ImportState.CHECKED)
    to_type = Choice(SecondEntryChoice.DOUBT, ("given_on", "lot_number"), from_points=60)
    assert choose(world, office.audit(world), 1, to_type, seed="s", staff_id=registrar, now=NOW)
    check = SampleCheck(
        batch_id=1,
        confidence=9_500,
        tolerable=100,
        allowed=0,
        seed="s",
        population=1,
        size=1,
        drawn_by=registrar,
        drawn_at=NOW,
    )
    world.add(check)
    world.flush()
    world.add(SampleCheckRow(check_id=check.id, place=1, batch_id=1, number=1))
    world.commit()


def leaving(world: Session, people: dict[int, Resident], city: Portal) -> None:
    """Have a file of everybody that waits for approval, and a medium, so that their pages show something."""
    registrar = world.scalars(select(StaffAccount.id).where(StaffAccount.login == "registrar")).one()
    listed = extraction(world, list(people.values()), staff_id=registrar)
    world.add(
        Output(
            layout="target_list",
            title="見本の一覧",
            purpose="個別通知",
            subject={"extraction": listed},
            requested_by=registrar,
            requested_at=NOW,
            state=OutputState.AWAITING_APPROVAL,
            done=SIZE,
            attempts=1,
            cancel_requested=False,
            people=SIZE,
            archive_sha256="0" * 64,
            expires_at=NOW + timedelta(days=7),
        )
    )
    audit = AuditTrail(world, city.engine, Actor("registrar", (), None))
    ask(world, audit, ExtractionJobKind.TRY, CRITERIA, title="見本の試算", staff_id=registrar, now=NOW)
    world.add(
        StorageMedium(
            label="USB-001",
            kind=MediumKind.USB_MEMORY,
            state=MediumState.AVAILABLE,
            registered_by=registrar,
            registered_at=NOW,
        )
    )
    world.commit()


def doubled(world: Session) -> None:
    """Have two pairs of numbers, of which one was merged, so that their pages show something."""
    registrar = world.scalars(select(StaffAccount.id).where(StaffAccount.login == "registrar")).one()
    ids = world.scalars(select(Resident.id).order_by(Resident.id.desc()).limit(4)).all()
    keep_different(world, ids[0], ids[1], "別人", staff_id=registrar, now=NOW)
    told = Told("c-1", NOW.date(), MergeSource.REGISTER)
    assert merge(world, kept=ids[2], merged=ids[3], told=told, now=NOW) == 1
    world.commit()


def every_view(router: Router, person: Resident, dose: Dose) -> tuple[set[str], set[str]]:
    """Return the addresses of all registered views for one person: those read, and those sent to."""
    known = places(person, dose)
    reads: set[str] = set()
    sends: set[str] = set()
    introspector = Configurator(registry=router.registry).introspector
    for entry in introspector.get_category("views"):
        view = entry["introspectable"]
        context = view["context"]
        if not (isinstance(context, type) and issubclass(context, resources.Node)):
            continue  # pages for exceptions, and static files
        address = known[context] + (view["name"] or "")
        methods = view["request_methods"] or ("GET",)
        (sends if "POST" in ((methods,) if isinstance(methods, str) else methods) else reads).add(address)
    return reads, sends


def test_every_view_for_every_account_keeps_the_numbers(
    *,
    router: Router,
    city: Portal,
    clock: Clock,
    postgres: DatabaseServer,
    database_urls: DatabaseUrls,
    world: Session,
) -> None:
    people = {person.id: person for person in world.scalars(select(Resident).order_by(Resident.id))}
    person = people[7]
    dose = world.scalars(select(Dose).where(Dose.resident_id == person.id)).first()
    assert dose is not None
    leaving(world, people, city)
    arrived(world, people, city)
    doubled(world)
    reads, sends = every_view(router, person, dose)
    assert len(reads) > 30
    assert len(sends) > 30
    with all_logs() as logs:
        staff = {login: signed_in(router, login, clock) for login, _name, _group in DEMO_ACCOUNTS}
        freeze(staff["registrar"])
        opened = {login: look_everywhere(one, people, reads) for login, one in staff.items()}
        for one in staff.values():
            send_everywhere(one, sends)
        shown = reveal(staff["number"], person)
    assert opened["registrar"] > 60 > opened["contractor"] > 0
    number = NUMBERS[person.id]
    assert LEAKS.text.findall(shown) == [f"{number[:4]} {number[4:8]} {number[8:]}"]
    for login, one in staff.items():
        assert LEAKS.lines(one.seen) == [], login
    assert LEAKS.lines(logs) == []
    assert len(logs) > 100
    stored = dump(database_urls)
    assert stored.count("INSERT INTO public.vault_entry ") > SIZE - 5
    assert LEAKS.lines(stored.splitlines()) == []
    audited = world.scalars(text("SELECT to_jsonb(e)::text FROM audit_event AS e")).all()
    jobs = world.scalars(text("SELECT to_jsonb(j)::text FROM procrastinate_jobs AS j")).all()
    assert LEAKS.lines([*audited, *jobs]) == []
    assert len(audited) > 100
    assert files_with(TEN, postgres, database_urls) == []


def freeze(one: Witness) -> None:
    """Keep a table of a report, whose figures then lead to people."""
    form = one.get("/reports/routine/?year=2025&period=year").forms["freeze"]
    assert one.keep(form.submit()).status_int == 303


def look_everywhere(one: Witness, people: dict[int, Resident], reads: set[str]) -> int:
    """Open every registered page, every link from there, and every person's page and number node."""
    for person in people.values():
        for part in ("", "personal-number/", "personal-number/enter", "access-log/"):
            one.get(f"/residents/{person.atena_number}/{part}")
    return one.crawl(sorted(reads), most_pages=150)


def send_everywhere(one: Witness, sends: set[str]) -> None:
    """Send each form empty but for its token: what is allowed answers with its page, the rest refuses."""
    for address in sorted(sends):
        if address.rsplit("/", 1)[-1] in NOT_POSTED:
            continue
        page = one.visitor.get("/account/", expect_errors=True)
        token = page.html.select_one("input[name=csrf_token]")
        if token is None:
            return
        one.keep(one.visitor.post(address, {"csrf_token": token["value"]}, expect_errors=True))


def reveal(number_staff: Witness, person: Resident) -> str:
    """Read one number as designated staff do; the answer is not kept among the others."""
    form = number_staff.get(f"/residents/{person.atena_number}/personal-number/").forms["personal-number"]
    form["personal-number-purpose"] = "issue_certificate"
    form["case_reference"] = "R8-1"
    answer: str = form.submit("show", status=200).text
    return answer
