"""Messages of the API in the language that a call asks for.

English, unless `Accept-Language` prefers another one that is installed. `DEFAULT_LANGUAGE` is for pages and
mails: programs that send no such header get what they got before a language was added.
"""

from flask import Response, after_this_request, request

from utils.request_record import record_of
from utils.services import services

HEADER = "Accept-Language"


def localized(text: str) -> str:
    """Return a text of the response in the language of the call, and let the response say that it varies.

    Texts that the language does not have stay English.
    """
    environ = request.environ
    record = record_of(environ)
    if record.say is None:
        asked = environ.get("HTTP_ACCEPT_LANGUAGE")
        spoken = services().languages.accepted(asked) if asked else None
        record.say = spoken.said if spoken else str
        after_this_request(_varying)
    return record.say(text)


def _varying(response: Response) -> Response:
    if "Vary" in response.headers:
        response.vary.add(HEADER)
    else:
        response.headers["Vary"] = HEADER
    return response
