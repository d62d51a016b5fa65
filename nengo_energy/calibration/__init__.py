"""Measure what networks cost on the machine at hand, and make a device of it."""
