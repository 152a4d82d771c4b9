-- migrate:up
CREATE TABLE a (
  id int -- key; really
);

INSERT INTO a VALUES ('one
two;');
\echo done
SELECT $$
;$$;
