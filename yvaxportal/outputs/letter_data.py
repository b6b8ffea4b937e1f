"""What a template is given: the rows of the database as the words and digits that stand on paper."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoseState, Judgement, LetterKind, Sex
from yvaxportal.models.dose import Dose, MedicalInstitution
from yvaxportal.models.letter import LetterRun
from yvaxportal.outputs.press import LetterPress
from yvaxportal.programme.schedule import Programme
from yvaxportal.services.extraction.cohort import read_birth
from yvaxportal.services.letters.recipients import Recipient
from yvaxportal.services.tickets.numbers import ticket_line
from yvaxportal.values.ages import legal_age_on
from yvaxportal.values.wareki import PartialDate, seireki, wareki

#: 予診のみ and 接種 (手引き p.130); the first digit of the 18.
TICKET_KINDS: Mapping[str, str] = {"1": "予診のみ", "2": "接種券"}
#: Up to this age a letter goes to whoever brings the child up: from 16 on, consent is one's own.
GUARDIAN_UNTIL = 16
_SEXES = {Sex.MALE: "男", Sex.FEMALE: "女", Sex.UNKNOWN: ""}
_FORM_TYPE = "01"
_ATENA_DIGITS = 15
_WEIGHTS = (3, 1)
Data = dict[str, Any]


class LetterWriter:
    """Writes the data of one run's letters."""

    def __init__(self, press: LetterPress, run: LetterRun, programme: Programme) -> None:
        self._press, self._run, self._programme = press, run, programme
        self.ticket_kind = str(run.options.get("ticket_kind", ""))
        self.run_data: Data = {
            "number": run.id,
            "kind": run.kind.value,
            "title": run.title,
            "programme": programme.name_ja,
            "printed_for": wareki(run.printed_for),
            "sample": False,
            "office": dict(press.office.said()),
            "options": _options(run.options),
        }

    def letter(self, one: Recipient, sequence: int, number: str | None, doses: Sequence[Data] = ()) -> Data:
        """Return the data of one letter; ``number`` is the person's ticket number, for a ticket."""
        dose_number = one.dose_number or 1
        born = _born(one)
        data: Data = {
            "sequence": sequence,
            "postal": _postal(one.postal_code),
            "address": one.address,
            "addressee": one.name,
            "guardian": self._has_guardian(one),
            "name": one.name,
            "kana": one.name_kana or "",
            "born": born,
            "sex": _SEXES[one.sex],
            "atena": one.atena_number,
            "dose": dose_number,
        }
        if number is not None:
            data["ticket"] = self._ticket(dose_number, number)
        if self._run.kind is LetterKind.QUESTIONNAIRE:
            data["questionnaire"] = self._questionnaire(one, sequence)
        if self._run.kind is LetterKind.RECORD_CERTIFICATE:
            data["doses"] = list(doses)
        return data

    def _has_guardian(self, one: Recipient) -> bool:
        born, day = one.date_of_birth, self._run.printed_for
        return born is not None and born <= day and legal_age_on(born, day) < GUARDIAN_UNTIL

    def _ticket(self, dose_number: int, number: str) -> Data:
        code = self._press.office.code
        line = ticket_line(self.ticket_kind, dose_number, code, number)
        return {
            "kind": self.ticket_kind,
            "kind-name": TICKET_KINDS[self.ticket_kind],
            "dose": dose_number,
            "number": number,
            "line": line,
            "qr": self._press.ticket_code.modules(line),
        }

    def _questionnaire(self, one: Recipient, sequence: int) -> Data:
        """Return the line of our own questionnaire, and its code.

        Municipality 6, form 2, run 8, sequence 6, atena number 15 (zeros before it), birth date 8, then the
        check digit: modulus 10 with weights 3 and 1 from the right. The code holds two zeros behind it.
        """
        parts = (
            self._press.office.code,
            _FORM_TYPE,
            f"{self._run.id:08d}",
            f"{sequence:06d}",
            one.atena_number.zfill(_ATENA_DIGITS),
            one.date_of_birth_written.replace("-", ""),
        )
        check = check_digit("".join(parts))
        return {
            "line": " ".join((*parts, check)),
            "qr": self._press.questionnaire_code.modules("".join((*parts, check, "00"))),
        }


def check_digit(digits: str) -> str:
    """Return the check digit of a questionnaire's line: modulus 10, weights 3 and 1 from the right."""
    total = sum(int(digit) * _WEIGHTS[place % 2] for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def printed_texts(one: Recipient) -> tuple[str, ...]:
    """Return everything of a person that is printed and may hold a character the font lacks."""
    return (one.name, one.name_kana or "", one.address)


def doses_on_record(
    session: Session, press: LetterPress, programme: Programme, resident_ids: Sequence[int]
) -> Mapping[int, list[Data]]:
    """Return the doses of a programme by resident, as a certificate lists them, the earliest first."""
    dose, place = Dose.__table__.c, MedicalInstitution.__table__.c
    rows = session.execute(
        select(
            dose.resident_id,
            dose.dose_number,
            dose.given_on,
            dose.vaccine,
            dose.lot_number,
            func.coalesce(place.name, dose.medical_institution_name),
        )
        .select_from(Dose.__table__)
        .outerjoin(MedicalInstitution.__table__, place.id == dose.medical_institution_id)
        .where(
            dose.resident_id == func.any(list(resident_ids)),
            dose.vaccine.in_(programme.vaccines),
            dose.state == DoseState.ACTIVE,
            dose.judgement == Judgement.GIVEN,
        )
        .order_by(dose.given_on, dose.id)
    )
    found: dict[int, list[Data]] = {}
    for resident_id, number, given_on, vaccine, lot, where in rows:
        known = press.schedule.catalogue.get(vaccine)
        found.setdefault(resident_id, []).append(
            {
                "number": number,
                "day": wareki(given_on),
                "vaccine": known.name_ja if known else vaccine,
                "lot": lot or "",
                "place": where or "",
            }
        )
    return found


def _options(options: Mapping[str, Any]) -> Data:
    until = options.get("until")
    return {
        "until": wareki(date.fromisoformat(until)) if until else "",
        **{name: str(options.get(name) or "") for name in ("place", "fee", "bring", "note")},
    }


def _postal(code: str) -> str:
    return f"{code[:3]}-{code[3:]}" if code else ""


def _born(one: Recipient) -> str:
    born: date | PartialDate | None = read_birth(one.date_of_birth_written)
    if born is None:
        return "生年月日不詳"
    return seireki(born) if one.is_foreign_national else wareki(born)
