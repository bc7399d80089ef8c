-- Two roles: auth_owner migrates the schema, auth_app reads and writes rows and cannot change it.
-- Once, as a superuser, on an empty server:
--   psql -v owner_password=... -v app_password=... -f deploy/postgres/roles.sql
CREATE ROLE auth_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE auth_app LOGIN PASSWORD :'app_password';
CREATE DATABASE auth OWNER auth_owner;
REVOKE ALL ON DATABASE auth FROM PUBLIC;
GRANT CONNECT ON DATABASE auth TO auth_app;
\connect auth
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO auth_app;
-- What auth_owner will make, auth_app may use.
ALTER DEFAULT PRIVILEGES FOR ROLE auth_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO auth_app;
ALTER DEFAULT PRIVILEGES FOR ROLE auth_owner IN SCHEMA public
    GRANT USAGE ON SEQUENCES TO auth_app;
