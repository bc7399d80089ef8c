"""Registers, sets up a second factor, logs in with it, and tells the codes apart, with a generated client.

Run with the address of a service; `auth_client` is what openapi-python-client made of its description.
"""

import hmac
import json
import sys
import time
from base64 import b32decode

from auth_client import AuthenticatedClient, Client
from auth_client.api.accounts import auth_me, auth_register
from auth_client.api.factors import auth_begin_totp, auth_confirm_totp
from auth_client.api.login import auth_complete_login, auth_login
from auth_client.models import (
    AuthCompleteLoginResponse401,
    Confirmation,
    Credentials,
    InvalidCredentialsError,
    LoggedIn,
    Me,
    Method,
    RecoveryCodes,
    Registered,
    Registration,
    SecondFactorRequiredError,
    SecondStep,
    TotpSetUp,
)

PASSWORD = "correct horse battery"
URL = sys.argv[1]
client = Client(base_url=URL)


def totp(secret: str) -> str:
    """Return the code of an authenticator app (RFC 6238)."""
    mac = hmac.digest(b32decode(secret), int(time.time() // 30).to_bytes(8, "big"), "sha1")
    start = mac[19] & 15
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def challenge() -> str:
    """Log in with the password; return the challenge of the second factor."""
    asked = auth_login.sync(client=client, body=Credentials(username="ada", password=PASSWORD))
    assert isinstance(asked, SecondFactorRequiredError), asked
    assert Method.RECOVERY_CODE in asked.methods
    assert asked.expires_in > 0
    steps.append(asked.code.value)
    return str(asked.challenge_token)


steps = []
body = Registration(username="ada", email="ada@example.com", password=PASSWORD)
assert isinstance(auth_register.sync(client=client, body=body), Registered)
again = auth_register.sync(client=client, body=body)
steps.append(again.code.value)

logged_in = auth_login.sync(client=client, body=Credentials(username="ada", password=PASSWORD))
assert isinstance(logged_in, LoggedIn), logged_in
own = AuthenticatedClient(base_url=URL, token=logged_in.access_token)
begun = auth_begin_totp.sync(client=own)
assert isinstance(begun, TotpSetUp), begun
codes = auth_confirm_totp.sync(client=own, body=Confirmation(code=totp(begun.secret)))
assert isinstance(codes, RecoveryCodes), codes

wrong = auth_login.sync(client=client, body=Credentials(username="ada", password="a wrong password"))
assert isinstance(wrong, InvalidCredentialsError), wrong
steps.append(wrong.code.value)

given = SecondStep(challenge_token=challenge(), recovery_code="mfrg-gzdf-mztw-q2lk-nnwg-23tp")
refused = auth_complete_login.sync(client=client, body=given)
assert isinstance(refused, AuthCompleteLoginResponse401), refused
steps.append(refused.code.value)

given = SecondStep(challenge_token=challenge(), recovery_code=codes.recovery_codes[0])
done = auth_complete_login.sync(client=client, body=given, x_device_token="none yet")
assert isinstance(done, LoggedIn), done
me = auth_me.sync(client=AuthenticatedClient(base_url=URL, token=done.access_token))
assert isinstance(me, Me), me
print(json.dumps([*steps, me.user.username]))  # noqa: T201  (read by the test)
