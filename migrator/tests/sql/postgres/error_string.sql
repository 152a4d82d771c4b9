SELECT 1;
  INSERT INTO t VALUES ('é', 'never closed);
SELECT 2;
