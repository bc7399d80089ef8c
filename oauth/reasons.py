"""The reasons why calls of clients are refused: a closed list, each with a sentence for operators."""

from enum import StrEnum
from typing import NamedTuple


class Cause(StrEnum):
    """Who can cause a refusal."""

    ANYBODY = "anybody"  # client ids are public
    CLIENT = "client"  # a caller with its secret; of a public client any caller
    LOGIN = "login"  # a login that went on: nothing was refused
    PERSON = "person"  # a person who is logged in, or the bearer of a genuine code or token


class Reason(StrEnum):
    """Why a call was refused, or what was left out. A closed list: values never change their meaning."""

    CLIENT_DISABLED = "client_disabled"
    NOT_FOR_LOGINS = "not_for_logins"
    REDIRECT_MISSING = "redirect_missing"
    REDIRECT_UNKNOWN = "redirect_unknown"
    PARAMETER_REPEATED = "parameter_repeated"
    PARAMETER_INVALID = "parameter_invalid"
    REQUEST_OBJECT = "request_object"
    RESPONSE_TYPE = "response_type"
    RESPONSE_MODE = "response_mode"
    PKCE_MISSING = "pkce_missing"
    PKCE_METHOD = "pkce_method"
    PKCE_MALFORMED = "pkce_malformed"
    SCOPE_INVALID = "scope_invalid"
    SCOPE_LEFT_OUT = "scope_left_out"
    RESOURCE_UNKNOWN = "resource_unknown"
    PROMPT_INVALID = "prompt_invalid"
    PERMISSION_MISSING = "permission_missing"
    FACTOR_MISSING = "factor_missing"
    CONSENT_DENIED = "consent_denied"
    SECRET_MISSING = "secret_missing"
    SECRET_WRONG = "secret_wrong"
    SECRET_UNEXPECTED = "secret_unexpected"
    CREDENTIALS_MALFORMED = "credentials_malformed"
    CREDENTIALS_TWICE = "credentials_twice"
    CREDENTIALS_UNSUPPORTED = "credentials_unsupported"
    GRANT_TYPE = "grant_type"
    CODE_MISSING = "code_missing"
    CODE_UNKNOWN = "code_unknown"
    CODE_EXPIRED = "code_expired"
    CODE_USED = "code_used"
    CODE_OF_OTHER_CLIENT = "code_of_other_client"
    REDIRECT_DIFFERS = "redirect_differs"
    VERIFIER_MISSING = "verifier_missing"
    VERIFIER_WRONG = "verifier_wrong"
    VERIFIER_UNEXPECTED = "verifier_unexpected"
    REFRESH_UNKNOWN = "refresh_unknown"
    REFRESH_REUSED = "refresh_reused"
    REFRESH_OF_OTHER_CLIENT = "refresh_of_other_client"
    SCOPE_WIDENED = "scope_widened"
    RESOURCE_NOT_GRANTED = "resource_not_granted"
    GRANT_ENDED = "grant_ended"
    SESSION_ENDED = "session_ended"
    ACCOUNT_UNUSABLE = "account_unusable"
    AUDIENCE_WRONG = "audience_wrong"
    NOT_A_RESOURCE = "not_a_resource"
    LOGOUT_REDIRECT_UNKNOWN = "logout_redirect_unknown"
    HINT_INVALID = "hint_invalid"


class Explained(NamedTuple):
    """A reason in words: what happened, what to do, and who can cause it."""

    sentence: str
    advice: str
    cause: Cause


