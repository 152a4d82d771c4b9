-- no-transaction
PRAGMA foreign_keys = OFF;
PRAGMA foreign_keys;
BEGIN TRANSACTION;
CREATE TABLE new_users (id INTEGER PRIMARY KEY, name TEXT DEFAULT ('a;b'));
INSERT INTO new_users SELECT id, name FROM users;
DROP TABLE users;
ALTER TABLE new_users RENAME TO users;
PRAGMA foreign_key_check;
COMMIT;
PRAGMA main.foreign_keys(1);
