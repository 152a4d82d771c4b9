-- Prices are in cents.
CREATE TABLE products (id INT PRIMARY KEY, name VARCHAR(100) NOT NULL, price INT NOT NULL);
