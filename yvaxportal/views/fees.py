"""What institutions claimed for a month, and where it differs from the tariff."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPBadRequest
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.fee_labels import FAULTS, NO_MONTH
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Fees
from yvaxportal.security.permissions import Permission
from yvaxportal.services.fees.claims import ClaimLine, FaultyClaim, claims, faulty_claims
from yvaxportal.services.reports.periods import Period
from yvaxportal.values.clock import format_jst
from yvaxportal.values.sheets import Sheet, Value, Workbook
from yvaxportal.values.text import _
from yvaxportal.views.reports.frozen import FILES
from yvaxportal.views.reports.words import ReportPages

MONTHS_BACK = 24
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_MOST_DIGITS = 18
_APRIL = 4


@view_defaults(context=Fees, permission=Permission.FEE_VIEW)
class FeesPage:
    """The page, its file, and the visits that differ."""

    def __init__(self, context: Fees, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = ReportPages(request)
        self.base = request.resource_path(context)

    @cached_property
    def month(self) -> date:
        """Return the first day of the month asked for, by default the last one that is over; 400 for none."""
        written = self.request.GET.get("month")
        if written is None:
            return (self.request.today.replace(day=1) - timedelta(days=1)).replace(day=1)
        found = _MONTH.fullmatch(written)
        if found is None or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
            raise HTTPBadRequest(self.words.say(NO_MONTH))
        return date(int(found[1]), int(found[2]), 1)

    @property
    def period(self) -> Period:
        """Return the month as a part of its fiscal year."""
        month = self.month
        return Period(month.year - (month.month < _APRIL), f"m{month.month:02}")

    @cached_property
    def lines(self) -> Sequence[ClaimLine]:
        """Return the claims."""
        period, portal = self.period, self.request.portal
        return claims(
            self.request.db,
            portal.tariff,
            first=period.first_day,
            last=period.last_day,
            municipality_code=portal.settings.municipality_code,
        )

    @view_config(request_method="GET", renderer="yvaxportal:templates/fees/fees.pt")
    def show(self) -> dict[str, Any]:
        """Show the claims by institution and vaccine."""
        request = self.request
        month = f"{self.month:%Y-%m}"
        request.audit.record(Action.FEES_VIEWED, detail={"month": month})
        return {
            "base": self.base,
            "month": month,
            "month_text": self.words.month(self.month),
            "months": self._months(),
            "institutions": self._institutions(),
            "count": f"{sum(line.count for line in self.lines):,}",
            "amount": self._yen(sum(line.amount for line in self.lines)),
            "expected": self._yen(sum(line.expected for line in self.lines)),
            "faults": sum(line.faults for line in self.lines),
            "unverified": any(price.unverified for price in request.portal.tariff.prices),
        }

    @view_config(
        name="differences", request_method="GET", renderer="yvaxportal:templates/fees/differences.pt"
    )
    def differences(self) -> dict[str, Any]:
        """Show the visits whose fee is not what the tariff says."""
        request, period = self.request, self.period
        after = request.GET.get("after", "")
        known = after.isascii() and after.isdigit() and len(after) <= _MOST_DIGITS
        found, following = faulty_claims(
            request.db,
            request.portal.tariff,
            first=period.first_day,
            last=period.last_day,
            municipality_code=request.portal.settings.municipality_code,
            after=int(after) if known else 0,
        )
        month = f"{self.month:%Y-%m}"
        request.audit.record(
            Action.FEES_VIEWED, detail={"month": month, "doses": [one.dose_id for one in found]}
        )
        address = {"month": month}
        here = f"{self.base}differences"
        return {
            "base": self.base,
            "steps": [(self.words.say(_("Fees")), f"{self.base}?{urlencode(address)}")],
            "month_text": self.words.month(self.month),
            "lines": [self._faulty(one) for one in found],
            "first_url": f"{here}?{urlencode(address)}" if after else None,
            "next_url": f"{here}?{urlencode(address | {'after': str(following)})}" if following else None,
        }

    @view_config(name="file", request_method="GET")
    def file(self) -> Response:
        """Hand out the claims as a file: counts and amounts, nobody's data."""
        request = self.request
        kind = request.GET.get("format", "")
        if kind not in FILES:
            raise HTTPBadRequest
        month = f"{self.month:%Y-%m}"
        request.audit.record(Action.FEES_TAKEN, detail={"month": month, "format": kind})
        media, make_file = FILES[kind]
        answer = Response(make_file(self._workbook(), request.now), content_type=media.partition(";")[0])
        if "charset" in media:
            answer.charset = "utf-8"
        answer.content_disposition = f'attachment; filename="fees_{month}.{kind}"'
        return answer

    def _workbook(self) -> Workbook:
        say, words = self.words.say, self.words
        rows: list[list[Value]] = [
            [
                line.institution_code or "",
                line.institution,
                words.vaccine(line.vaccine),
                say(_("Given")) if line.given else say(_("Examination only")),
                line.fee,
                line.count,
                line.amount,
                line.exempt,
                line.expected,
                line.faults,
            ]
            for line in self.lines
        ]
        total: list[Value] = [say(_("Total")), "", "", "", None, sum(line.count for line in self.lines)]
        total += [sum(line.amount for line in self.lines), sum(line.exempt for line in self.lines)]
        total += [sum(line.expected for line in self.lines), sum(line.faults for line in self.lines)]
        heads = [
            _("Code"), _("Medical institution"), _("Vaccine"), _("Kind of visit"), _("Fee (yen)"), _("Count"),
            _("Amount (yen)"), _("Of these, exempt"), _("By the tariff (yen)"), _("Differing"),
        ]  # fmt: skip
        sheet = Sheet(say(_("Fees claimed")), [say(head) for head in heads], [*rows, total], stubs=4)
        facts = [
            (say(_("Month of the visits")), words.month(self.month)),
            (say(_("Made at")), format_jst(self.request.now)),
        ]
        return Workbook(say(_("Fees claimed by institutions")), facts, [sheet])

    def _months(self) -> list[tuple[str, str, bool]]:
        found = []
        month = self.request.today.replace(day=1)
        for _number in range(MONTHS_BACK):
            found.append((f"{month:%Y-%m}", self.words.month(month), month == self.month))
            month = (month - timedelta(days=1)).replace(day=1)
        if not any(chosen for _value, _label, chosen in found):
            found.append((f"{self.month:%Y-%m}", self.words.month(self.month), True))
        return found

    def _institutions(self) -> list[dict[str, Any]]:
        words = self.words
        found = []
        for (code, name), group in groupby(
            self.lines, key=lambda line: (line.institution_code, line.institution)
        ):
            lines = list(group)
            found.append(
                {
                    "name": name or words.say(_("(no institution recorded)")),
                    "code": code or "",
                    "count": f"{sum(line.count for line in lines):,}",
                    "amount": self._yen(sum(line.amount for line in lines)),
                    "lines": [
                        {
                            "vaccine": words.vaccine(line.vaccine),
                            "kind": "" if line.given else words.say(_("Examination only")),
                            "fee": "" if line.fee is None else f"{line.fee:,}",
                            "missing": line.fee is None,
                            "count": f"{line.count:,}",
                            "amount": f"{line.amount:,}",
                            "exempt": f"{line.exempt:,}" if line.exempt else "",
                            "faults": f"{line.faults:,}" if line.faults else "",
                        }
                        for line in lines
                    ],
                }
            )
        return found

    def _faulty(self, one: FaultyClaim) -> dict[str, Any]:
        words, request = self.words, self.request
        url = None
        if Permission.DOSE_VIEW in request.own_permissions:
            url = request.resource_path(
                request.root, "residents", one.atena_number, "doses", str(one.dose_id), ""
            )
        return {
            "dose": f"{words.vaccine(one.vaccine)} {one.dose_number}",
            "url": url,
            "day": words.day(one.given_on),
            "institution": one.institution,
            "judgement": words.code(one.judgement),
            "fee": "" if one.fee is None else f"{one.fee:,}",
            "expected": "" if one.expected is None else f"{one.expected:,}",
            "exempt": one.exempt,
            "fault": words.say(FAULTS[one.fault]),
        }

    def _yen(self, amount: int) -> str:
        return self.words.say(_("${amount} yen", mapping={"amount": f"{amount:,}"}))
