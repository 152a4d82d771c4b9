DROP VIEW IF EXISTS cheap_products;
CREATE VIEW cheap_products AS SELECT id, name FROM products WHERE price < 1000;
