-- no-transaction
DELETE FROM users WHERE name = '';
VACUUM;
DELETE FROM notes;
