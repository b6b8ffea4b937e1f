"""The mismatch desk in words."""

import re
from collections.abc import Sequence
from typing import Any

from yvaxportal.forms.dose_messages import ALERT_NAMES
from yvaxportal.forms.mismatch_labels import DOUBTS
from yvaxportal.services.imports.sampling import Rate
from yvaxportal.values.text import _
from yvaxportal.views.imports.words import ImportWords

_MUCH, _SOME = 50, 20


class MismatchWords(ImportWords):
    """Words about doubtful rows for one request."""

    def doubts(self, reasons: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """Return each reason of a doubt as a sentence, with its points."""
        return [
            {"text": self._doubt(str(code), dict(facts)), "points": points} for code, facts, points in reasons
        ]

    def _doubt(self, code: str, facts: dict[str, Any]) -> str:
        if code not in DOUBTS:
            return code
        said = self._facts(facts)
        if "alert" in facts:
            said["alert"] = self.say(ALERT_NAMES.get(str(facts["alert"]), str(facts["alert"])))
        return self._filled(DOUBTS[code], said)

    def kind_of_doubt(self, code: str) -> str:
        """Return what a reason is called where no facts are at hand."""
        return re.sub(r"\$\{[a-z_]+\}", "…", self.say(DOUBTS[code]))

    def rate(self, rate: Rate | None) -> dict[str, str]:
        """Return what a sample says, as its columns."""
        if rate is None:
            return dict.fromkeys(("checked", "wrong", "cannot_tell", "share", "interval", "worst"), "")
        told = rate.share is not None
        return {
            "checked": f"{rate.drawn - rate.open:,} / {rate.drawn:,}",
            "wrong": f"{rate.wrong:,}",
            "cannot_tell": f"{rate.cannot_tell:,}",
            "share": _percent(rate.share) if told else self.say(_("not yet known")),
            "interval": f"{_percent(rate.low)} ～ {_percent(rate.high)}" if told else "",
            "worst": _percent(rate.worst) if told and rate.cannot_tell else "",
        }


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.2f} %"


def doubt_mark(points: int) -> str:
    """Return the mark that points are shown with."""
    return "overdue" if points >= _MUCH else "doubtful" if points >= _SOME else "soon"
