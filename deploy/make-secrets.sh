#!/bin/sh
# Draw every secret that deploy/compose.yaml asks for, each into a file of its own. None is overwritten.
#   deploy/make-secrets.sh /etc/auth/secrets
set -eu
folder=${1:?name the folder for the secrets}
umask 077
mkdir -p "$folder"
chmod 0700 "$folder" # before anything is in it

draw() { head -c 36 /dev/urandom | base64 | tr '+/' '-_'; } # 48 characters of A-Z a-z 0-9 - _
keep() { if [ -e "$folder/$1" ]; then cat >/dev/null; else cat >"$folder/$1"; fi; }

for name in flask_secret_key jwt_secret_key metrics_token \
    postgres_password postgres_owner_password postgres_app_password valkey_password; do
    draw | keep "$name"
done
printf 'postgresql://auth_owner:%s@postgres/auth\n' "$(cat "$folder/postgres_owner_password")" | keep owner_database_uri
printf 'postgresql://auth_app:%s@postgres/auth\n' "$(cat "$folder/postgres_app_password")" | keep app_database_uri
printf 'redis://:%s@valkey/0\n' "$(cat "$folder/valkey_password")" | keep redis_url

# Compose mounts each file with its mode into containers that run as other users: the files must be 0444.
# systemd reads them as root. The folder, 0700, keeps the other users of the host out.
chmod 0444 "$folder"/*
