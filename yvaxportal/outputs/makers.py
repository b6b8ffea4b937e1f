"""Who makes what: the maker of each source that a layout may name."""

from collections.abc import Mapping
from types import MappingProxyType

from yvaxportal.outputs.letters import make_letters
from yvaxportal.outputs.lists import make_list, make_report_people
from yvaxportal.outputs.making import Maker

MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "extraction": make_list,
        "report": make_report_people,
        "letters": make_letters,
    }
)
