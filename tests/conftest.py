"""Profiles of Hypothesis and what every test shares."""

import os

from hypothesis import HealthCheck, settings

from tests.databases import database, database_settings, postgres_url
from tests.mongo import mongodb_database, mongodb_url

__all__ = ["database", "database_settings", "mongodb_database", "mongodb_url", "postgres_url"]

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", settings.get_profile("default"), derandomize=True)
settings.register_profile("nightly", settings.get_profile("default"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config):
    """Warnings are errors but for those that exchange_calendars earns under pandas 3.1."""
    config.addinivalue_line(
        "filterwarnings", "ignore:(Series|DatetimeIndex).values returning an ndarray:DeprecationWarning"
    )
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:exchange_calendars")
