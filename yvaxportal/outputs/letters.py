"""The maker of letters: everybody of a run decided on, set bundle by bundle, and written down with the file.

One ZIP: the letters in the order of delivery as one PDF (or one a bundle), for each bundle a manifest as PDF
and one list of everything as CSV, and ``run.json`` with the counts and the digests of data and templates.
Memory stays with one bundle, whatever the run's size.
"""

import csv
import hashlib
import json
import zipfile
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from yvaxportal.audit.trail import AuditTrail
from yvaxportal.documents.fonts import FontMissingError
from yvaxportal.documents.glyphs import code_points
from yvaxportal.documents.joining import join
from yvaxportal.documents.setting import FormOverflowError, MeasureError, SetLetters, TemplateError
from yvaxportal.models.codes import LetterKind, LetterRunState, TicketState
from yvaxportal.models.letter import LetterRun
from yvaxportal.models.ticket import Ticket
from yvaxportal.outputs.letter_data import Data, LetterWriter, doses_on_record, printed_texts
from yvaxportal.outputs.making import Made, MakingError, Work
from yvaxportal.outputs.press import LetterPress, SenderUnknownError
from yvaxportal.programme.schedule import Programme
from yvaxportal.services.letters.book import CountsDifferError, Printed, RunChangedError, write_down
from yvaxportal.services.letters.planning import Plan, make_plan
from yvaxportal.services.letters.reasons import Held
from yvaxportal.services.letters.recipients import Recipient
from yvaxportal.services.tickets.issuing import NewTicket, NumbersChangedError, issue
from yvaxportal.services.tickets.numbers import NumberBook, NumbersExhaustedError

ONE_FILE, BY_BUNDLE = "one", "bundles"
_ONE_PERSON_DETAIL = 200


def make_letters(work: Work) -> Made:
    """Make the letters of ``{"run": id}``.

    :raises MakingError: ``subject``, ``run_over`` (made meanwhile), ``fonts`` and ``sender`` (what is missing
        is named), ``form_overflow`` (which field), ``template``, ``measures``, ``all_held`` (nothing can be
        printed), ``numbers_exhausted``; and when it is written down ``numbers_changed``, ``counts``.
    """
    press = work.press
    run = work.session.get(LetterRun, work.id_of("run"))
    programme = None if run is None or press is None else press.schedule.get(str(run.options["programme"]))
    if press is None or run is None or programme is None:
        raise MakingError("subject")
    if run.state is not LetterRunState.QUEUED:
        raise MakingError("run_over")
    try:
        return _Making(press, work, run, programme).made()
    except FontMissingError as error:
        raise MakingError("fonts", {"families": list(error.families)}) from None
    except SenderUnknownError as error:
        raise MakingError("sender", {"settings": list(error.names)}) from None
    except FormOverflowError as error:
        raise MakingError("form_overflow", {"fields": list(error.fields)}) from None
    except TemplateError as error:
        raise MakingError("template", {"template": error.template}) from None
    except MeasureError as error:
        raise MakingError("measures", {"template": error.template, "rule": error.rule}) from None
    except NumbersExhaustedError:
        raise MakingError("numbers_exhausted") from None


@dataclass
class _Bundle:
    """A bundle that was set, and who is in it."""

    number: int
    pdf: Path
    letters: list[tuple[Recipient, Data, int]] = field(default_factory=list)


@dataclass(frozen=True)
class _Settlement:
    """What is written in the transaction that says that the file is there: plain values, no rows."""

    run_id: int
    facts: Mapping[str, Any]
    numbers: NumberBook
    new_tickets: Sequence[NewTicket]
    ticket_facts: Mapping[str, Any] | None
    printed: Sequence[Printed]

    def __call__(self, session: Session, audit: AuditTrail) -> None:
        """Write tickets and letters.

        :raises MakingError: ``numbers_changed`` (somebody issued a ticket meanwhile), ``run_over``,
            ``counts`` (they do not agree).
        """
        tickets: Mapping[int, int] = {}
        try:
            if self.ticket_facts is not None:
                tickets = issue(session, self.numbers, self.new_tickets, **self.ticket_facts)
            printed = [
                replace(letter, ticket_id=letter.ticket_id or tickets.get(letter.resident_id))
                for letter in self.printed
            ]
            write_down(session, audit, self.run_id, printed=printed, **self.facts)
        except NumbersChangedError:
            raise MakingError("numbers_changed") from None
        except RunChangedError:
            raise MakingError("run_over") from None
        except CountsDifferError:
            raise MakingError("counts") from None


