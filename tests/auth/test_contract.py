"""The contract, tested as a Flask tutorial would: only what is promised, with none of our fixtures."""

import time

import pytest

from app import create_app
from auth import auth_bp
from config import config_by_name
from models import User, db
from utils.auth_helpers import check_password, generate_jwt_token, hash_password, verify_jwt_token

ADA = {"username": "ada", "email": "ada@example.com", "password": "password123"}


@pytest.fixture
def app():
    app = create_app("testing")
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.drop_all()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def token(client):
    client.post("/auth/register", json=ADA)
    response = client.post("/auth/login", json={"username": "ada", "password": "password123"})
    return response.get_json()["access_token"]


def test_public_names_are_stable():
    assert auth_bp.name == "auth"
    assert set(config_by_name) >= {"development", "production", "testing", "default"}
    assert config_by_name["testing"].TESTING is True
    assert create_app("testing").config["JWT_ACCESS_TOKEN_EXPIRES"] == 3600


def test_register(client):
    response = client.post("/auth/register", json=ADA)
    assert response.status_code == 201
    data = response.get_json()
    assert data["message"] == "User registered successfully"
    assert data["user"]["username"] == "ada"
    assert data["user"]["email"] == "ada@example.com"
    assert data["user"]["id"] == 1
    assert "created_at" in data["user"]
    assert "password" not in str(data["user"])


def test_register_without_input(client):
    for response in (
        client.post("/auth/register"),
        client.post("/auth/register", json={}),
        client.post("/auth/register", content_type="text/plain"),
        client.post("/auth/register", content_type="application/json"),
    ):
        assert response.status_code == 400
        assert response.get_json()["message"] == "No input data provided"


@pytest.mark.parametrize("field", ["username", "email", "password"])
@pytest.mark.parametrize("value", ["absent", None, ""])
def test_register_with_a_missing_field(client, field, value):
    body = {key: item for key, item in ADA.items() if key != field}
    if value != "absent":
        body[field] = value
    response = client.post("/auth/register", json=body)
    assert response.status_code == 400
    assert response.get_json()["message"] == "Missing username, email, or password"


def test_register_with_a_short_password(client):
    response = client.post("/auth/register", json={**ADA, "password": "1234567"})
    assert response.status_code == 400
    assert response.get_json()["message"] == "Password must be at least 8 characters long"


def test_register_twice(client):
    client.post("/auth/register", json=ADA)
    response = client.post("/auth/register", json={**ADA, "email": "other@example.com"})
    assert response.status_code == 409
    assert response.get_json()["message"] == "Username already exists"
    response = client.post("/auth/register", json={**ADA, "username": "other"})
    assert response.status_code == 409
    assert response.get_json()["message"] == "Email already exists"


def test_login(client):
    client.post("/auth/register", json=ADA)
    for body in (
        {"username": "ada", "password": "password123"},
        {"email": "ada@example.com", "password": "password123"},
        {"username": "ada@example.com", "password": "password123"},
    ):
        response = client.post("/auth/login", json=body)
        assert response.status_code == 200
        data = response.get_json()
        assert data["message"] == "Login successful"
        assert data["token_type"] == "Bearer"
        assert data["expires_in"] == 3600
        assert data["access_token"]
        assert data["refresh_token"]
        assert data["user"]["username"] == "ada"


def test_login_with_missing_fields(client):
    for body in ({"username": "ada"}, {"password": "password123"}, {"username": None, "password": "x"}):
        response = client.post("/auth/login", json=body)
        assert response.status_code == 400
        assert response.get_json()["message"] == "Missing username or password"
    assert client.post("/auth/login").get_json()["message"] == "No input data provided"


def test_login_with_wrong_credentials(client):
    client.post("/auth/register", json=ADA)
    for body in (
        {"username": "ada", "password": "wrong password"},
        {"username": "unknown", "password": "password123"},
        {"email": "unknown@example.com", "password": "password123"},
    ):
        response = client.post("/auth/login", json=body)
        assert response.status_code == 401
        assert response.get_json()["message"] == "Invalid credentials"


def test_me(client, token):
    for scheme in ("Bearer", "bearer", "BEARER"):
        response = client.get("/auth/me", headers={"Authorization": f"{scheme} {token}"})
        assert response.status_code == 200
        assert response.get_json()["user"]["username"] == "ada"


def test_me_without_a_token(client):
    response = client.get("/auth/me")
    assert response.status_code == 401
    assert response.get_json()["message"] == "Authorization token is missing!"
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Token abc", "Bearer", "abc", "Bearer a b"])
def test_me_with_a_malformed_header(client, header):
    response = client.get("/auth/me", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.get_json()["message"] == 'Malformed Authorization header. Use "Bearer <token>"'
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_me_with_a_bad_token(client, token):
    for bad in ("not-a-token", token[:-2], token + "=", "a.b.c"):
        response = client.get("/auth/me", headers={"Authorization": f"Bearer {bad}"})
        assert response.status_code == 401
        assert response.get_json()["message"] == "Token is invalid or expired!"
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_me_with_an_expired_token(app, client):
    client.post("/auth/register", json=ADA)
    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = -1
    token = generate_jwt_token(1)
    assert verify_jwt_token(token) is None
    response = client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert response.get_json()["message"] == "Token is invalid or expired!"


def test_token_lifetime_is_read_when_a_token_is_issued(app, client):
    client.post("/auth/register", json=ADA)
    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = 1
    login = client.post("/auth/login", json={"username": "ada", "password": "password123"}).get_json()
    assert login["expires_in"] == 1
    deadline = time.monotonic() + 10
    while verify_jwt_token(login["access_token"]) is not None:
        assert time.monotonic() < deadline
    assert (
        client.get("/auth/me", headers={"Authorization": f"Bearer {login['access_token']}"}).status_code
        == 401
    )


def test_password_and_token_helpers_round_trip(app):
    hashed = hash_password("password123")
    assert hashed != "password123"
    assert check_password(hashed, "password123")
    assert not check_password(hashed, "password124")
    token = generate_jwt_token(7)
    assert verify_jwt_token(token) == 7
    assert verify_jwt_token("nonsense") is None


def test_user_created_through_the_model_can_log_in(app, client):
    user = User(username="grace", email="grace@example.com", password_hash=hash_password("password123"))
    db.session.add(user)
    db.session.commit()
    assert user.to_dict()["username"] == "grace"
    assert "password_hash" not in user.to_dict()
    token = generate_jwt_token(user.id)
    response = client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200
    login = client.post("/auth/login", json={"username": "grace", "password": "password123"})
    assert login.status_code == 200


def test_token_of_unknown_user_is_refused(app, client):
    response = client.get("/auth/me", headers={"Authorization": f"Bearer {generate_jwt_token(999)}"})
    assert response.status_code == 401


def test_errors_are_json(client):
    for response, status in ((client.get("/nowhere"), 404), (client.put("/auth/login"), 405)):
        assert response.status_code == status
        assert set(response.get_json()) == {"code", "message", "request_id"}
