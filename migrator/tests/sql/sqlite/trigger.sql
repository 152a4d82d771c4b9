CREATE TRIGGER a AFTER INSERT ON t BEGIN
  UPDATE t SET x = CASE WHEN NEW.x > 0 THEN CASE NEW.y WHEN 1 THEN 2 END ELSE 3 END;
  INSERT INTO log VALUES ('END;');
END;
CREATE TEMP TRIGGER IF NOT EXISTS b BEFORE UPDATE OF begin, end ON t
WHEN NEW.begin > OLD.end
BEGIN
  SELECT RAISE(ABORT, 'no; way') WHERE NEW.end IS NULL;
  SELECT end FROM t WHERE begin = 1; -- END;
END;
create temporary trigger c instead of delete on v begin select 1; end;
CREATE TABLE trigger_begin (begin, "end");
BEGIN;
END;
