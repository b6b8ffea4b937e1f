"""What a dose costs the municipality, by series or vaccine, with the days on which a price held."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from yvaxportal.programme.catalogue import Catalogue

SHIPPED = Path(__file__).with_name("tariff.toml")
_KEYS = {"series": str, "vaccine": str, "price": int, "copayment": int, "exam": int, "valid_from": date}
_KEYS |= {"valid_to": date, "citation": str, "unverified": bool}


class TariffError(ValueError):
    """The file of prices is wrong. The text names the file, the entry and the mistake."""


@dataclass(frozen=True, slots=True)
class Price:
    """Prices in yen with tax: what a dose costs, the part that a person pays, an examination alone.

    ``copayment`` is not paid by people who are exempt (public assistance, tax exempt households): for them
    the institution claims the whole price.
    """

    vaccine: str
    price: int
    copayment: int
    exam: int
    valid_from: date
    valid_to: date | None
    unverified: bool


@dataclass(frozen=True, slots=True)
class Tariff:
    """Every price."""

    prices: tuple[Price, ...]


def load_tariff(catalogue: Catalogue, extra: Path | None = None) -> Tariff:
    """Return the municipality's own tariff, or the example that ships.

    :raises TariffError: the file is no TOML, an entry is incomplete, or two prices hold on one day.
    """
    path = extra or SHIPPED
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TariffError(f"{path}: {error}") from None
    entries = content.get("price")
    if content.keys() != {"price"} or not isinstance(entries, list):
        raise TariffError(f"{path}: only [[price]] tables are known")
    own: dict[str, list[Price]] = {}
    whole: dict[str, list[Price]] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            found = list(_prices(entry, catalogue))
        except ValueError as error:
            raise TariffError(f"{path}: price {number}: {error}") from None
        for price in found:
            (own if "vaccine" in entry else whole).setdefault(price.vaccine, []).append(price)
    prices: list[Price] = []
    for vaccine in catalogue.vaccines:
        # A price of the vaccine itself stands instead of its series' prices.
        chosen = sorted(own.get(vaccine) or whole.get(vaccine, []), key=lambda price: price.valid_from)
        for one, later in pairwise(chosen):
            if one.valid_to is None or one.valid_to >= later.valid_from:
                raise TariffError(f"{path}: {vaccine}: two prices hold on {later.valid_from}")
        prices += chosen
    return Tariff(tuple(prices))


def _prices(entry: Mapping[str, Any], catalogue: Catalogue) -> Iterator[Price]:
    for name, value in entry.items():
        if type(value) is not _KEYS.get(name):
            raise ValueError(f"{name} is not known or has the wrong type")
    if ("series" in entry) == ("vaccine" in entry) or not {"price", "valid_from", "citation"} <= entry.keys():
        raise ValueError("series or vaccine, price, valid_from and citation are needed")
    if "series" in entry:
        vaccines = tuple(one.code for one in catalogue.of_series(entry["series"]))
    else:
        vaccines = (entry["vaccine"],) if catalogue.get(entry["vaccine"]) else ()
    if not vaccines:
        raise ValueError("no such series or vaccine")
    price, copayment, exam = entry["price"], entry.get("copayment", 0), entry.get("exam", 0)
    if not (0 <= copayment <= price and exam >= 0):
        raise ValueError("a price is not negative, a copayment not above it")
    for vaccine in vaccines:
        yield Price(
            vaccine=vaccine,
            price=price,
            copayment=copayment,
            exam=exam,
            valid_from=entry["valid_from"],
            valid_to=entry.get("valid_to"),
            unverified=entry.get("unverified", False),
        )
