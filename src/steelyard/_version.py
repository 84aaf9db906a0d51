"""The version, in one place: the package, the API and every stored result read it."""

__version__ = "0.1.0"
