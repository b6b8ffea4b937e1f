"""What is a value of the chukan protocol (docs/protocols/chukan.md), where no schema looks at it."""

import re
from collections.abc import Sequence

from yvaxportal.adapters.messages.chukan import InformationItem, InquirySubject, SubCopy

MOST_DIGITS = 15
MOST_COPIES = 10_000
MOST_ITEMS = 100
MOST_VALUES = 500
LONGEST_VALUE = 1_000

_CODE = re.compile(r"[0-9A-Z]{16}", re.ASCII)
_ITEM = re.compile(r"[0-9A-Z]{1,16}", re.ASCII)
_ORGANISATION = re.compile(r"[0-9A-Z]{3,16}", re.ASCII)
_LAYOUT = re.compile(r"[0-9]{4}\.[0-9]{2}", re.ASCII)
_RECORD = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)
_REASON = re.compile(r"[a-z0-9_]{0,32}", re.ASCII)
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_VERSIONS = range(1, 1 << 53)


def is_id(text: str) -> bool:
    """Tell whether a text can be the id of an inquiry, a request or a record."""
    return bool(_RECORD.fullmatch(text))


def fault_of_number(atena_number: str) -> str:
    """Return why a text is no atena number, a code of rest.md 4; empty when it is one."""
    if not atena_number:
        return "E0001"
    if not (atena_number.isascii() and atena_number.isdigit()):
        return "E0002"
    return "E0003" if len(atena_number) > MOST_DIGITS else ""


def fault_of_subject(subject: InquirySubject) -> str:
    """Return why nothing can be asked like this; empty when it can."""
    codes = (subject.affair_code, subject.procedure_code, subject.information_name_code)
    if not all(_CODE.fullmatch(code) for code in codes) or not is_organisation(subject.provider_code):
        return "E0002"
    if (subject.first_day is None) != (subject.last_day is None):
        return "E0004"
    if (
        subject.first_day is not None
        and subject.last_day is not None
        and subject.first_day > subject.last_day
    ):
        return "E0004"
    return fault_of_number(subject.atena_number)


def is_organisation(code: str) -> bool:
    """Tell whether a text can be the code of an organisation."""
    return bool(_ORGANISATION.fullmatch(code))


def is_reason(code: str) -> bool:
    """Tell whether a text can say why an inquiry was refused or failed; empty says nothing."""
    return bool(_REASON.fullmatch(code))


def is_code(code: str) -> bool:
    """Tell whether a text can be the code of an affair, a procedure or an information name."""
    return bool(_CODE.fullmatch(code))


def fault_of_items(items: Sequence[InformationItem]) -> str:
    """Return why these are no records of a layout; empty when they are."""
    return next((fault for item in items if (fault := fault_of_item(item))), "")


def fault_of_item(item: InformationItem, *, without_values: bool = False) -> str:
    """Return why this is no record of a layout; empty when it is."""
    if not is_code(item.information_name_code) or not _LAYOUT.fullmatch(item.layout_version):
        return "E0002"
    if without_values:
        return ""
    if not 1 <= len(item.values) <= MOST_VALUES:
        return "E0003"
    for code, value in item.values.items():
        if not _ITEM.fullmatch(code) or _NO_TEXT.search(value):
            return "E0002"
        if len(value) > LONGEST_VALUE:
            return "E0003"
    return ""


def is_sub_copy(copy: SubCopy) -> bool:
    """Tell whether a sub-copy is as the layout has it."""
    backwards = copy.published_to is not None and copy.published_to < copy.published_from
    fault = fault_of_item(copy.item, without_values=copy.deleted)
    return is_id(copy.record_id) and copy.version in _VERSIONS and not backwards and not fault
