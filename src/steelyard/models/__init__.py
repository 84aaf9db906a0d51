"""Model portfolios: documents, whole-share orders, blocks and the drift monitor."""
