"""Pages of books."""
def register() -> None:
    """Serve the page."""
