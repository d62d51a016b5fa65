"""The waist of the package: how often each operation happens, layer by layer.

Nothing before it knows joules, and nothing after it knows Keras, Nengo or spikes.
"""

from .chip_use import ChipUse as ChipUse, CoreUse as CoreUse
from .counting import ConventionalOps as ConventionalOps, count_ops as count_ops
from .merging import merge_counts as merge_counts
from .op_counts import Deployment as Deployment, OpCounts as OpCounts
from .operations import (
    BATCH_NORM as BATCH_NORM,
    FORMS as FORMS,
    OPERATIONS as OPERATIONS,
    OpCount as OpCount,
)