ANYBODY, CLIENT, LOGIN, PERSON = Cause.ANYBODY, Cause.CLIENT, Cause.LOGIN, Cause.PERSON
_SET = "flask --app app auth clients set CLIENT"
EXPLAINED: dict[Reason, Explained] = {
    Reason.CLIENT_DISABLED: Explained(
        "The client is disabled.", "Enable it: flask --app app auth clients enable CLIENT", ANYBODY
    ),
    Reason.NOT_FOR_LOGINS: Explained(
        "A resource tried to log people in.", "Register an application for that: clients add.", ANYBODY
    ),
    Reason.REDIRECT_MISSING: Explained(
        "The request had no redirect_uri.",
        "Configure it in the application; it must always be sent.",
        ANYBODY,
    ),
    Reason.REDIRECT_UNKNOWN: Explained(
        "The redirect address is not registered.",
        f"Correct it in the application, or register it: {_SET} --redirect URI",
        ANYBODY,
    ),
    Reason.PARAMETER_REPEATED: Explained("A parameter was sent twice.", "Send each parameter once.", ANYBODY),
    Reason.PARAMETER_INVALID: Explained(
        "A parameter is too long or not valid.", "Correct it in the application.", ANYBODY
    ),
    Reason.REQUEST_OBJECT: Explained(
        "The request was sent as a request object.",
        "Switch off request objects (request, request_uri, registration) in the application.",
        ANYBODY,
    ),
    Reason.RESPONSE_TYPE: Explained(
        "The response_type is not code.",
        "Switch the application to the authorization code flow; implicit and hybrid flows are not served.",
        ANYBODY,
    ),
    Reason.RESPONSE_MODE: Explained(
        "The response_mode is not query.", "Set the response mode of the application to query.", ANYBODY
    ),
    Reason.PKCE_MISSING: Explained(
        "PKCE is missing: the request had no code_challenge.",
        f"Switch PKCE (S256) on in the application; if it cannot: {_SET} --pkce optional",
        ANYBODY,
    ),
    Reason.PKCE_METHOD: Explained(
        "The code_challenge_method is not S256.", "Set the PKCE method of the application to S256.", ANYBODY
    ),
    Reason.PKCE_MALFORMED: Explained(
        "The code_challenge is not a SHA-256 digest in base64url without padding (43 characters).",
        "Correct how the application makes it (RFC 7636, 4.2).",
        ANYBODY,
    ),
    Reason.SCOPE_INVALID: Explained(
        "The scope is missing, or has a word that this client may not ask for.",
        f"Correct it in the application, or allow it: {_SET} --scope NAME",
        ANYBODY,
    ),
    Reason.SCOPE_LEFT_OUT: Explained(
        "The login went on without scopes that are unknown, or that this client may not ask for.",
        f"Remove them from the application, or allow those that exist: {_SET} --scope NAME",
        LOGIN,
    ),
    Reason.RESOURCE_UNKNOWN: Explained(
        "The resource is none that this client may ask for.",
        f"Correct it in the application, or allow it: {_SET} --resource URL",
        ANYBODY,
    ),
    Reason.PROMPT_INVALID: Explained(
        "The prompt has an unknown word, or none with others.", "Correct it in the application.", ANYBODY
    ),
    Reason.PERMISSION_MISSING: Explained(
        "The person lacks the permission that this client requires.",
        "Give the account a role with it: flask --app app auth grant LOGIN ROLE",
        PERSON,
    ),
    Reason.FACTOR_MISSING: Explained(
        "The person has no second factor, which this client requires.",
        "The person sets one up on the security page.",
        PERSON,
    ),
    Reason.CONSENT_DENIED: Explained("The person did not allow it.", "Nothing is wrong.", PERSON),
    Reason.SECRET_MISSING: Explained(
        "The application sent no client secret.",
        "Configure the secret in the application, or register it as public (--spa or --native).",
        ANYBODY,
    ),
    Reason.SECRET_WRONG: Explained(
        "The client secret is wrong.",
        "Copy the secret again, without spaces, or make a new one: "
        "flask --app app auth clients rotate-secret CLIENT",
        ANYBODY,
    ),
    Reason.SECRET_UNEXPECTED: Explained(
        "The application sent a client secret, and it is registered as public, which has none.",
        "Remove the secret from the application, or register it without --spa and --native.",
        ANYBODY,
    ),
    Reason.CREDENTIALS_MALFORMED: Explained(
        "The Authorization header is not a valid one of Basic.",
        "Encode id and secret as RFC 6749, 2.3.1 says, or send them in the body.",
        ANYBODY,
    ),
    Reason.CREDENTIALS_TWICE: Explained(
        "The application authenticated in two ways, or with two client ids.",
        "Choose client_secret_basic or client_secret_post in the application.",
        ANYBODY,
    ),
    Reason.CREDENTIALS_UNSUPPORTED: Explained(
        "The application authenticated in a way that is not served.",
        "Choose client_secret_basic or client_secret_post in the application.",
        ANYBODY,
    ),
    Reason.GRANT_TYPE: Explained(
        "The grant_type is missing or not served.",
        "Use authorization_code and refresh_token; password and implicit are not served.",
        CLIENT,
    ),
    Reason.CODE_MISSING: Explained("The token call had no code.", "Correct it in the application.", CLIENT),
    Reason.CODE_UNKNOWN: Explained(
        "The code is none of this service, or was altered.",
        "Check that the application sends the code as it got it, to this issuer.",
        CLIENT,
    ),
    Reason.CODE_EXPIRED: Explained(
        "The code had expired: it lives for 60 seconds.",
        "Check the application's clock and network; the code must be redeemed at once.",
        PERSON,
    ),
    Reason.CODE_USED: Explained(
        "The code had been used.",
        "Redeem each code once. A reload of the callback page, or two workers, cause this.",
        PERSON,
    ),
    Reason.CODE_OF_OTHER_CLIENT: Explained(
        "The code was issued to another client.", "Use the same client id in both calls.", PERSON
    ),
    Reason.REDIRECT_DIFFERS: Explained(
        "The redirect_uri of the token call is missing, or differs from that of the authorization request.",
        "Send the identical text in both calls.",
        PERSON,
    ),
    Reason.VERIFIER_MISSING: Explained(
        "The token call had no code_verifier, and the authorization request had a code_challenge.",
        "Keep the verifier until the callback, for example in the session of the browser.",
        PERSON,
    ),
    Reason.VERIFIER_WRONG: Explained(
        "The code_verifier does not belong to the code_challenge.",
        "Keep the verifier of each login apart: two tabs, or a lost session, mix them up.",
        PERSON,
    ),
    Reason.VERIFIER_UNEXPECTED: Explained(
        "The token call had a code_verifier, and the authorization request had no code_challenge.",
        "Send the code_challenge with the authorization request.",
        PERSON,
    ),
    Reason.REFRESH_UNKNOWN: Explained(
        "The refresh token is none of this service, or has expired.", "The person logs in again.", CLIENT
    ),
    Reason.REFRESH_REUSED: Explained(
        "A used refresh token came back, and the access ended.",
        "Store the new refresh token of each answer, and refresh in one place at a time.",
        PERSON,
    ),
    Reason.REFRESH_OF_OTHER_CLIENT: Explained(
        "The refresh token was issued to another client.", "Use the client id that it was issued to.", PERSON
    ),
    Reason.SCOPE_WIDENED: Explained(
        "The refresh asked for more than was granted.", "Ask for it at a new login.", PERSON
    ),
    Reason.RESOURCE_NOT_GRANTED: Explained(
        "The token call names a resource that was not granted.",
        "Name the same resource in the authorization request.",
        PERSON,
    ),
    Reason.GRANT_ENDED: Explained(
        "The access had ended: it was removed, revoked or had run out.", "The person logs in again.", PERSON
    ),
    Reason.SESSION_ENDED: Explained(
        "The person had logged out meanwhile.",
        "Nothing is wrong. Access beyond the session needs the scope offline_access.",
        PERSON,
    ),
    Reason.ACCOUNT_UNUSABLE: Explained(
        "The account is disabled or cannot be used now.",
        "See: flask --app app auth explain LOGIN",
        PERSON,
    ),
    Reason.AUDIENCE_WRONG: Explained(
        "An access token for a resource was sent to userinfo.",
        "Ask for a token without a resource, or let the ID token carry the claims.",
        PERSON,
    ),
    Reason.NOT_A_RESOURCE: Explained(
        "The call is for resources only.",
        "Register the API, and use its id and secret: flask --app app auth resources add URL",
        CLIENT,
    ),
    Reason.LOGOUT_REDIRECT_UNKNOWN: Explained(
        "The post_logout_redirect_uri is not registered.",
        f"Correct it in the application, or register it: {_SET} --post-logout URI",
        ANYBODY,
    ),
    Reason.HINT_INVALID: Explained(
        "The id_token_hint is no ID token that this service issued to this client.",
        "Send the ID token of the login, unchanged.",
        ANYBODY,
    ),
}
