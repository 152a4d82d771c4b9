COPY t FROM '/tmp/file';
COPY (SELECT 'from stdin' FROM t) TO STDOUT WITH (FORMAT csv);
COPY t TO '/tmp/stdout';
copy t (a, b, "from") from stdin with (format csv); -- data follows
it's,"unclosed
-- data, too;
\.
SELECT 1;
COPY t FROM STDIN;
