-- Roles of campaignd: {owner} owns the tables, and migrations run as it; {service} may only read and write their rows,
-- and the service runs as it. Run this in campaignd's database, as a superuser, or as whoever owns the database and may
-- create roles. Running it again changes nothing that is right already.

DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {owner_name}) THEN
        CREATE ROLE {owner} NOLOGIN; -- who migrates may become it, or gives it LOGIN and a password
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {service_name}) THEN
        CREATE ROLE {service} LOGIN;
    END IF;
    IF NOT pg_has_role(current_user, {owner_name}, 'USAGE') THEN
        EXECUTE format('GRANT %I TO %I', {owner_name}, current_user);
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = {service_name} AND (rolsuper OR rolcreaterole)) THEN
        RAISE EXCEPTION '% may do more than write rows: choose another role for the service', {service_name};
    END IF;
    IF pg_has_role({service_name}, {owner_name}, 'MEMBER') THEN
        RAISE EXCEPTION '% is a member of %, and so may change the tables', {service_name}, {owner_name};
    END IF;
END $roles$;

-- What is here from before there were these roles becomes the owner's. So does the database, if it was the service's.
DO $roles$
DECLARE
    thing record;
BEGIN
    IF (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()) = {service_name} THEN
        EXECUTE format('ALTER DATABASE %I OWNER TO %I', current_database(), {owner_name});
    END IF;
    IF (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public') = {service_name} THEN
        ALTER SCHEMA public OWNER TO {owner};
    END IF;
    GRANT USAGE, CREATE ON SCHEMA public TO {owner};
    FOR thing IN
        SELECT 'TABLE' AS kind, oid::regclass::text AS name FROM pg_class t
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
          AND pg_get_userbyid(relowner) <> {owner_name}
          AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = t.oid AND deptype = 'e')
        UNION ALL
        SELECT 'FUNCTION', oid::regprocedure::text FROM pg_proc f
        WHERE pronamespace = 'public'::regnamespace
          AND pg_get_userbyid(proowner) <> {owner_name}
          AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = f.oid AND deptype = 'e')
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO %I', thing.kind, thing.name, {owner_name});
    END LOOP;
END $roles$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

DO $roles$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM %I', current_database(), {service_name});
    -- Charges are matched with calls in a temporary table, which is the session's own.
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), {service_name});
END $roles$;
REVOKE ALL ON SCHEMA public FROM {service};
GRANT USAGE ON SCHEMA public TO {service};
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {service};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {service};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {service};
-- And on what later migrations make.
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {service};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO {service};
