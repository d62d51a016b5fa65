"""Values that arguments have unless the user says otherwise."""

DT = 0.001  # dt, of Nengo too
"""Length of a timestep [s]."""
