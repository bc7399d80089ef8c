"""A Flask application with Authlib. It runs in the environment of the clients.

`CLIENTS` is a JSON object: each name has `redirect_uri` and the arguments of `oauth.register`. Paths begin
with the name.
"""

import json
import os
import sys
from typing import Any

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, session
from werkzeug.serving import make_server

CLIENTS = json.loads(os.environ["CLIENTS"])
app = Flask(__name__)
app.secret_key = os.urandom(32)
oauth = OAuth(app)
for name, settings in CLIENTS.items():
    oauth.register(name, **settings["register"])
tokens: dict[str, Any] = {}  # by the name of the client: an ID token is too long for a cookie


@app.errorhandler(OAuthError)
def refused(error: OAuthError) -> tuple[dict[str, Any], int]:
    return {"error": error.error, "description": error.description}, 400


@app.get("/")
def ready() -> dict[str, Any]:
    return {}


@app.get("/<name>/login")
def login(name: str) -> Any:
    return oauth.create_client(name).authorize_redirect(CLIENTS[name]["redirect_uri"])


@app.get("/<name>/callback")
def callback(name: str) -> Any:
    found = oauth.create_client(name).authorize_access_token(**CLIENTS[name].get("token", {}))
    tokens[name] = found
    session["sub"] = found["userinfo"]["sub"]
    return dict(found)


@app.get("/<name>/me")
def me(name: str) -> Any:
    return dict(oauth.create_client(name).userinfo(token=tokens[name]))


@app.get("/<name>/refresh")
def refresh(name: str) -> Any:
    client = oauth.create_client(name)
    metadata = client.load_server_metadata()
    with client._get_oauth_client(**metadata) as calls:
        found = calls.refresh_token(metadata["token_endpoint"], tokens[name]["refresh_token"])
    tokens[name] = dict(found)
    return dict(found)


@app.get("/<name>/revoke")
def revoke(name: str) -> Any:
    client = oauth.create_client(name)
    metadata = client.load_server_metadata()
    with client._get_oauth_client(**metadata) as calls:
        answer = calls.revoke_token(
            metadata["revocation_endpoint"], tokens[name]["refresh_token"], "refresh_token"
        )
    return {"status": answer.status_code}


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
