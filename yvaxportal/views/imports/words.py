"""Files of doses in words: refusals, reasons, rows, in the reader's language."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from yvaxportal.forms.dose_messages import ALERT_NAMES, MESSAGES
from yvaxportal.forms.import_labels import (
    CAUSES,
    DECISIONS,
    FIELDS,
    LIKENESS,
    OTHER_PROBLEM,
    PROBLEMS,
    REASONS,
    REFUSALS,
    ROW_STATES,
)
from yvaxportal.models.codes import ImportDecision, ImportRowState
from yvaxportal.models.imports import ImportBatch
from yvaxportal.services.dose_findings import DoseAlert, DoseError
from yvaxportal.services.imports.layouts import CODE_FIELDS, DATE_FIELDS, Layout
from yvaxportal.services.imports.parsing import Reason
from yvaxportal.views.doses.words import DoseWords

_FINDINGS = {code.value: code for kind in (DoseError, DoseAlert) for code in kind}
_PERCENT = frozenset({"rate", "floor"})


class ImportWords(DoseWords):
    """Words about files of doses for one request."""

    def layout(self, layout: Layout | None, code: str) -> str:
        """Return what a layout is called; one that is gone stands for itself."""
        if layout is None:
            return code
        return layout.title_ja if self.japanese else layout.title_en

    def field(self, name: str) -> str:
        """Return what a field of a row, or one of a block, is called."""
        field, _dot, block = name.partition(".")
        label = self.say(FIELDS.get(field, field))
        return f"{label} ({block})" if block else label

    def reason(self, reason: Reason) -> str:
        """Return one reason as a sentence."""
        code, facts = reason[0], reason[1]
        if code in REASONS:
            return self._filled(REASONS[code], self._facts(facts))
        if (finding := _FINDINGS.get(code)) is not None:
            if code == DoseAlert.OUTSIDE_AGE.value:
                return str(facts.get("reason_ja" if self.japanese else "reason_en", ""))
            return self._filled(MESSAGES[finding][0], self._facts(facts))
        return str(code)

    def kind(self, code: str) -> str:
        """Return what a reason is called where no facts are at hand, for many rows at once."""
        if code in ALERT_NAMES:
            return self.say(ALERT_NAMES[code])
        text = REASONS.get(code) or (MESSAGES[_FINDINGS[code]][0] if code in _FINDINGS else code)
        return re.sub(r"\$\{[a-z_]+\}", "…", self.say(text))

    def reasons(self, reasons: list[Reason]) -> list[str]:
        """Return all reasons of a row."""
        return [self.reason(reason) for reason in reasons]

    def refusal(self, batch: ImportBatch) -> dict[str, str]:
        """Return cause and remedy of a refused file."""
        cause, remedy = REFUSALS.get(batch.refusal or "", (batch.refusal or "", ""))
        facts = self._facts(batch.facts)
        likely = CAUSES.get(str(batch.facts.get("cause", "")))
        said = self._filled(cause, facts)
        return {
            "cause": said,
            "likely": self._filled(likely, facts) if likely else "",
            "remedy": self.say(remedy) if remedy else "",
        }

    def problem_of(self, batch: ImportBatch) -> str:
        """Return what became of the last run, empty when it went well."""
        if not batch.problem:
            return ""
        return self._filled(PROBLEMS.get(batch.problem, OTHER_PROBLEM), self._facts(batch.facts))

    def row_state(self, state: ImportRowState) -> dict[str, str]:
        """Return a state's label and mark."""
        label, kind = ROW_STATES[state]
        return {"label": self.say(label), "kind": kind}

    def code_of_decision(self, decision: ImportDecision) -> str:
        """Return what a decision is called."""
        return self.say(DECISIONS[decision])

    def why(self, codes: list[str]) -> str:
        """Return in what a possible person agrees."""
        separator = "、" if self.japanese else ", "
        return separator.join(self.say(LIKENESS[code]) for code in codes if code in LIKENESS)

    def value(self, name: str, value: Any) -> str:
        """Return a value that was read, as pages show it."""
        if value is None or value == "":
            return ""
        if name == "vaccine":
            return self.vaccine(str(value))
        if name == "birth":
            return self.birth(str(value), foreign=False)
        if name in DATE_FIELDS:
            return self.day(date.fromisoformat(str(value)))
        if name in CODE_FIELDS:
            return self.code(CODE_FIELDS[name](value))
        return str(value)

    def _facts(self, facts: Mapping[str, Any]) -> dict[str, str]:
        said = {}
        for name, value in facts.items():
            if name == "field":
                said[name] = self.field(str(value))
            elif name == "fields":
                said[name] = ("、" if self.japanese else ", ").join(self.field(one) for one in value)
            elif name in _PERCENT:
                said[name] = f"{value / 10:.1f}"
            elif name == "vaccine":
                said[name] = self.vaccine(str(value))
            else:
                said[name] = self._plain(name, value)
        return said

    def _plain(self, name: str, value: Any) -> str:
        if isinstance(value, int):
            return f"{value:,}"
        text = str(value)
        if name == "born":
            return self.birth(text, foreign=False)
        try:
            return self.day(date.fromisoformat(text))
        except ValueError:
            return text
