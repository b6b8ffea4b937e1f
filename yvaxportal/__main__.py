"""``python -m yvaxportal`` is ``yvax``."""

import sys

from yvaxportal.cli import main

sys.exit(main())
