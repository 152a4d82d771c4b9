CREATE TABLE guests (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL
);

INSERT INTO guests (id, name) VALUES (1, 'Ada  LOVELACE'), (2, 'Émilie du CHÂTELET');
