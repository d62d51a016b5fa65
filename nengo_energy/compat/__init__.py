"""Make NengoDL and NengoLoihi work on today's Python, TensorFlow and NumPy.

The only place that touches the internals of the two. Importing it loads neither of
them, nor TensorFlow; its functions do, once, when first called.
"""

from __future__ import annotations

from .imports import (
    import_nengo_dl as import_nengo_dl,
    import_tensorflow as import_tensorflow,
    import_tf_keras as import_tf_keras,
)
from .loihi import import_nengo_loihi as import_nengo_loihi
