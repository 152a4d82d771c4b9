INSERT INTO products VALUES (1, 'a pen', 200), (2, 'a desk', 19900);
