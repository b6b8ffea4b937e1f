"""Personal numbers of sample people as rows of the vault: encrypted before they leave this module."""

from yvaxportal.sample.copy_text import line
from yvaxportal.sample.numbers import personal_number
from yvaxportal.vault.keyring import KeyRing
from yvaxportal.vault.vault import number_bound_to, number_index

COLUMNS = ("resident_id", "key_id", "nonce", "ciphertext", "blind_index", "stored_at", "stored_by")
STORED_BY = "sample"


def vault_line(ring: KeyRing, municipality_code: str, serial: int, seed: int, stored_at: str) -> str:
    """Return one row for COPY. The nonce is fresh, so no two loads give the same bytes here."""
    digits = personal_number(serial, seed)
    sealed = ring.seal(number_bound_to(municipality_code, serial), digits.encode("ascii"))
    index = number_index(ring, sealed.key_id, municipality_code, digits)
    return line(serial, sealed.key_id, sealed.nonce, sealed.ciphertext, index, stored_at, STORED_BY)
