"""Deployment to Loihi by NengoLoihi: prepare a network, place it, account for it.

Names are loaded when first used: the ledger needs what simulators measure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.lazy_names import lazy_names

if TYPE_CHECKING:
    from ..activity.emulator import open_simulator as open_simulator
    from ..activity.on_loihi.changes import Change as Change
    from .accounting import (
        ledger_from_activity as ledger_from_activity,
        ledger_from_run as ledger_from_run,
    )
    from .bottleneck import Advice as Advice, Bottleneck as Bottleneck
    from .checks import Check as Check, check_rates as check_rates
    from .comparison import (
        EnergyDifference as EnergyDifference,
        LedgerComparison as LedgerComparison,
    )
    from .core_load import CoreLoad as CoreLoad
    from .costs import LedgerCosts as LedgerCosts
    from .ledger import Ledger as Ledger
    from .network import build_loihi_network as build_loihi_network
    from .prepared import LoihiNetwork as LoihiNetwork

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
