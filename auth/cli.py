"""`flask auth ...`: what an operator does to accounts, at the machine itself."""

import os
import pwd
import secrets

import click
from sqlalchemy.exc import SQLAlchemyError

from auth import auth_bp
from auth.flows import accounts
from auth.inputs import Registration
from utils.client_info import ClientInfo
from utils.errors import ApiError
from utils.services import services


@auth_bp.cli.command("create-user")
@click.option("--username", prompt=True, help="The name to sign in with.")
@click.option("--email", prompt=True, help="The address of the account.")
def create_user(username: str, email: str) -> None:
    """Create an account. The password is asked for, so that no shell or process list keeps it."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        form = Registration.read({"username": username, "email": email, "password": password})
        account = accounts.create_by_operator(
            services(),
            username=form.username or "",
            email=form.email,
            password=form.password.get_secret_value(),
            operator=operator_name(),
            client=at_the_machine(),
        )
    except ApiError as refusal:
        raise click.ClickException(in_words(refusal)) from None
    except SQLAlchemyError as problem:
        raise click.ClickException(f"The database refused ({type(problem).__name__}).") from None
    click.echo(f"Created user {account.username} with id {account.id}.")


def at_the_machine() -> ClientInfo:
    """The facts of a call that came over no network."""
    return ClientInfo(address=None, user_agent="command line", request_id=secrets.token_hex(8))


def operator_name() -> str:
    """Who is at the machine, as the system knows and no environment variable claims."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name[:80]
    except KeyError:  # a container's user without a name
        return f"uid-{os.getuid()}"


def in_words(refusal: ApiError) -> str:
    """A refusal as one line for a terminal."""
    faults = [f"{name}: {fault}" for name, fault in refusal.fields.items()]
    return "; ".join([refusal.message, *faults])
