"""Market data: bars, calendars, providers, the price store and its manifests."""
