DELETE FROM users WHERE name = '';
VACUUM;
