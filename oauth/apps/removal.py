"""The end of an app's access, by the owner of the account."""

from auth.events import Event
from auth.sessions import step_up
from auth.stores import audit
from oauth.apps.errors import AppNotFound
from oauth.stores import apps, clients
from oauth.stores.grants import GrantEnd
from utils.client_info import ClientInfo
from utils.services import Principal, Services


def remove(services: Services, principal: Principal, client_id: str, client: ClientInfo) -> None:
    """End every access of this app to the caller's account, and the consent to it, at once.

    Its codes and refresh tokens are refused from the next call on, and so are its access tokens at userinfo
    and introspection. Without a fresh login: to remove is safe. Raises `AppNotFound` if it has no access.
    """
    tx, now = services.tx(), services.clock.now()
    account = step_up.lock_for_change(services, principal)
    app = clients.find(tx, client_id)
    if app is None or not apps.end_access(tx, account.id, app.id, GrantEnd.REMOVED, now):
        raise AppNotFound
    audit.append(
        tx,
        Event.APP_REMOVED,
        now,
        client,
        user_id=account.id,
        session_id=principal.session_id,
        detail=app.name,
    )
    tx.commit()
