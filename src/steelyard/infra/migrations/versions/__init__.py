"""One file per step, named with its number and the capability it serves."""
