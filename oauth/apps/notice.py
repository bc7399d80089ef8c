"""The mail that tells an owner of the first consent to an application."""

from sqlalchemy.orm import Session

from auth.events import LinkPurpose
from auth.mailing import links, messages
from auth.mailing.limits import Limit
from models import Account
from tables.oauth import Client
from utils.client_info import ClientInfo
from utils.services import Services

TEMPLATE = "app_connected"


def tell_owner(
    services: Services, tx: Session, account: Account, client: Client, client_info: ClientInfo
) -> None:
    """Mail the owner that this client has access now, with a link that says "this wasn't me".

    To be called with the first consent of the account to the client, in the transaction that stores it, with
    the account locked. Does nothing for a trusted client, for which no consent is asked.
    """
    if client.trusted:
        return
    facts = messages.client_facts(client_info, services.clock.now()) | {"app": client.name}
    links.send_link(services, tx, account, LinkPurpose.DISOWN, TEMPLATE, facts, limit=Limit.ADDRESS_NOTICE)
