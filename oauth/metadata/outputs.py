"""The metadata in the API description."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

ISSUER = "http://localhost:8000"


class Metadata(TypedDict):
    """The metadata of the provider (OpenID Connect Discovery, 3; RFC 8414, 2)."""

    issuer: Annotated[str, Field(examples=[ISSUER])]
    authorization_endpoint: Annotated[str, Field(examples=[f"{ISSUER}/oauth/authorize"])]
    token_endpoint: Annotated[str, Field(examples=[f"{ISSUER}/oauth/token"])]
    userinfo_endpoint: Annotated[str, Field(examples=[f"{ISSUER}/oauth/userinfo"])]
    jwks_uri: Annotated[str, Field(examples=[f"{ISSUER}/oauth/jwks"])]
    revocation_endpoint: Annotated[str, Field(examples=[f"{ISSUER}/oauth/revoke"])]
    introspection_endpoint: Annotated[str, Field(examples=[f"{ISSUER}/oauth/introspect"])]
    end_session_endpoint: NotRequired[Annotated[str, Field(examples=[f"{ISSUER}/oauth/logout"])]]
    scopes_supported: list[str]
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    code_challenge_methods_supported: list[str]
    claims_supported: list[str]
    prompt_values_supported: list[str]
    ui_locales_supported: list[str]
    authorization_response_iss_parameter_supported: bool
    claims_parameter_supported: bool
    request_parameter_supported: bool
    request_uri_parameter_supported: bool
    backchannel_logout_supported: bool
    backchannel_logout_session_supported: bool
    client_id_metadata_document_supported: bool
