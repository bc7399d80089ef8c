"""The answers about passwords."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from auth.outputs import Message, message
from utils.passwords.strength import Strength as ScoredPassword
from utils.web.localized import localized


class Changed(Message):
    api_tokens: Annotated[
        list[str], Field(description="The names of API tokens that still work.", examples=[["backup script"]])
    ]


class Strength(TypedDict):
    score: Annotated[int, Field(ge=0, le=4, description="0: guessed at once. 4: hard.", examples=[4])]
    warning: Annotated[str | None, Field(description="What makes it weak.", examples=["text"])]
    suggestions: Annotated[list[str], Field(description="What would make it better.", examples=[[]])]
    acceptable: Annotated[bool, Field(description="Whether register would take it.", examples=[True])]


def changed(api_tokens: list[str]) -> Changed:
    return {**message("change_password"), "api_tokens": api_tokens}


def strength(found: ScoredPassword, acceptable: bool) -> Strength:
    return {
        "score": found.score,
        "warning": localized(found.warning) if found.warning else None,
        "suggestions": [localized(each) for each in found.suggestions],
        "acceptable": acceptable,
    }
