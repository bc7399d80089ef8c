"""Forged access tokens: changes to a genuine header and to genuine claims, each to be refused."""

from typing import Any

from tests.support.service import START
from utils.crypto.keys import key_id

NOW = START.timestamp()
OURS = "http://localhost:8000"
NAN, INFINITY = float("nan"), float("inf")

HEADERS: dict[str, dict[str, Any]] = {
    "alg none": {"alg": "none"},
    "alg None": {"alg": "None"},
    "alg missing": {"alg": None},
    "alg HS384": {"alg": "HS384"},
    "alg RS256": {"alg": "RS256"},
    "alg in lower case": {"alg": "hs256"},
    "alg list": {"alg": ["HS256"]},
    "alg object": {"alg": {"HS256": 1}},
    "typ JWT": {"typ": "JWT"},
    "typ missing": {"typ": None},
    "typ list": {"typ": ["at+jwt"]},
    "typ number": {"typ": 1},
    "typ in upper case": {"typ": "AT+JWT"},
    "typ of a refresh token": {"typ": "rt+jwt"},
    "kid missing": {"kid": None},
    "kid of another key": {"kid": key_id("another")},
    "kid path": {"kid": "../../../../dev/null"},
    "kid sql": {"kid": "x' UNION SELECT 'key"},
    "kid empty": {"kid": ""},
    "kid list": {"kid": [key_id("x")]},
    "kid object": {"kid": {}},
    "crit": {"crit": ["x"], "x": 1},
    "crit empty": {"crit": []},
    "crit text": {"crit": "b64"},
    "b64 false": {"b64": False},
    "b64 false and critical": {"b64": False, "crit": ["b64"]},
}

CLAIMS: dict[str, dict[str, Any]] = {
    **{f"{name} missing": {name: None} for name in ("iss", "aud", "sub", "jti", "iat", "exp")},
    **{
        f"{name} {kind}": {name: value}
        for name in ("iss", "aud")
        for kind, value in {
            "other": "https://auth.example.org",
            "empty": "",
            "list": [OURS],
            "list of two": [OURS, "https://auth.example.org"],
            "prefix": OURS[:-1],
            "longer": f"{OURS}0",
            "slash": f"{OURS}/",
            "in upper case": OURS.upper(),
            "number": 1,
            "object": {OURS: 1},
        }.items()
    },
    **{
        f"exp {kind}": {"exp": value}
        for kind, value in {
            "list": [NOW + 60],
            "text": str(int(NOW + 60)),
            "words": "never",
            "NaN": NAN,
            "infinite": INFINITY,
            "beyond all years": 1e308,
            "400 digits": 10**400,
            "true": True,
            "object": {},
            "zero": 0,
            "negative": -1,
            "now": NOW,
        }.items()
    },
    **{
        f"iat {kind}": {"iat": value}
        for kind, value in {
            "ahead": NOW + 31,
            "NaN": NAN,
            "true": True,
            "negative infinity": -INFINITY,
            "before all years": -1e18,
            "400 digits below zero": -(10**400),
            "text": "now",
            "list": [1],
        }.items()
    },
    "nbf ahead": {"nbf": NOW + 31},
    "nbf text": {"nbf": "now"},
    "nbf list": {"nbf": []},
    "nbf true": {"nbf": True},
    **{
        f"sub {kind}": {"sub": value}
        for kind, value in {
            "integer": 1,
            "float": 1.0,
            "true": True,
            "list": ["1"],
            "negative": "-1",
            "zero": "0",
            "empty": "",
            "text": "ada",
            "leading zero": "01",
            "plus": "+1",
            "space": " 1",
            "newline": "1\n",
            "underscore": "1_0",
            "other digits": "\u0661",
            "huge": "9" * 18,
            "beyond integers of Postgres": str(2**31),
            "beyond 64 bits": str(2**64),
            "absurd": "9" * 1000,
        }.items()
    },
    **{
        f"sid {kind}": {"sid": value}
        for kind, value in {
            "no uuid": "1",
            "number": 1,
            "list": [],
            "object": {},
            "true": True,
            "unknown": "0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11",
        }.items()
    },
    **{
        f"auth_time {kind}": {"auth_time": value}
        for kind, value in {"text": "now", "list": [], "NaN": NAN, "true": True}.items()
    },
    "jti empty": {"jti": ""},
    "jti number": {"jti": 1},
    "jti list": {"jti": []},
}
