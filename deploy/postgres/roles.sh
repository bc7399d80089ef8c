#!/bin/sh
# Run by the Postgres image when it makes its data folder.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
    --set owner_password="$(cat /run/secrets/postgres_owner_password)" \
    --set app_password="$(cat /run/secrets/postgres_app_password)" \
    --file /etc/auth/roles.sql
