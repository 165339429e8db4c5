
-- Which migrations are applied is written by their owner alone; others may read it.
DO $roles$
DECLARE
    held record;
BEGIN
    FOR held IN
        SELECT DISTINCT book.oid::regclass::text AS name, pg_get_userbyid(acl.grantee) AS role
        FROM pg_class book, aclexplode(book.relacl) acl
        WHERE book.relnamespace = 'public'::regnamespace AND book.relkind = 'r' AND book.relname ~ '^_?yoyo_'
          AND acl.grantee NOT IN (0, book.relowner) AND acl.privilege_type <> 'SELECT'
    LOOP
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %s FROM %I', held.name, held.role);
    END LOOP;
END $roles$;
