"""Operations of the conventional network, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..common.lazy_names import lazy_names

if TYPE_CHECKING:
    from .calls import LayerCall as LayerCall
    from .counters import (
        Operations as Operations,
        register_layer as register_layer,
        register_operation as register_operation,
    )
    from .counting import count_layer_ops as count_layer_ops
    from .layer_ops import (
        LayerCount as LayerCount,
        LayerOps as LayerOps,
        UncountedLayer as UncountedLayer,
    )

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
