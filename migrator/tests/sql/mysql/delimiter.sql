DELIMITER $$
DROP PROCEDURE IF EXISTS p;
CREATE PROCEDURE p()
BEGIN
  SELECT '$$', `$$`; -- $$ not here
  SELECT 1;
END$$

delimiter //
CREATE PROCEDURE q() BEGIN SELECT 4/2; END;
//
  Delimiter ;
SELECT 1;
DELIMITER go
SELECT 2 go
SELECT 3
go
DELIMITER '$$' and what follows is ignored
SELECT 4 $$ $$
DELIMITER ;
CREATE TABLE csv (
  delimiter CHAR(1),
  a int
);
SELECT a,
  delimiter FROM csv;
