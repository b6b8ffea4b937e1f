"""Reports in words: periods, figures, tables as the templates draw them."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from yvaxportal.forms.report_labels import MONTH, PARTS
from yvaxportal.services.reports.atoms import Common, common_of
from yvaxportal.services.reports.definition import COUNTS, Block, Definition
from yvaxportal.services.reports.periods import Period
from yvaxportal.services.reports.sheets import HIDDEN, ReportWords
from yvaxportal.services.reports.snapshots import SnapshotLine
from yvaxportal.services.reports.table import TOTAL, Figure, Table
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.values.wareki import era_of, wareki
from yvaxportal.views.wording import Wording


class ReportPages(Wording):
    """Words about reports for one request."""

    @cached_property
    def parts(self) -> ReportWords:
        """Return the names of a report's parts."""
        return ReportWords(self.say, self.japanese)

    def year(self, fiscal_year: int) -> str:
        """Return the name of a fiscal year: 令和7年度."""
        if not self.japanese:
            return f"FY {fiscal_year}"
        # A fiscal year is named by the era of its December.
        era = era_of(Period(fiscal_year, "m12").last_day)
        number = fiscal_year - era.first.year + 1
        return f"{era.name}{'元' if number == 1 else number}年度"

    def month(self, day: date) -> str:
        """Return the name of the month of a day: 令和8年10月."""
        return wareki(day.replace(day=1)).removesuffix("1日") if self.japanese else f"{day:%Y-%m}"

    def part(self, code: str) -> str:
        """Return the name of a part of a fiscal year."""
        if code in PARTS:
            return self.say(PARTS[code])
        return self.say(MONTH % {"month": int(code[1:])})

    def period(self, period: Period) -> str:
        """Return the name of a period."""
        year = self.year(period.fiscal_year)
        return year if period.kind == "year" else f"{year} {self.part(period.code)}"

    def figure(self, figure: Figure, measure: str) -> str:
        """Return a figure as pages show it; empty where there is none."""
        if figure.hidden:
            return HIDDEN
        if figure.value is None:
            return ""
        if measure == "rate":
            return f"{figure.value}%"
        if measure == "band":
            return self.say(_("${bound}% and over", mapping={"bound": figure.value}))
        return f"{figure.value:,}"

    def block(self, table: Table, block: Block, people_url: str | None) -> dict[str, Any]:
        """Return one table for the template. ``people_url`` None: figures lead nowhere."""
        definition = table.definition
        lines = [
            self._line(table, block, row.key, (self.parts.group(row), self.parts.named(row)), people_url)
            for row in table.rows
        ]
        if definition.total_row:
            lines.append(self._line(table, block, TOTAL, (self.say(_("Total")), ""), people_url))
        previous = ""
        for line in lines:
            line["same_group"] = line["group"] == previous
            previous = line["group"]
        return {
            "key": block.key,
            "title": self.parts.named(block),
            "columns": [
                {"label": self.say(_("Vaccine"))},
                {"label": self.say(_("Dose number"))},
                *({"label": self.parts.named(one), "numeric": True} for one in block.columns),
            ],
            "lines": lines,
        }

    def _line(
        self, table: Table, block: Block, row: str, names: tuple[str, str], people_url: str | None
    ) -> dict[str, Any]:
        cells = []
        for column in block.columns:
            figure = table.at(row, column.key)
            leads = people_url is not None and column.measure in COUNTS and bool(figure.value)
            address = f"{people_url}?{urlencode({'row': row, 'column': column.key})}"
            cells.append(
                {
                    "text": self.figure(figure, column.measure),
                    "url": address if leads else None,
                    "over": isinstance(figure.value, Decimal) and figure.value > 100,  # noqa: PLR2004 - per cent
                }
            )
        return {"key": row, "group": names[0], "name": names[1], "cells": cells, "total": row == TOTAL}

    def facts(self, line: SnapshotLine) -> Sequence[tuple[str, str]]:
        """Return what stands above a frozen table, on pages and in files."""
        facts = [
            (self.say(_("Period")), self.period(line.period)),
            (self.say(_("Data as of")), format_jst(line.data_as_of)),
            (self.say(_("Made by")), line.made_by),
            (self.say(_("Table number")), str(line.id)),
            (self.say(_("Version of the rules")), f"{line.rules_version} / {line.definition_sha256[:12]}"),
            (self.say(_("Digest of the content")), line.content_sha256),
        ]
        if line.closed_at is not None:
            closed = f"{format_jst(line.closed_at)} {line.closed_by}"
            facts.append((self.say(_("Closed")), closed))
        if line.reason:
            facts.append((self.say(_("Why it was made anew")), line.reason))
        return facts

    def place(self, definition: Definition, row: str, column: str) -> str:
        """Return a smallest figure's place in words, such as "MR 第1期, 5月, 1歳, 個別"."""
        rows: Mapping[str, str] = {
            one.key: f"{self.parts.group(one)} {self.parts.named(one)}" for one in definition.rows
        }
        common = common_of(column)
        words = [rows.get(row, row)]
        return " / ".join(
            [*words, *(self._common(definition, common) if common else [self.say(_("Targets"))])]
        )

    def _common(self, definition: Definition, common: Common) -> Sequence[str]:
        ages = {one.key: one.ja if self.japanese else one.en for one in definition.ages}
        return [self.part(f"m{common.month:02}"), ages.get(common.age, self.say(_("age not known")))]