class _Making:
    """One run while it is made."""

    def __init__(self, press: LetterPress, work: Work, run: LetterRun, programme: Programme) -> None:
        self.press, self.work, self.run, self.programme = press, work, run, programme
        self.writer = LetterWriter(press, run, programme)
        self.typesetter = press.typesetter
        self.folder = work.folder
        self.sources: list[Path] = []
        self.data_digest = hashlib.sha256()

    def made(self) -> Made:
        """Decide, set, join, and say what has to be written down with it."""
        session, run = self.work.session, self.run
        plan = make_plan(session, run, self.press.schedule, self.programme, self._lacking)
        people = plan.people
        self._hold_void_tickets(plan)
        if not plan.printable:
            raise MakingError("all_held", {"held": len(plan.not_printed)})
        ids = [one.resident_id for one in plan.printable]
        self.numbers = NumberBook(session, self.press.office.code, ids)
        self.existing = self._existing_tickets(plan.printable)
        self.doses: Mapping[int, list[Data]] = (
            doses_on_record(session, self.press, self.programme, ids)
            if run.kind is LetterKind.RECORD_CERTIFICATE
            else {}
        )
        bundles = list(self._bundles(plan))
        if not bundles:
            raise MakingError("all_held", {"held": len(plan.not_printed)})
        path = self._pack(bundles, plan, people)
        return Made(
            path,
            f"letters_{run.kind.value}_{self.work.today:%Y%m%d}_{run.id}.zip",
            tuple(self.sources),
            settle=self._settlement(bundles, plan, people),
        )

    def _settlement(self, bundles: Sequence[_Bundle], plan: Plan, people: int) -> _Settlement:
        run, now = self.run, self.work.now
        letters = [
            (one, data, Printed(one.resident_id, data["sequence"], bundle.number, pages, one.ticket_id))
            for bundle in bundles
            for one, data, pages in bundle.letters
        ]
        return _Settlement(
            run_id=run.id,
            facts={
                "people": people,
                "not_printed": plan.not_printed,
                "data_sha256": self.data_digest.hexdigest(),
                "template_sha256": self.press.templates.sha256,
                "now": now,
            },
            numbers=self.numbers,
            new_tickets=[
                NewTicket(one.resident_id, data["dose"], data["ticket"]["number"])
                for one, data, _printed in letters
                if "ticket" in data and one.ticket_id is None
            ],
            ticket_facts={
                "programme": self.programme.code,
                "vaccine": self.programme.vaccines[0],
                "kind": self.writer.ticket_kind,
                "municipality_code": self.press.office.code,
                "day": run.printed_for,
                "now": now,
                "staff_id": run.requested_by,
            }
            if run.kind is LetterKind.TICKET
            else None,
            printed=[printed for _one, _data, printed in letters],
        )

    def _lacking(self, one: Recipient) -> str | None:
        missing = self.press.glyphs.lacking(*printed_texts(one))
        return "、".join(code_points(written) for written in missing)[:_ONE_PERSON_DETAIL] or None

    def _hold_void_tickets(self, plan: Plan) -> None:
        """Hold whom a ticket was printed for already that does not count any more."""
        wanted = {one.ticket_id for one in plan.printable if one.ticket_id is not None}
        if not wanted:
            return
        good = {
            ticket.id
            for ticket in (self.work.session.get(Ticket, ticket_id) for ticket_id in wanted)
            if ticket is not None and ticket.state is TicketState.ISSUED
        }
        kept = []
        for one in plan.printable:
            if one.ticket_id is None or one.ticket_id in good:
                kept.append(one)
            else:
                plan.hold(one, Held.TICKET_EXISTS)
        plan.printable = kept

    def _existing_tickets(self, people: Iterable[Recipient]) -> dict[int, str]:
        wanted = [one.ticket_id for one in people if one.ticket_id is not None]
        return {ticket_id: self.work.session.get_one(Ticket, ticket_id).ticket_number for ticket_id in wanted}

    def _bundles(self, plan: Plan) -> Iterable[_Bundle]:
        waiting = deque(plan.printable)
        size = self.press.bundle_size
        first, number, done = 1, 1, len(plan.not_printed)
        total = plan.people
        while waiting:
            batch = [waiting.popleft() for _place in range(min(size, len(waiting)))]
            bundle = self._bundle(plan, batch, waiting, first, number)
            if bundle is None:
                return
            yield bundle
            first, number = first + len(bundle.letters), number + 1
            done += len(bundle.letters)
            self.work.progress(min(done, total), total)

    def _bundle(
        self, plan: Plan, batch: list[Recipient], waiting: deque[Recipient], first: int, number: int
    ) -> _Bundle | None:
        """Set one bundle; whose letter does not fit is held, and the next in the pile takes the place."""
        size = len(batch)
        name = f"letters_{number:04d}"
        while batch:
            letters = [self._data(one, first + place) for place, one in enumerate(batch)]
            placed = self.typesetter.set_letters(
                self.run.template,
                {"run": self.writer.run_data, "letters": letters},
                self.folder,
                name,
                now=self.work.now,
            )
            if not placed.overflow:
                return self._kept(number, placed, batch, letters)
            for place, one in enumerate(batch):
                if fields := placed.overflow.get(first + place):
                    plan.hold(one, Held.OVERFLOW, ",".join(fields))
            batch = [one for place, one in enumerate(batch) if first + place not in placed.overflow]
            batch += [waiting.popleft() for _place in range(min(size - len(batch), len(waiting)))]
        return None

    def _kept(
        self, number: int, placed: SetLetters, batch: Sequence[Recipient], letters: Sequence[Data]
    ) -> _Bundle:
        self.sources.append(placed.data)
        self.data_digest.update(placed.data.read_bytes())
        bundle = _Bundle(number, placed.pdf)
        for one, data in zip(batch, letters, strict=True):
            bundle.letters.append((one, data, placed.pages[data["sequence"]]))
            self.work.person(one.resident_id)
        return bundle

    def _data(self, one: Recipient, sequence: int) -> Data:
        number = None
        if self.run.kind is LetterKind.TICKET:
            number = (
                self.numbers.number_of(one.resident_id)
                if one.ticket_id is None
                else self.existing[one.ticket_id]
            )
        return self.writer.letter(one, sequence, number, self.doses.get(one.resident_id, ()))

    def _pack(self, bundles: Sequence[_Bundle], plan: Plan, people: int) -> Path:
        """Write the ZIP: letters, manifests, list, counts."""
        parts = self._letter_files(bundles)
        parts.append(self._manifests(bundles))
        parts.append(self._list(bundles))
        parts.append(self._counts(bundles, plan, people))
        path = self.folder / "letters.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for part in parts:
                archive.write(part, part.name)
        return path

    def _letter_files(self, bundles: Sequence[_Bundle]) -> list[Path]:
        files = [bundle.pdf for bundle in bundles]
        if self.run.options.get("files") == BY_BUNDLE:
            return files
        joined = self.folder / "letters.pdf"
        pages = join(files, joined)
        if pages != sum(count for bundle in bundles for _one, _data, count in bundle.letters):
            raise MeasureError(self.run.template, "pages")
        for part in files:
            part.unlink()
        return [joined]

    def _manifests(self, bundles: Sequence[_Bundle]) -> Path:
        parts = []
        for bundle in bundles:
            rows = [
                {"sequence": data["sequence"], "postal": data["postal"], "pages": pages}
                for _one, data, pages in bundle.letters
            ]
            data = {
                "run": self.writer.run_data,
                "bundle": {
                    "number": bundle.number,
                    "of": len(bundles),
                    "first": rows[0]["sequence"],
                    "last": rows[-1]["sequence"],
                    "letters": len(rows),
                    "pages": sum(pages for _one, _data, pages in bundle.letters),
                    "rows": rows,
                },
            }
            path, _compiler = self.typesetter.compile(
                "manifest", data, self.folder, f"manifest_{bundle.number:04d}", now=self.work.now
            )
            parts.append(path)
        joined = self.folder / "manifest.pdf"
        join(parts, joined)
        return joined

    def _list(self, bundles: Sequence[_Bundle]) -> Path:
        path = self.folder / "manifest.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            sheet = csv.writer(stream)
            sheet.writerow(("通番", "束", "ページ数", "郵便番号", "宛名番号", "券番号"))
            for bundle in bundles:
                for one, data, pages in bundle.letters:
                    number = data.get("ticket", {}).get("number", "")
                    sheet.writerow(
                        (data["sequence"], bundle.number, pages, data["postal"], one.atena_number, number)
                    )
        return path

    def _counts(self, bundles: Sequence[_Bundle], plan: Plan, people: int) -> Path:
        printed = sum(len(bundle.letters) for bundle in bundles)
        held = sum(isinstance(one.reason, Held) for one in plan.not_printed)
        facts: dict[str, Any] = {
            "run": self.run.id,
            "kind": self.run.kind.value,
            "extracted": people,
            "printed": printed,
            "held": held,
            "dropped": len(plan.not_printed) - held,
            "bundles": len(bundles),
            "pages": sum(pages for bundle in bundles for _one, _data, pages in bundle.letters),
            "data_sha256": self.data_digest.hexdigest(),
            "template_sha256": self.press.templates.sha256,
        }
        path = self.folder / "run.json"
        path.write_text(json.dumps(facts, indent=2), "utf-8")
        return path
