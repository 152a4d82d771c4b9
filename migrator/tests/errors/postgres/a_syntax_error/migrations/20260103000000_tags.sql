CREATE TABLE tags (id INT);
