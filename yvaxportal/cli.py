"""The ``yvax`` command. Each subcommand is a module of ``yvaxportal.commands``, loaded when asked for."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from sqlalchemy.exc import OperationalError

from yvaxportal.audit.keys import SigningKeyError
from yvaxportal.commands.common import CommandError
from yvaxportal.embedded.runner import EmbeddedError
from yvaxportal.settings import SettingsError
from yvaxportal.vault.keyring import KeyRingError

# Errors whose text is one line for the person at the terminal.
_TOLD = (CommandError, SettingsError, EmbeddedError, KeyRingError, SigningKeyError)

# In the order of help: the word, the module, the sentence.
COMMANDS = (
    ("dev", "dev", "run the whole portal on this machine, with its own PostgreSQL, for development"),
    ("web", "web", "serve the pages"),
    ("worker", "worker", "do the background jobs"),
    ("migrate", "migrate", "bring the database's tables up to date"),
    ("sample", "sample", "fill an empty database with a made-up city"),
    ("account", "accounts", "create and manage staff accounts"),
    ("keys", "keys", "make, rotate and check the keys of the vault"),
    ("audit", "audit", "seal and verify the audit trail"),
    ("adapters", "adapters", "show and check the connections to other systems"),
    ("sync", "sync", "take over what the other systems have, now"),
    ("report", "report", "write a national table to a file, as a named account"),
    ("simulator", "simulator", "play the other systems, for development and tests"),
    ("programme", "programme", "check and show the vaccination rules; judge, forecast, tell the targets"),
    ("settings", "settings", "check an ini file"),
    ("letters", "letters", "check fonts, templates and sender of letters"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``yvax`` and return its exit code: 0 done, 1 failed with one line on standard error, 2 misused."""
    words = list(sys.argv[1:] if argv is None else argv)
    module = next((module for word, module, _ in COMMANDS if words[:1] == [word]), None)
    if module is None:
        return _overview(words)
    parser = argparse.ArgumentParser(prog="yvax")
    import_module(f"yvaxportal.commands.{module}").add(parser.add_subparsers(required=True))
    args = parser.parse_args(words)
    try:
        code: int = args.run(args)
    except _TOLD as error:
        print(f"yvax {words[0]}: {error}", file=sys.stderr)
        return 1
    except OperationalError:
        print(f"yvax {words[0]}: yvaxportal.database.url: the database cannot be reached", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _overview(words: list[str]) -> int:
    asked = words[:1] in ([], ["-h"], ["--help"])
    out = sys.stdout if asked else sys.stderr
    if not asked:
        print(f"yvax: no command {words[0]!r}", file=out)
    print("usage: yvax COMMAND ...\n", file=out)
    for word, _module, sentence in COMMANDS:
        print(f"  {word:<10}{sentence}", file=out)
    print("\nyvax COMMAND --help tells more.", file=out)
    return 0 if asked else 2
