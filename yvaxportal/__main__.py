"""``python -m yvaxportal`` is ``yvax``."""

import sys

from yvaxportal.cli import main

if __name__ == "__main__":
    sys.exit(main())
