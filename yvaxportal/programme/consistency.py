"""What must hold between the parts of a programme and between programmes."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from yvaxportal.programme.schedule import Programme
from yvaxportal.programme.source import RuleFile, Table


def check_programmes(programmes: Mapping[str, Programme], files: Iterable[RuleFile]) -> None:
    """Raise ScheduleError for versions that overlap and for names of programmes that do not exist."""
    tables = {
        code: file.table("programme", code) for file in files for code in file.data.get("programme", {})
    }
    for code, programme in programmes.items():
        table = tables[code]
        _check_validity(programme, table)
        for name in programme.continues:
            if name not in programmes:
                raise table.error(f"unknown programme {name}", key="continues")
            if programmes[name].track != programme.track:
                raise table.error(f"{name} is of another track", key="continues")
        _check_vaccines(programme, table)
        if programme.per == "season" and not all(rule.season for rule in programme.rules):
            raise table.error("a programme per season needs a season in each rule", key="per")
        if bool(programme.family) != bool(programme.begins_with):
            raise table.error("family and begins_with go together", key="family")


def _check_validity(programme: Programme, table: Table) -> None:
    rules = list(zip(programme.rules, table.children("rule"), strict=True))
    for (earlier, _), (later, place) in pairwise(rules):
        if later.valid_from < earlier.valid_from:
            raise place.error("rules must be in order of valid_from", key="valid_from")
        if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
            raise place.error(
                f"overlapping validity: the version from {earlier.valid_from} is in force until "
                f"{earlier.valid_to or 'further notice'}",
                key="valid_from",
            )


def _check_vaccines(programme: Programme, table: Table) -> None:
    known = set(programme.vaccines)
    for course, place in zip(programme.courses, table.children("course"), strict=True):
        for vaccine in sorted((course.vaccines or frozenset()) - known):
            raise place.error(f"{vaccine} is none of the programme's vaccines", key="vaccines")
    for vaccine in sorted(programme.products or {}):
        if vaccine not in known:
            raise table.error(f"{vaccine} is none of the programme's vaccines", key=vaccine)
