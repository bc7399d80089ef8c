"""Rules of roles and permissions."""

from tests.sabotage import Sabotage

AUTHORIZATION = [
    Sabotage(
        "permissions are read on each call",
        "auth/sessions/admission.py",
        "may = authority(held.permissions, by_factor=by_factor)",
        "may = sessions.__dict__.setdefault(session_id, authority(held.permissions, by_factor=by_factor))",
        "test_requires.py::test_change_of_roles_counts_with_the_next_call_in_every_process",
    ),
    Sabotage(
        "all permissions of a view are wanted",
        "utils/auth_helpers.py",
        "(missing := permissions - principal.permissions)",
        "(missing := permissions - principal.permissions) == permissions",
        "test_requires.py::test_change_of_a_role_counts_for_its_accounts",
    ),
    Sabotage(
        "a permission is compared whole",
        "auth/stores/roles.py",
        'return sorted(set(text.split(","))) if text else []',
        'return sorted({each[:12] for each in text.split(",")}) if text else []',
        "test_requires.py::test_permission_is_compared_whole",
    ),
    Sabotage(
        "a permission of the service needs a second factor",
        "auth/permissions.py",
        "    withheld = frozenset() if by_factor else",
        "    withheld = frozenset() if by_factor or True else",
        "test_requires.py::test_permission_of_the_service_counts_with_a_second_factor_only",
    ),
    Sabotage(
        "an account that must set up a factor has no permission",
        "auth/sessions/admission.py",
        "        may = NOTHING\n    return Principal(\n        account.id,\n        session_id,",
        "        pass\n    return Principal(\n        account.id,\n        session_id,",
        "test_requires.py::test_account_that_must_set_up_a_factor_has_no_permission",
    ),
    Sabotage(
        "an empty permission at verify refuses",
        "utils/web/permission_query.py",
        "not all(map(is_permission, asked))",
        "not all(map(is_permission, filter(None, asked)))",
        "test_verify_permissions.py::test_faulty_query_is_refused_and_logged",
    ),
    Sabotage(
        "another parameter at verify refuses",
        "utils/web/permission_query.py",
        "set(request.args) != {PARAMETER} or ",
        "",
        "test_verify_permissions.py::test_faulty_query_is_refused_and_logged",
    ),
    Sabotage(
        "changes of roles are locked against each other",
        "auth/stores/roles.py",
        "    tx.execute(update(Role).where(Role.name == ADMIN).values(description=Role.description))",
        "    tx.execute(select(Role.id))",
        "test_races_of_roles.py::test_administrators_who_take_each_others_role_at_once_leave_one",
    ),
    Sabotage(
        "a permission of the service is given only by who has it",
        "auth/roles/authority.py",
        "    if beyond := frozenset(filter(is_of_service, permissions)) - held:",
        "    if beyond := frozenset(filter(is_of_service, permissions)) - permissions:",
        "test_authority.py::test_permission_of_the_service_comes_only_from_who_has_it",
    ),
    Sabotage(
        "an actor does not act on a mightier account",
        "auth/roles/authority.py",
        "    if beyond := of_service(services, target.id) - held:\n        raise PermissionMissing(beyond)\n",
        "",
        "test_authority.py::test_actor_does_not_act_on_an_account_with_a_permission_that_they_lack",
    ),
    Sabotage(
        "an administrator does not act on their own account",
        "auth/roles/authority.py",
        "    if target.id == principal.user_id:\n        raise NotYourself\n",
        "",
        "test_authority.py::test_administrator_does_not_act_on_their_own_account",
    ),
    Sabotage(
        "the last administrator does not leave",
        "auth/accounts/deletion.py",
        "    authority.keep_an_administrator(services, principal.user_id)\n",
        "",
        "test_authority.py::test_last_administrator_does_not_leave",
    ),
    Sabotage(
        "the audit event names the acting account",
        "auth/roles/actors.py",
        "        actor_id=actor.user_id,\n",
        "",
        "test_authority.py::test_audit_event_names_the_acting_account",
    ),
    Sabotage(
        "registration gives no role with a permission of the service",
        "auth/stores/roles.py",
        "Role.name.in_(names), ~of_service",
        "Role.name.in_(names)",
        "test_authority.py::test_role_of_new_accounts_never_has_a_permission_of_the_service",
    ),
]
