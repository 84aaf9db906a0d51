"""Compile every kernel into Numba's cache: `python -m steelyard.research.warm`, at set-up."""


def warm() -> None:
    """Call each kernel once with the argument types that the product uses."""


if __name__ == "__main__":
    warm()
