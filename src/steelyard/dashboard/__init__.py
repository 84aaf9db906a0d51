"""The pages: what a sweep found and how far it can be trusted, jobs as they run, the data behind them."""

from steelyard.dashboard.install import install_dashboard

__all__ = ["install_dashboard"]
