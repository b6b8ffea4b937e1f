"""The subcommands of ``yvax``. Each module has ``add(subparsers)``, which sets ``run(args) -> int``."""
