"""The service with two views beside it, for `bench/authorization.py`: one needs a token, one a permission."""

from typing import Any

from app import app
from utils.auth_helpers import jwt_required, requires

__all__ = ["app"]


@app.get("/bench/token")
@jwt_required
def with_token() -> Any:
    return {"ok": True}


@app.get("/bench/permission")
@requires("reports:read")
def with_permission() -> Any:
    return {"ok": True}
