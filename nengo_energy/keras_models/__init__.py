"""Any Keras model, saved or live, of either version -> a private Keras 2 copy of it."""
