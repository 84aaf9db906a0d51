"""Advisory proposals: what an adviser's trades do to a portfolio, and the document for the client."""
