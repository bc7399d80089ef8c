"""Messages of the API in the language that a call asks for.

English, unless `Accept-Language` prefers another one that is installed. `DEFAULT_LANGUAGE` is for pages and
mails: programs that send no such header get what they got before a language was added.
"""

from flask import Response, after_this_request, request

from utils.request_record import request_record
from utils.services import services

HEADER = "Accept-Language"


def localized(text: str) -> str:
    """Return a text of the response in the language of the call, and let the response say that it varies.

    Texts that the language does not have stay English.
    """
    record = request_record()
    if record.language is None:
        languages = services().languages
        record.language = languages.accepted(request.headers.get(HEADER)) or languages.english
        after_this_request(_varying)
    return record.language.said(text)


def _varying(response: Response) -> Response:
    if "Vary" in response.headers:
        response.vary.add(HEADER)
    else:
        response.headers["Vary"] = HEADER
    return response
