"""A program with requests-oauth2client: prints where to log in, reads the answer, and uses the tokens.

Arguments: issuer, client id, secret and redirect address; resource, its client id and secret.
"""

import json
import sys
from typing import Any

from requests_oauth2client import InvalidGrant, OAuth2Client


def main(
    issuer: str,
    client_id: str,
    client_secret: str,
    redirect_uri: str,
    resource: str,
    api_id: str,
    api_secret: str,
) -> dict[str, Any]:
    api = OAuth2Client.from_discovery_endpoint(
        issuer=issuer, client_id=api_id, client_secret=api_secret, testing=True
    )
    client = OAuth2Client.from_discovery_endpoint(
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        redirect_uri=redirect_uri,
        testing=True,  # http
    )
    request = client.authorization_request(scope="openid email offline_access", resource=resource)
    sys.stdout.write(f"{request.uri}\n")
    sys.stdout.flush()
    answer = request.validate_callback(sys.stdin.readline().strip())  # compares state and iss
    first = client.authorization_code(answer)  # verifies the ID token
    second = client.refresh_token(first)
    told = {
        "claims": first.id_token.claims,
        "introspected": api.introspect_token(second.access_token),
        "is_rotated": first.refresh_token != second.refresh_token,
        "is_revoked": client.revoke_refresh_token(second),
        "introspected_after": api.introspect_token(second.access_token),
    }
    try:
        client.refresh_token(second)
    except InvalidGrant:
        told["is_refused"] = True
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])) + "\n")
