"""The peer: what a Flask developer writes by hand on Flask-JWT-Extended.

It runs in an environment of its own (`bench/peer.py`). Passwords are hashed by Werkzeug, and the user is read
from the database on each request with a token. It has no sessions, no limits, no headers and no log.
"""

import os
from typing import Any

from flask import Flask, jsonify, request
from flask_jwt_extended import JWTManager, create_access_token, current_user, jwt_required
from flask_sqlalchemy import SQLAlchemy
from werkzeug.security import check_password_hash, generate_password_hash

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["PEER_SECRET"]
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["PEER_DATABASE"]
db = SQLAlchemy(app)
jwt = JWTManager(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    username = db.Column(db.String(80), nullable=False, unique=True)
    email = db.Column(db.String(120), nullable=False, unique=True)
    password_hash = db.Column(db.String(255), nullable=False)


with app.app_context():
    db.create_all()


@jwt.user_lookup_loader
def look_up_user(_header: dict[str, Any], claims: dict[str, Any]) -> User | None:
    return db.session.get(User, int(claims["sub"]))


@app.post("/register")
def register() -> Any:
    body = request.get_json()
    hashed = generate_password_hash(body["password"])
    user = User(username=body["username"], email=body["email"], password_hash=hashed)
    db.session.add(user)
    db.session.commit()
    return jsonify(id=user.id), 201


@app.post("/login")
def login() -> Any:
    body = request.get_json()
    user = db.session.scalar(db.select(User).filter_by(username=body["username"]))
    if user is None or not check_password_hash(user.password_hash, body["password"]):
        return jsonify(message="Bad username or password"), 401
    return jsonify(access_token=create_access_token(identity=str(user.id)))


@app.get("/me")
@jwt_required()
def me() -> Any:
    return jsonify(id=current_user.id, username=current_user.username, email=current_user.email)


@app.get("/hello")
def hello() -> Any:
    return {"ok": True}
