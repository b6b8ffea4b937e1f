"""Turning stored values into what a page shows: dates, ages, codes, in the reader's language."""

from datetime import date
from functools import cached_property

from yvaxportal.forms.labels import label
from yvaxportal.request import PortalRequest
from yvaxportal.services.residents import ResidentRow
from yvaxportal.values.ages import months_on
from yvaxportal.values.text import _
from yvaxportal.values.wareki import parse_date, seireki, wareki


class Wording:
    """Words for one request."""

    def __init__(self, request: PortalRequest) -> None:
        self._request = request

    @cached_property
    def japanese(self) -> bool:
        """Tell whether the page is in Japanese."""
        return str(self._request.locale_name) == "ja"

    def say(self, text: str) -> str:
        """Return a message in the reader's language."""
        return str(self._request.localizer.translate(text))

    def code(self, value: object) -> str:
        """Return the label of a code of ``models.codes``; empty for None."""
        return "" if value is None else self.say(label(value))

    def day(self, day: date | None) -> str:
        """Return a date as it is read: with its era in Japanese, ISO in English."""
        if day is None:
            return ""
        return wareki(day) if self.japanese else day.isoformat()

    def birth(self, written: str, *, foreign: bool) -> str:
        """Return a birth date as the register does: eras for Japanese, western years for foreign people."""
        partial = parse_date(written)
        if partial is None or not self.japanese:
            return written
        return seireki(partial) if foreign else wareki(partial)

    def age(self, born: date | None, on: date) -> str:
        """Return an age in years, for small children in years and months; empty when not known."""
        if born is None or on < born:
            return ""
        years, months = months_on(born, on)
        if years >= 6:  # noqa: PLR2004 - school age: months no longer matter to the programme
            return self.say(_("${years} y", mapping={"years": years}))
        return self.say(_("${years} y ${months} m", mapping={"years": years, "months": months}))

    def age_in_months(self, months: int | None) -> str:
        """Return a stored age of whole months in words."""
        if months is None:
            return ""
        return self.say(_("${years} y ${months} m", mapping={"years": months // 12, "months": months % 12}))

    def resident_age(self, resident: ResidentRow) -> str:
        """Return the age today, or on the day of death."""
        return self.age(resident.date_of_birth, resident.died_on or self._request.today)

    def vaccine(self, code: str) -> str:
        """Return a vaccine's name; a code that the catalogue does not know stands for itself."""
        vaccine = self._request.portal.catalogue.get(code)
        if vaccine is None:
            return code
        return vaccine.name_ja if self.japanese else vaccine.name_en

    def series(self, code: str) -> str:
        """Return the name of a series of vaccines."""
        info = self._request.portal.catalogue.series().get(code)
        if info is None:
            return code
        return info.name_ja if self.japanese else info.name_en
