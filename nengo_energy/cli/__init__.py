"""The command ``nengo-energy``: parse, call one library function, print."""

from .program import main as main
