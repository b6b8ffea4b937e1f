"""The doses of a resident on their page: the table, what is due, the picture of both."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from yvaxportal.models.codes import DoseCategory, DoseState, Judgement, ResidentCategory
from yvaxportal.programme.forecasting import Forecast, forecast
from yvaxportal.programme.person import GivenDose, Person
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Resident
from yvaxportal.services.person_sheet import PersonSheet
from yvaxportal.services.resident_page import DoseRow
from yvaxportal.values.text import _
from yvaxportal.values.wareki import parse_date
from yvaxportal.views.due_lines import due_line, folded, shown
from yvaxportal.views.timeline import (
    DueWindow,
    MarkStatus,
    TimelineEntry,
    TimelineFigure,
    WindowStatus,
    dose_timeline,
)
from yvaxportal.views.wording import Wording

_WINDOWS: dict[str, WindowStatus] = {"overdue": "overdue", "due": "due", "soon": "soon"}


class DoseLine(NamedTuple):
    """One line of the table of doses."""

    url: str
    day: str
    age: str
    vaccine: str
    category: str
    number: int
    place: str
    lot: str
    kind: str
    word: str
    note: str
    css: str


class DosePanel:
    """What was given to one resident and what is due, for a reader who may see doses."""

    def __init__(self, context: Resident, request: PortalRequest, sheet: PersonSheet) -> None:
        self.request, self.resident, self.sheet = request, context.resident, sheet
        self.words = Wording(request)
        self.base = request.resource_path(context)

    def show(self) -> dict[str, Any]:
        """Return the names that the page's template uses."""
        doses = self.sheet.doses
        resident = self.resident
        schedule, today = self.request.portal.schedule, self.request.today
        forecasts = self._forecasts(doses) if resident.resident_category is ResidentCategory.RESIDENT else []
        items = shown(forecasts, today)
        return {
            "sees_doses": True,
            "doses": [self._line(dose) for dose in doses],
            "due_items": [due_line(item, schedule, self.words, today) for item in items],
            "due_groups": folded(forecasts, schedule, self.words, today),
            "figure": self._figure(doses, items) if doses or items else None,
        }

    def _forecasts(self, doses: Sequence[DoseRow]) -> list[Forecast]:
        schedule, today = self.request.portal.schedule, self.request.today
        person = Person(
            parse_date(self.resident.date_of_birth_written),
            str(self.resident.sex),
            self.sheet.circumstances,
        )
        return forecast(schedule, person, self._given(doses), today)

    def _line(self, dose: DoseRow) -> DoseLine:
        words = self.words
        cancelled = dose.state is DoseState.CANCELLED
        if cancelled:
            kind, word = "neutral", words.say(_("Cancelled"))
        elif dose.judgement is not Judgement.GIVEN:
            kind, word = "info", words.code(dose.judgement)
        elif dose.alerts:
            kind, word = "doubtful", words.say(_("Given, with an alert"))
        else:
            kind, word = "ok", words.code(dose.judgement)
        return DoseLine(
            url=f"{self.base}doses/{dose.id}/",
            day=words.day(dose.given_on),
            age=words.age_in_months(dose.age_when_given),
            vaccine=words.vaccine(dose.vaccine),
            category="" if dose.dose_category is DoseCategory.ROUTINE else words.code(dose.dose_category),
            number=dose.dose_number,
            place=dose.institution or "",
            lot=dose.lot_number or "",
            kind=kind,
            word=word,
            note=dose.remarks or "",
            css="is-cancelled" if cancelled else "",
        )

    def _given(self, doses: Sequence[DoseRow]) -> list[GivenDose]:
        return [
            GivenDose(dose.vaccine, dose.given_on, dose.dose_number, dose.dose_category.value)
            for dose in doses
            if dose.state is DoseState.ACTIVE and dose.judgement is Judgement.GIVEN
        ]

    def _figure(self, doses: Sequence[DoseRow], items: Sequence[Forecast]) -> TimelineFigure:
        words, catalogue = self.words, self.request.portal.catalogue
        entries = []
        for dose in reversed(doses):
            vaccine = catalogue.get(dose.vaccine)
            place = f" {dose.institution}" if dose.institution else ""
            entries.append(
                TimelineEntry(
                    series=words.series(vaccine.series) if vaccine else dose.vaccine,
                    dose_number=dose.dose_number,
                    given_on=dose.given_on,
                    status=_mark(dose),
                    label=f"{words.vaccine(dose.vaccine)} {words.day(dose.given_on)}{place}",
                ),
            )
        windows = [
            DueWindow(words.series(item.series), item.earliest, item.latest, _WINDOWS[item.status])
            for item in items
            if item.earliest is not None and item.status in _WINDOWS
        ]
        return dose_timeline(
            entries,
            birth=self.resident.date_of_birth,
            today=self.request.today,
            windows=windows,
            translate=self.request.localizer.translate,
        )


def _mark(dose: DoseRow) -> MarkStatus:
    if dose.state is DoseState.CANCELLED:
        return "cancelled"
    if dose.judgement is not Judgement.GIVEN:
        return "invalid"
    return "doubtful" if dose.alerts else "given"
