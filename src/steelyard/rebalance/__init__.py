"""Rebalances: from holdings and a model to orders, with the whole decision on record."""
