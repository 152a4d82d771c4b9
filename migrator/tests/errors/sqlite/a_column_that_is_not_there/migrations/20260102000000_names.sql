-- Names are shown in capitals.
UPDATE users
   SET name = upper(nmae)
 WHERE name IS NOT NULL;

CREATE INDEX users_name ON users (name);
