DROP TABLE do_not_call, leads, skillbases, companies;
