"""Rules of the API description for generated clients, and of modules of the reader."""

from tests.sabotage import Sabotage

OWN_MODULES = [
    Sabotage(
        "request fields with a default are optional",
        "ops/openapi_schemas.py",
        'if name != "default"}',
        "if name}",
        "test_api_description_rules.py::test_request_fields_with_a_default_are_optional",
    ),
    Sabotage(
        "a code is an enum of the errors of its route",
        "ops/openapi_errors.py",
        '"enum": codes}',
        '"enum": codes[:1]}',
        "test_api_description_rules.py::test_code_of_each_answer_is_an_enum_of_the_errors_of_its_route",
    ),
    Sabotage(
        "further members of an error have a schema",
        "auth/login/errors.py",
        "    members = SecondFactorMembers\n",
        "",
        "test_api_description_rules.py::test_error_with_further_members_has_a_schema_of_them",
    ),
    Sabotage(
        "the device token is a parameter of each call that reads it",
        "auth/revocation/routes.py",
        "@cookies.reads_device_token\n",
        "",
        "test_api_description_rules.py::test_device_token_is_a_parameter_of_each_call_that_reads_it",
    ),
    Sabotage(
        "an operation has the tag of its capability",
        "ops/openapi.py",
        'package.removeprefix("auth.")',
        "top",
        "test_api_description_rules.py::test_each_operation_has_the_tag_of_its_capability",
    ),
    Sabotage(
        "a route answers no error that it does not declare",
        "auth/login/routes.py",
        'errors=("passkey_invalid", "email_not_verified", "cross_site_refused")',
        'errors=("email_not_verified", "cross_site_refused")',
        "test_passkeys.py::test_wrong_passkey_signature_is_refused",
    ),
    Sabotage(
        "a module takes no address of the service",
        "utils/serving/modules.py",
        "    if first in reserved:\n",
        "    if not reserved:\n",
        "test_own_modules.py::test_address_of_the_service_is_refused",
    ),
    Sabotage(
        "a module takes no name of a blueprint of the service",
        "utils/serving/modules.py",
        "    if blueprint.name in app.blueprints:\n",
        "    if not blueprint.name:\n",
        "test_own_modules.py::test_name_of_a_blueprint_of_the_service_is_refused",
    ),
    Sabotage(
        "two modules have no address in common",
        "utils/serving/modules.py",
        "                if owner != name:\n",
        "                if not owner:\n",
        "test_own_modules.py::test_address_of_another_module_is_refused",
    ),
    Sabotage(
        "the rules read no files of a reader",
        "tests/support/project.py",
        "if PurePosixPath(name).parts[0] in OURS]",
        "if name]",
        "test_project_files.py::test_files_of_a_reader_are_not_read_where_git_tracks_them",
    ),
    Sabotage(
        "the rules read no virtual environment",
        "tests/support/project.py",
        '            and not (Path(folder) / name / "pyvenv.cfg").exists()\n',
        "",
        "test_project_files.py::test_files_of_a_reader_are_not_read_without_git",
    ),
]
