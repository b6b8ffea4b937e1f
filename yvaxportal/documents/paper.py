"""Tables as PDF (A4 across), set by Typst from ``templates/report_table.typ``."""

import json
from datetime import datetime
from pathlib import Path

from yvaxportal.values.sheets import Value, Workbook

_TEMPLATE = Path(__file__).parent / "templates" / "report_table.typ"


def pdf(workbook: Workbook, moment: datetime) -> bytes:
    """Return the tables as a PDF, each beginning on a page of its own, heads repeated on every page.

    :param moment: aware; stands in the file's properties.
    """
    import typst  # noqa: PLC0415 - as in documents.fonts

    data = {
        "title": workbook.title,
        "facts": [list(fact) for fact in workbook.facts],
        "notes": list(workbook.notes),
        "sheets": [
            {
                "name": sheet.name,
                "stubs": sheet.stubs,
                "heads": list(sheet.heads),
                "rows": [[_shown(value) for value in row] for row in sheet.rows],
            }
            for sheet in workbook.sheets
        ],
    }
    made: bytes = typst.compile(
        str(_TEMPLATE),
        root=str(_TEMPLATE.parent),
        format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        timestamp=int(moment.timestamp()),
    )
    return made


def _shown(value: Value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:,}"
