"""Nengo network -> topology: populations, projections and their exact fan-out."""
