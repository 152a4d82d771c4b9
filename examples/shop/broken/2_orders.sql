-- no-transaction
CREATE TABLE orders (id INT PRIMARY KEY);
CREATE INDEX orders_by_product ON orders (product);
