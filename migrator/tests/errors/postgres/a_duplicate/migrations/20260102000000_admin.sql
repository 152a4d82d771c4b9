INSERT INTO users VALUES (1, 'größe');
INSERT INTO users VALUES (2, 'größe');
