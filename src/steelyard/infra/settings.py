"""Settings: what an operator can turn, read once from the environment.

Every name has the prefix ``STEELYARD_``, but ``APP_PERSISTENCE_PROFILE``, which existing deployments
set already.  Units stand last in the name.  A value that weakens a production start is not corrected
in silence: :func:`production_problems` names all of them and the start refuses.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from steelyard.core.errors import ConfigurationError
from steelyard.infra.legacy_stores import LegacyStores

PREFIX = "STEELYARD_"
_PROFILE_VARIABLE = "APP_PERSISTENCE_PROFILE"
_UPSTREAM_VARIABLES = {
    "accounting_url": "PORTFOLIO_ACCOUNTING_URL",
    "pricing_url": "PRICING_URL",
    "security_url": "SECURITY_URL",
    "portfolio_url": "PORTFOLIO_URL",
}
_FOREIGN_NAMES = {"profile": _PROFILE_VARIABLE, "mongodb_url": "MONGODB_URL", **_UPSTREAM_VARIABLES}
"""Settings whose variables keep the names that the requirements gave them."""
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}

Texts = Annotated[tuple[str, ...], NoDecode]
"""Several texts in one variable, separated by commas."""


class Settings(BaseSettings):
    """The effective settings; immutable, so that no part of a process sees others than the rest."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", validate_by_name=True)

    # where and as what
    profile: Literal["LOCAL", "PRODUCTION"] = Field("LOCAL", validation_alias=_FOREIGN_NAMES["profile"])
    role: Literal["all", "api", "worker", "dashboard"] = "all"
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535)
    data_dir: Path = Path("data")
    database_url: str = Field(default_factory=lambda data: _default_database_url(data))  # noqa: PLW0108 - it stands below
    database_connections_max: int = Field(10, ge=1, le=1000)
    database_busy_timeout_s: float = Field(30, gt=0)
    database_start_wait_s: float = Field(30, ge=0, le=3600)

    # who may come in
    development_key_enabled: bool = Field(default_factory=lambda data: data.get("profile") == "LOCAL")
    open_routes_enabled: bool = Field(default_factory=lambda data: data.get("profile") == "LOCAL")
    session_lifetime_hours: float = Field(12, gt=0, le=24 * 365)
    jwt_secret: SecretStr | None = None
    jwt_jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_tenant_claim: str = "tenant_id"
    jwt_default_scopes: Texts = ("sweeps:read", "sweeps:write", "data:read")
    jwt_leeway_s: int = Field(30, ge=0, le=300)
    body_bytes_max: int = Field(10_000_000, ge=1)
    book_body_bytes_max: int = Field(100_000_000, ge=1)

    # jobs
    job_threads: int = Field(2, ge=1, le=256)
    job_queue_length_max: int = Field(10_000, ge=1)
    job_attempts_max: int = Field(5, ge=1, le=100)
    job_errands_max: int = Field(8, ge=1, le=256)
    job_retry_pause_s: float = Field(2, ge=0)
    job_poll_ms: int = Field(50, ge=1)
    job_lease_s: float = Field(30, gt=0)

    # sweeps and streams
    sweep_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=1024)
    streams_per_credential_max: int = Field(20, ge=1, le=10_000)

    # DPM books
    book_processes: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)

    # model portfolios: where models are kept, and who knows holdings, prices and securities
    model_store: Literal["sql", "mongodb"] = "sql"
    mongodb_url: SecretStr | None = Field(None, validation_alias=_FOREIGN_NAMES["mongodb_url"])
    mongodb_database: str = Field("steelyard", pattern=r"^[A-Za-z0-9_-]{1,63}$")
    accounting_url: str | None = Field(None, validation_alias=_FOREIGN_NAMES["accounting_url"])
    pricing_url: str | None = Field(None, validation_alias=_FOREIGN_NAMES["pricing_url"])
    security_url: str | None = Field(None, validation_alias=_FOREIGN_NAMES["security_url"])
    portfolio_url: str | None = Field(None, validation_alias=_FOREIGN_NAMES["portfolio_url"])
    upstream_timeout_s: float = Field(10, gt=0)
    upstream_attempts_max: int = Field(3, ge=1, le=20)
    upstream_pause_s: float = Field(1, ge=0)
    upstream_calls_at_once_max: int = Field(16, ge=1, le=1000)
    price_cache_s: float = Field(0, ge=0)
    reference_cache_s: float = Field(3600, ge=0)
    trade_calendar: str = "XNYS"
    cors_origins: Texts = Field(default_factory=lambda data: ("*",) if data.get("profile") == "LOCAL" else ())

    # outbound
    outbound_allow: Texts = Field(default_factory=lambda data: _allowed_by_default(data))  # noqa: PLW0108 - it stands below
    outbound_timeout_s: float = Field(15, gt=0)
    outbound_attempts_max: int = Field(3, ge=1, le=20)
    outbound_response_bytes_max: int = Field(10_000_000, ge=1)
    breaker_failures_max: int = Field(5, ge=1)
    breaker_rest_s: float = Field(30, gt=0)
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    webhook_timeout_s: float = Field(15, gt=0)
    webhook_schedule_s: Annotated[tuple[float, ...], NoDecode] = (
        0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
    )  # fmt: skip

    # logs
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "console"] = "auto"

    @field_validator("profile", mode="before")
    @classmethod
    def _anything_but_production_is_local(cls, value: object) -> object:
        return "PRODUCTION" if str(value).strip().upper() == "PRODUCTION" else "LOCAL"

    @field_validator("database_url")
    @classmethod
    def _with_our_driver(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("is not a database address such as postgresql://user:password@host/name") from None
        dialect = url.drivername.partition("+")[0]
        if dialect not in _DRIVERS:
            raise ValueError(f"{dialect} is not supported; use sqlite or postgresql")
        return url.set(drivername=_DRIVERS[dialect]).render_as_string(hide_password=False)

    @field_validator("mongodb_url", *_UPSTREAM_VARIABLES, mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator(*_UPSTREAM_VARIABLES)
    @classmethod
    def _is_a_base_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("is not an address such as http://accounting:8087")
        return value.rstrip("/")

    @field_validator(
        "jwt_default_scopes", "outbound_allow", "webhook_secrets", "webhook_schedule_s", "cors_origins", mode="before"
    )
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is embedded."""
        return self.database_url.startswith("sqlite")

    @property
    def on_loopback(self) -> bool:
        """Whether the server is reachable from this machine only."""
        return is_loopback(self.host)


def _default_database_url(data: dict[str, Any]) -> str:
    return LegacyStores.read(os.environ).database_url() or f"sqlite+aiosqlite:///{data['data_dir']}/steelyard.db"


def _allowed_by_default(data: dict[str, Any]) -> tuple[str, ...]:
    # A server that only this machine reaches may call this machine back: webhooks of a first try go there.
    is_local = data.get("profile") == "LOCAL" and is_loopback(data.get("host", ""))
    return ("127.0.0.0/8", "::1") if is_local else ()


def is_loopback(host: str) -> bool:
    """Whether ``host`` names this machine to itself only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_current: Settings | None = None


def get_settings() -> Settings:
    """The settings of this process, read from the environment on first use.

    Raises:
        ConfigurationError: a variable has a value that it cannot have; the message names both.
    """
    global _current  # noqa: PLW0603 - one process has one set of settings
    if _current is None:
        _current = read_settings()
    return _current


def use_settings(settings: Settings | None) -> None:
    """Make ``settings`` those of this process; None reads the environment again on next use."""
    global _current  # noqa: PLW0603
    _current = settings


def read_settings(**overrides: Any) -> Settings:
    """Settings from the environment, with ``overrides`` (command line options) on top.

    Raises:
        ConfigurationError: as :func:`get_settings`.
    """
    try:
        return Settings(**overrides)
    except ValidationError as refused:
        sentences = [_sentence(error["loc"], error["msg"], error["input"]) for error in refused.errors()]
        raise ConfigurationError("; ".join(sentences), code="INVALID_SETTING") from None


def _sentence(location: tuple[int | str, ...], message: str, value: object) -> str:
    name = {variable: field for field, variable in _FOREIGN_NAMES.items()}.get(str(location[0]), str(location[0]))
    variable = _FOREIGN_NAMES.get(name, PREFIX + name.upper())
    shown = "***" if _is_secret(name) else repr(value)
    return f"`{variable}` was {shown}: {message.removeprefix('Value error, ')}"


def _is_secret(name: str) -> bool:
    return name == "database_url" or "SecretStr" in str(Settings.model_fields[name].annotation)


def production_problems(settings: Settings) -> list[tuple[str, str]]:
    """What forbids a start in the production profile, as (reason code, sentence); empty in the local one."""
    if settings.profile != "PRODUCTION":
        return []
    problems = LegacyStores.read(os.environ).production_problems(is_sqlite=settings.is_sqlite)
    if settings.development_key_enabled:
        sentence = "`STEELYARD_DEVELOPMENT_KEY_ENABLED` was true; its key is public: set it to false"
        problems.append(("PERSISTENCE_PROFILE_FORBIDS_DEVELOPMENT_KEY", sentence))
    if settings.open_routes_enabled:
        sentence = "`STEELYARD_OPEN_ROUTES_ENABLED` was true; every route needs a credential: set it to false"
        problems.append(("PERSISTENCE_PROFILE_FORBIDS_OPEN_ROUTES", sentence))
    if not settings.webhook_secrets:
        sentence = "`STEELYARD_WEBHOOK_SECRETS` was empty; receivers could not tell our webhooks from forged ones"
        problems.append(("PERSISTENCE_PROFILE_REQUIRES_WEBHOOK_SECRET", sentence))
    return problems


def require_production_ready(settings: Settings) -> None:
    """Refuse to start on weak settings.

    Raises:
        ConfigurationError: with every reason code of :func:`production_problems` in its details.
    """
    if problems := production_problems(settings):
        raise ConfigurationError(
            "; ".join(f"{code}: {sentence}" for code, sentence in problems),
            code=problems[0][0],
            details={"reason_codes": [code for code, _ in problems]},
        )


def masked(settings: Settings) -> dict[str, Any]:
    """The effective settings as JSON-ready values, secrets as ``***`` and never in part."""
    shown = settings.model_dump(mode="json")
    for name in shown:
        if name == "database_url":
            shown[name] = make_url(settings.database_url).render_as_string(hide_password=True)
        elif _is_secret(name) and shown[name]:
            shown[name] = "***"
    return shown
