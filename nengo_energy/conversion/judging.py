"""The accuracy of a converted model beside that of its Keras model, by labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping

import nengo
import numpy as np

from ..activity.activity import Activity
from ..common.assumptions import merge_assumptions
from ..common.exceptions import InputError
from ..common.proportions import share_ends, share_equal
from ..common.vital_signs import said_of_accuracy
from ..comparison.converted import ConvertedNetwork
from ..comparison.reference import keras_outputs


def check_labels(
    snn: ConvertedNetwork, labels: Any, inputs: Mapping[nengo.Node, np.ndarray]
) -> np.ndarray:
    """Return labels of the only output as indices of classes."""
    if len(snn.output_probes) != 1:
        raise InputError(
            f"labels= judges models of one output; {snn.model.name!r} has "
            f"{len(snn.output_probes)}: compare(x, labels={{output: ...}}) does"
        )
    decision = snn.decisions[snn.output_probes[0]]
    return decision.check_labels(labels, len(next(iter(inputs.values()))))


def judge(
    snn: ConvertedNetwork,
    activity: Activity,
    inputs: Mapping[nengo.Node, np.ndarray],
    labels: np.ndarray,
) -> Activity:
    """Return an activity that knows the accuracy of both networks."""
    (probe,) = snn.output_probes
    decision = snn.decisions[probe]
    found = {
        "keras": keras_outputs(snn, inputs)[0],
        "spiking": activity.outputs[probe],
    }
    shares = {k: share_equal(decision.decide(v), labels) for k, v in found.items()}
    said = said_of_accuracy(shares["spiking"], shares["keras"], decision.n_classes)
    return replace(
        activity,
        assumptions=merge_assumptions(said, activity.assumptions),
        settings={
            **activity.settings,
            "accuracy": {k: share_ends(share) for k, share in shares.items()},
        },
    )
