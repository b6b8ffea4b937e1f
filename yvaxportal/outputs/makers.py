"""Who makes what: the maker of each source that a layout may name."""

from collections.abc import Mapping
from types import MappingProxyType

from yvaxportal.outputs.letters import make_letters
from yvaxportal.outputs.lists import make_list
from yvaxportal.outputs.making import Maker

MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "extraction": make_list,
        "letters": make_letters,
    }
)
