"""The choice of vaccines on the form: by series, with what the page's script needs to know of each."""

import json
from collections.abc import Sequence
from datetime import date

import deform

from yvaxportal.forms.dose import vaccine_widget
from yvaxportal.models.codes import RecordGroup
from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.services.dose_course import next_number
from yvaxportal.services.dose_draft import OtherDose
from yvaxportal.values.text import _
from yvaxportal.views.wording import Wording


def vaccine_choice(
    catalogue: Catalogue, others: Sequence[OtherDose], today: date, words: Wording
) -> deform.widget.SelectWidget:
    """Return the widget that offers every vaccine of the catalogue, old ones too: histories are entered."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for code, series in catalogue.series().items():
        vaccines = catalogue.of_series(code)
        if vaccines:
            groups[(words.japanese and series.name_ja) or series.name_en] = [
                (vaccine.code, _name(words, vaccine.code, vaccine.valid_to, today)) for vaccine in vaccines
            ]
    known = catalogue.vaccines.values()
    return vaccine_widget(
        groups,
        {
            "data-next-numbers": json.dumps(
                {vaccine.code: next_number(vaccine, today, others, catalogue) for vaccine in known}
            ),
            "data-covid": " ".join(v.code for v in known if v.record_group == RecordGroup.COVID19),
            "data-pneumococcal": " ".join(v.code for v in known if v.pneumococcal_type is not None),
        },
    )


def _name(words: Wording, code: str, last: date | None, today: date) -> str:
    named = words.vaccine(code)
    if last is None or last >= today:
        return named
    until = words.say(_("until ${day}", mapping={"day": words.day(last)}))
    return f"{named} ({until})"
