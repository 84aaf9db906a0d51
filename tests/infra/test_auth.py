"""Authentication: keys, sessions and tokens, each good for its tenant and scopes and nothing else."""

import time
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlalchemy import text

from steelyard.core import clock
from steelyard.core.errors import (
    ConfigurationError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from steelyard.infra.auth import DEVELOPER, Authenticator, Credentials
from steelyard.infra.database import Database
from steelyard.infra.jwt import TokenVerifier
from steelyard.infra.keys import DEVELOPMENT_KEY, create_key, list_keys, revoke_key
from steelyard.infra.principal import SCOPES, Principal
from steelyard.infra.sessions import close_session, find_session, open_session
from steelyard.infra.settings import Settings
from tests.http_servers import serve_json

SECRET = "a shared secret of at least 32 bytes"
ASKER = Principal("acme", "key:1", frozenset({"sweeps:read"}))


def token(secret: Any = SECRET, algorithm: str = "HS256", headers: dict[str, str] | None = None, **claims: Any) -> str:
    return jwt.encode(
        {"exp": time.time() + 60, "sub": "ann", "tenant_id": "acme", **claims}, secret, algorithm, headers
    )


def verifier(**settings: Any) -> TokenVerifier:
    return TokenVerifier(Settings(**{"jwt_secret": SECRET, **settings}))


async def test_a_key_speaks_for_its_tenant_with_its_scopes(database: Database):
    async with database.transaction() as session:
        shown, secret = await create_key(session, name="desk", scopes=["sweeps:read"], tenant="acme")
    assert len(secret) >= 32
    for credentials in (Credentials(api_key=secret), Credentials(bearer=secret)):
        who = await Authenticator(Settings(), database).authenticate(credentials)
        assert who == Principal("acme", f"key:{shown.id}", frozenset({"sweeps:read"}), shown.id)


async def test_the_database_holds_no_key_from_which_one_could_be_had(database: Database):
    async with database.transaction() as session:
        shown, secret = await create_key(session, name="desk", scopes=["admin"])
        rows = str((await session.execute(text("SELECT * FROM api_keys"))).all())
    assert secret.startswith(shown.prefix)
    assert secret not in rows


async def test_a_revoked_key_and_the_sessions_it_opened_are_over(database: Database):
    async with database.transaction() as session:
        shown, secret = await create_key(session, name="desk", scopes=["admin"])
    authenticator = Authenticator(Settings(), database)
    async with database.transaction() as session:
        session_id = await open_session(session, await authenticator.by_key(secret), lifetime_hours=1)
    assert (await authenticator.authenticate(Credentials(session_id=session_id))).key_id == shown.id
    async with database.transaction() as session:
        first = await revoke_key(session, shown.id)
        assert (await revoke_key(session, shown.id)).revoked_at == first.revoked_at
    for credentials in (Credentials(api_key=secret), Credentials(session_id=session_id)):
        with pytest.raises(UnauthenticatedError):
            await authenticator.authenticate(credentials)


async def test_keys_are_listed_by_tenant_oldest_first(database: Database):
    async with database.transaction() as session:
        for name, tenant in (("a", "acme"), ("b", "zeta"), ("c", "acme")):
            await create_key(session, name=name, scopes=["admin"], tenant=tenant)
        assert [key.name for key in await list_keys(session, tenant="acme")] == ["a", "c"]
        assert len(await list_keys(session)) == 3


@pytest.mark.parametrize("scopes", [[], ["sweeps:read", "everything"]])
async def test_a_key_needs_scopes_that_exist(database: Database, scopes):
    async with database.transaction() as session:
        with pytest.raises(InvalidInputError, match="scopes"):
            await create_key(session, name="desk", scopes=scopes)


async def test_revoking_a_key_that_is_not_there_says_so(database: Database):
    async with database.transaction() as session:
        with pytest.raises(NotFoundError, match="key_nope"):
            await revoke_key(session, "key_nope")


@pytest.mark.parametrize("key", ["", "short", DEVELOPMENT_KEY[:-1], "x" * 32, "x" * 10_000, "ключ" * 10])
async def test_no_other_text_is_a_key(database: Database, key):
    with pytest.raises(UnauthenticatedError):
        await Authenticator(Settings(), database).by_key(key)


async def test_the_development_key_works_on_loopback_in_the_local_profile_only(database: Database):
    assert len(DEVELOPMENT_KEY) == 32
    assert await Authenticator(Settings(), database).by_key(DEVELOPMENT_KEY) == DEVELOPER
    weak: list[dict[str, Any]] = [
        {"host": "0.0.0.0"},
        {"development_key_enabled": False},
        {"profile": "PRODUCTION", "development_key_enabled": True},
    ]
    for settings in weak:
        with pytest.raises(UnauthenticatedError):
            await Authenticator(Settings(**settings), database).by_key(DEVELOPMENT_KEY)


async def test_without_a_credential_there_is_no_principal(database: Database):
    with pytest.raises(UnauthenticatedError, match="X-API-Key"):
        await Authenticator(Settings(), database).authenticate(Credentials())


async def test_a_wrong_key_is_not_excused_by_a_good_session(database: Database):
    async with database.transaction() as session:
        session_id = await open_session(session, ASKER, lifetime_hours=1)
    with pytest.raises(UnauthenticatedError):
        await Authenticator(Settings(), database).authenticate(Credentials(api_key="x" * 40, session_id=session_id))


async def test_a_session_ends_at_its_time_and_when_it_is_closed(database: Database):
    with clock.frozen_at(datetime(2026, 1, 1, tzinfo=UTC)) as turned:
        async with database.transaction() as session:
            session_id = await open_session(session, ASKER, lifetime_hours=2)
            other_id = await open_session(session, ASKER, lifetime_hours=2)
            turned.advance(hours=1.99)
            assert await find_session(session, session_id) == ASKER
            await close_session(session, other_id)
            assert await find_session(session, other_id) is None
            turned.advance(hours=0.01)
            assert await find_session(session, session_id) is None


def test_scopes_are_covered_by_themselves_and_by_admin():
    for scope in SCOPES:
        Principal("t", "s", frozenset({scope})).require(scope)
        Principal("t", "s", frozenset({"admin"})).require(scope)
    with pytest.raises(ForbiddenError, match=r"`sweeps:write`.*sweeps:read"):
        ASKER.require("sweeps:write")


async def test_a_token_names_tenant_subject_and_scopes():
    who = await verifier().verify(token(scope="sweeps:read unheard:of"))
    assert who == Principal("acme", "jwt:ann", frozenset({"sweeps:read"}))


async def test_a_token_without_scopes_has_the_configured_ones():
    assert (await verifier(jwt_default_scopes="data:read").verify(token())).scopes == {"data:read"}


@pytest.mark.parametrize(
    "forged",
    [
        "a.b.c",
        token(exp=time.time() - 3600),
        token("another secret of at least 32 bytes."),
        jwt.encode({"exp": time.time() + 60}, "", "none"),
        jwt.encode({"sub": "no expiry"}, SECRET, "HS256"),
        token(SECRET * 2, "HS512"),
        token(tenant_id=["acme"]),
        token(tenant_id=""),
        "x." + "y" * 9000 + ".z",
    ],
    ids=lambda _: "token",  # the tokens differ from process to process
)
async def test_a_forged_expired_or_endless_token_is_refused(forged):
    with pytest.raises(UnauthenticatedError, match="token is refused"):
        await verifier().verify(forged)


@pytest.mark.parametrize("claims", [{"iss": "us"}, {"iss": "us", "aud": "them"}, {"iss": "them", "aud": "steelyard"}])
async def test_a_token_for_another_audience_or_of_another_issuer_is_refused(claims):
    strict = verifier(jwt_issuer="us", jwt_audience="steelyard")
    assert (await strict.verify(token(iss="us", aud="steelyard"))).tenant == "acme"
    with pytest.raises(UnauthenticatedError):
        await strict.verify(token(**claims))


def test_a_short_secret_is_refused_at_start():
    with pytest.raises(ConfigurationError, match="5 bytes"):
        verifier(jwt_secret="short")


async def test_a_server_without_token_settings_takes_none():
    with pytest.raises(UnauthenticatedError, match="not configured"):
        await TokenVerifier(Settings()).verify(token())


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_tokens_are_verified_against_a_key_set_and_a_new_key_is_found(algorithm):
    def new_key() -> Any:
        if algorithm == "RS256":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return ec.generate_private_key(ec.SECP256R1())

    def public(key: Any, key_id: str) -> dict[str, Any]:
        make = jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.ECAlgorithm
        return {**make.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "alg": algorithm, "use": "sig"}

    key = new_key()
    with serve_json({"keys": [public(key, "one")]}) as url:
        provider = verifier(jwt_secret=None, jwt_jwks_url=url)
        assert (await provider.verify(token(key, algorithm, {"kid": "one"}))).subject == "jwt:ann"
        for forged in (
            token(new_key(), algorithm, {"kid": "one"}),
            token(key, algorithm, {"kid": "two"}),
            token(SECRET, "HS256", {"kid": "one"}),
        ):
            with pytest.raises(UnauthenticatedError):
                await provider.verify(forged)


async def test_a_provider_that_is_away_is_unavailable_not_a_refusal():
    away = verifier(jwt_secret=None, jwt_jwks_url="http://127.0.0.1:1/keys")
    with pytest.raises(UnavailableError, match="key set"):
        await away.verify(token(headers={"kid": "one"}))
