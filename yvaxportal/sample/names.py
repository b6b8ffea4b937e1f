"""Names of made-up people, by generation, and of foreign residents, by nationality."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from yvaxportal.sample.choice import Weighted, chance, one_of

SPACE = "\u3000"  # between family and given name, as the register writes it
_HARD_SHARE = 0.03
_FILE = Path(__file__).with_name("names.toml")


@dataclass(frozen=True, slots=True)
class Word:
    """A family or given name: as written, in kana, and in the alphabet where it is a foreign one."""

    written: str
    kana: str
    alphabet: str = ""


@dataclass(frozen=True, slots=True)
class ForeignNames:
    """The names of one nationality."""

    nationality: str
    surnames: tuple[Word, ...]
    male: tuple[Word, ...]
    female: tuple[Word, ...]

    def pick(self, rng: Random, sex: str) -> tuple[Word, Word]:
        """Return a family and a given name."""
        return one_of(rng, self.surnames), one_of(rng, self.male if sex == "1" else self.female)


@dataclass(frozen=True)
class Names:
    """All names."""

    surnames: Weighted[Word]
    hard: tuple[Word, ...]
    male: tuple[tuple[int, Weighted[Word]], ...]
    female: tuple[tuple[int, Weighted[Word]], ...]
    foreign: Weighted[ForeignNames]

    def surname(self, rng: Random) -> Word:
        """Return a family name; a few hold characters that old systems cannot carry."""
        return one_of(rng, self.hard) if chance(rng, _HARD_SHARE) else self.surnames.pick(rng)

    def given(self, rng: Random, sex: str, year: int) -> Word:
        """Return a given name as was usual in the year of birth."""
        generations = self.male if sex == "1" else self.female
        return next(words for until, words in generations if year <= until).pick(rng)


@cache
def load_names() -> Names:
    """Return the names of ``names.toml``, read once."""
    content = tomllib.loads(_FILE.read_text("utf-8"))
    foreign = [
        ForeignNames(entry["nationality"], *(_words(entry[kind]) for kind in ("surnames", "male", "female")))
        for entry in content["foreign"]
    ]
    return Names(
        surnames=_by_rank(_words(content["surnames"])),
        hard=_words(content["hard_surnames"]),
        male=tuple((entry["until"], _by_rank(_words(entry["male"]))) for entry in content["given"]),
        female=tuple((entry["until"], _by_rank(_words(entry["female"]))) for entry in content["given"]),
        foreign=Weighted(foreign, [entry["share"] for entry in content["foreign"]]),
    )


def _words(text: str) -> tuple[Word, ...]:
    """Read pairs of "written kana"; "王=WANG" has an alphabet form of its own, "_" stands for a space."""
    parts = text.split()
    words = []
    for written, kana in zip(parts[::2], parts[1::2], strict=True):
        kanji, _equals, alphabet = written.partition("=")
        words.append(
            Word(kanji.replace("_", " "), kana.replace("_", SPACE), (alphabet or kanji).replace("_", " "))
        )
    return tuple(words)


def _by_rank(words: tuple[Word, ...]) -> Weighted[Word]:
    # Family names fall off about like this; given names more slowly, which does no harm.
    return Weighted(words, [1 / (rank + 8) for rank in range(len(words))])
