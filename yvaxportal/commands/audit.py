"""``yvax audit``: seal the log now, verify it, print the public key for verifying from outside (M14)."""

import argparse
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yvaxportal.audit.keys import SigningKeyError, load_public_key, load_signing_key, public_pem
from yvaxportal.audit.seal import seal_pending
from yvaxportal.audit.verify import verify
from yvaxportal.commands.common import Subparsers, add_ini, load_settings
from yvaxportal.models.database import open_engine

SHOWN = 100


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("audit", help="seal and verify the audit trail")
    commands = parser.add_subparsers(required=True)
    seal = commands.add_parser("seal", help="put every final event under a signed seal")
    add_ini(seal)
    seal.set_defaults(run=run_seal)
    check = commands.add_parser("verify", help="find every altered, removed or inserted row, and name it")
    add_ini(check)
    check.add_argument("--public-key", type=Path, help="a public key in PEM, instead of the ini's own key")
    check.set_defaults(run=run_verify)
    key = commands.add_parser("key", help="print the public key")
    add_ini(key)
    key.set_defaults(run=run_key)


def run_seal(args: argparse.Namespace) -> int:
    """Seal what is pending."""
    settings = load_settings(args)
    engine = open_engine(settings.database_url, pool_size=1, statement_timeout_seconds=600)
    report = seal_pending(engine, load_signing_key(settings.signing_key_file))
    print(f"{report.events} events sealed under {report.seals} seals")
    return 0


def run_verify(args: argparse.Namespace) -> int:
    """Verify; exit code 1 when anything is wrong."""
    settings = load_settings(args)
    if args.public_key:
        public_key = read_public_key(args.public_key)
    else:
        public_key = load_signing_key(settings.signing_key_file).public_key()
    engine = open_engine(settings.database_url, pool_size=1, statement_timeout_seconds=3600)
    report = verify(engine, public_key)
    for finding in report.findings[:SHOWN]:
        print(f"{finding.what}: {finding.kind}")
    if len(report.findings) > SHOWN:
        print(f"... and {len(report.findings) - SHOWN} more")
    state = "intact" if not report.findings else f"{len(report.findings)} findings"
    print(f"{report.sealed} events under {report.seals} seals, {report.unsealed} not sealed yet: {state}")
    return 1 if report.findings else 0


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Return the public key in the file ``path``; SigningKeyError when there is none."""
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise SigningKeyError(f"--public-key: the file cannot be read ({type(error).__name__})") from None
    return load_public_key(pem)


def run_key(args: argparse.Namespace) -> int:
    """Print the public key."""
    print(public_pem(load_signing_key(load_settings(args).signing_key_file)), end="")
    return 0
