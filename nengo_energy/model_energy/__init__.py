"""`ModelEnergy`: the energy of a Keras model, as users of KerasSpiking know it."""
