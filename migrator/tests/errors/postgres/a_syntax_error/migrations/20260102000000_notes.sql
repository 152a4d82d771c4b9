/* größe */ CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    user_id INTEGER REFERENCE users (id)
);
