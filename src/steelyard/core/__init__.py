"""Values every other room stands on: money, canonical JSON, clock, identifiers, errors."""
