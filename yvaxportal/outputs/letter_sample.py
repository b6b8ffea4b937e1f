"""A letter of nobody, for looking at a template and at what a run's options say (見本)."""

from datetime import date
from typing import Any

from yvaxportal.models.codes import LetterKind, ResidentCategory, Sex
from yvaxportal.models.letter import LetterRun
from yvaxportal.outputs.letter_data import Data, LetterWriter
from yvaxportal.outputs.press import LetterPress
from yvaxportal.programme.schedule import Programme
from yvaxportal.services.letters.recipients import Recipient

_NUMBER = "0000000000"


def sample_letter(
    press: LetterPress,
    programme: Programme,
    *,
    kind: LetterKind,
    title: str,
    printed_for: date,
    options: dict[str, Any],
) -> Data:
    """Return the data of a run of one letter, to nobody, marked as a sample.

    :raises SenderUnknownError: the settings do not say who sends letters.
    """
    run = LetterRun(id=0, kind=kind, title=title, printed_for=printed_for, options=options)
    writer = LetterWriter(press, run, programme)
    doses: list[Data] = [
        {
            "number": 1,
            "day": "令和８年４月１日",
            "vaccine": programme.name_ja,
            "lot": "見本",
            "place": "見本小児科",
        }
    ]
    number = _NUMBER if kind is LetterKind.TICKET else None
    letter = writer.letter(_nobody(press, printed_for), 1, number, doses)
    return {"run": {**writer.run_data, "sample": True}, "letters": [letter]}


def _nobody(press: LetterPress, day: date) -> Recipient:
    born = date(day.year - 6, 4, 2)
    return Recipient(
        resident_id=0,
        atena_number=_NUMBER,
        name="見本　太郎",
        name_kana="ミホン　タロウ",
        date_of_birth_written=born.isoformat(),
        date_of_birth=born,
        sex=Sex.MALE,
        is_foreign_national=False,
        category=ResidentCategory.RESIDENT,
        protected=False,
        released=False,
        dose_number=1,
        ticket_id=None,
        postal_code=press.office.postal.replace("-", ""),
        address=f"{press.office.municipality}見本町一丁目２番３号　見本住宅１０１号",
    )
