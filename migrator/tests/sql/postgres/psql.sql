\set ON_ERROR_STOP on
\connect app
SELECT 'CREATE DATABASE app' WHERE NOT EXISTS (SELECT FROM pg_database)\gexec
CREATE TABLE t (id int);
  \echo 'it is done
SELECT '\d';
SELECT 1
\g
