"""``python -m nengo_energy.cli``: the command ``nengo-energy``."""

import sys

from . import main

sys.exit(main())
