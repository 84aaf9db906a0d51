"""The HTTP application: one app factory, error bodies, health, OpenAPI."""
