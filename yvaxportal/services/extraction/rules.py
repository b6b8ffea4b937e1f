"""The rules of the funnel in the order in which they are asked, which never changes; docs/extraction.md."""

from enum import StrEnum


class Rule(StrEnum):
    """What can take somebody of the base cohort off a list. The value is stored with the member."""

    AGE = "age"
    AREA = "area"
    SCHOOL = "school"
    NATIONAL_HEALTH_INSURANCE = "national_health_insurance"
    LATE_ELDERLY_INSURANCE = "late_elderly_insurance"
    TAXATION = "taxation"
    PUBLIC_ASSISTANCE = "public_assistance"
    DONE = "done"
    NOT_YET_DUE = "not_yet_due"
    CIRCUMSTANCES = "circumstances"
    NO_INVITATION = "no_invitation"
    MOVED_IN = "moved_in"
    GONE = "gone"
    EARLIER_LIST = "earlier_list"
