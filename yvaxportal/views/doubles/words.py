"""Words that the pages about doubles and merges share."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from yvaxportal.forms.double_labels import DECIDED_BY, WHY
from yvaxportal.services.doubles.scoring import LIKELY
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.wording import Wording


class DoubleWords(Wording):
    """Words for one request."""

    def likely(self, score: int) -> tuple[str, str]:
        """Return what a score is called, and its mark."""
        if score >= LIKELY:
            return self.say(_("Likely")), "overdue"
        return self.say(_("Possible")), "soon"

    def why(self, codes: Sequence[str]) -> str:
        """Return in what two people agree or not, in one line."""
        return ("、" if self.japanese else ", ").join(self.say(WHY.get(code, code)) for code in codes)

    def refusal(self, texts: Mapping[str, str], rule: str, by: str = "", at: datetime | None = None) -> str:
        """Return why nothing was done, and who was first where somebody was."""
        text = self.say(texts[rule])
        if by and at is not None:
            first = _(DECIDED_BY, mapping={"who": by, "when": format_jst(at)})
            text = f"{text} {self.say(first)}"
        return text
