"""``python -m nengo_energy.cli``: the command ``nengo-energy``."""

import sys

from nengo_energy.cli.program import main

sys.exit(main())
