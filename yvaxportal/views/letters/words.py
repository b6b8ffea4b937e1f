"""Words for letters: how a run stands, why a letter was held, what a deed is refused for."""

from collections.abc import Mapping

from yvaxportal.forms.letters import SPOILED
from yvaxportal.models.codes import LetterKind, LetterRunState, OutputState
from yvaxportal.services.letters.reasons import Dropped, Held, Spoiled, Unprinted
from yvaxportal.services.letters.runs import RunRow
from yvaxportal.values.text import _
from yvaxportal.views.extractions.words import ListWords
from yvaxportal.views.outputs import KINDS as OUTPUT_KINDS

RULES = {
    "list": _("This list does not exist any more, or was withdrawn."),
    "nobody": _("There is nobody to print for."),
    "under_way": _("What was left over is being printed already. Wait until that is made."),
    "own": _("Whoever asked for the letters does not release them. Somebody else with the right does."),
    "reason": _("Enter the reason, without a personal number."),
    "not_held": _("This letter is not held, or was released already."),
    "not_made": _("These letters are not made yet."),
    "range": _("These numbers are not in the pile. Enter numbers from 1 to the last letter."),
    "nothing": _("All these letters were marked already."),
    "title": _("Enter a title without a personal number."),
    "purpose": _("Enter the purpose, without a personal number."),
    "gone": _("This ticket is void, was used, or is somebody else's."),
}
REASONS: Mapping[str, str] = {
    Held.SUPPORT_MEASURE: _("Support measure: another person releases it"),
    Held.NO_ADDRESS: _("No address is known"),
    Held.CHARACTERS: _("The font lacks characters"),
    Held.OVERFLOW: _("The text does not fit"),
    Held.TICKET_EXISTS: _("A ticket for this dose was issued already"),
    Held.NO_DOSE: _("No dose is on record"),
    Held.DOSE_NUMBER: _("The dose number does not fit on a ticket"),
    Dropped.DECEASED: _("Deceased since the list was made"),
    Dropped.MOVED_OUT: _("Moved out since the list was made"),
    Dropped.REMOVED: _("Removed from the register since the list was made"),
    Dropped.DOSE_ON_RECORD: _("The dose is on record by now"),
    Dropped.NO_INVITATION: _("Asked for no invitations"),
    Unprinted.REFUSED: _("The file was refused: never printed"),
    Unprinted.NOT_TAKEN: _("Nobody took the file: never printed"),
    **{reason.value: label for reason, label in SPOILED.items()},
}
DEFAULT_TITLES = {
    LetterKind.TICKET: "予防接種のお知らせ",
    LetterKind.QUESTIONNAIRE: "予診票",
    LetterKind.INVITATION: "予防接種のご案内",
    LetterKind.REMINDER: "予防接種の再度のご案内",
    LetterKind.RECORD_CERTIFICATE: "予防接種済証",
}
#: Codes that may stand where staff otherwise say in words why a ticket is void.
_VOIDING = frozenset({*Spoiled, *Unprinted})
_KINDS = {LetterRunState.MADE: "info", LetterRunState.SENT: "ok"}


class LetterWords(ListWords):
    """Words for one request about letters."""

    def state(self, run: RunRow) -> tuple[str, str]:
        """Return how a run stands in words, and the kind of its mark: its file's state until it is made."""
        if run.state is LetterRunState.QUEUED and run.output_state is not None:
            if run.output_state in {OutputState.READY, OutputState.AWAITING_APPROVAL}:
                return self.code(LetterRunState.MADE), "info"
            return self.code(run.output_state), OUTPUT_KINDS[run.output_state]
        return self.code(run.state), _KINDS.get(run.state, "neutral")

    def reason(self, reason: str | None) -> str:
        """Return why a letter was held, dropped or spoiled."""
        return self.say(REASONS[reason]) if reason is not None and reason in REASONS else (reason or "")

    def refusal(self, rule: str) -> str:
        """Return why a deed is not possible."""
        return self.say(RULES[rule])

    def void_reason(self, reason: str | None) -> str:
        """Return why a ticket is void: a code of ours, or what staff wrote."""
        if reason == "new_season":
            return self.say(_("A ticket for a later season was issued"))
        return self.reason(reason) if reason in _VOIDING else reason or ""
