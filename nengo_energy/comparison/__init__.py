"""Keras model beside converted network: activations, decisions, accuracy and energy."""
