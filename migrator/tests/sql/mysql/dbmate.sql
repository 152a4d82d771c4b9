-- migrate:up
CREATE TABLE users (
  id INTEGER,
  email VARCHAR(255) NOT NULL
);

-- migrate:down
DROP TABLE users;
