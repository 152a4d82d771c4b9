INSERT INTO users (name) VALUES ('Grace');
INSERT INTO users (name) VALUES ('O'Hara');
