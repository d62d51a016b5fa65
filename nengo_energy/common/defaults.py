"""Values that arguments have unless the user says otherwise."""

DT = 0.001  # dt, of Nengo too
"""Length of a timestep [s]."""

N_EVAL_POINTS = 750  # the least that Nengo draws
"""Evaluation points of neurons whose spikes are connected. Nengo draws two a neuron to
decode from, which nobody does here, and which takes half of building a network."""
