CREATE FUNCTION outer_one() RETURNS text LANGUAGE plpgsql AS $fn$
DECLARE inner_one text := $$ it's; $$;
BEGIN
  EXECUTE format($q$ SELECT $$%s;$$ $q$, inner_one);
  RETURN $x$ $fn $ $fx$ $x$;
END;
$fn$;
DO $Été$ BEGIN PERFORM 1; END $Été$;
PREPARE p (int, int) AS SELECT $1+$2;
SELECT tab$le$, a$$b, 'c' FROM weird$name$;
SELECT 1$$;$$;
SELECT $$$$, $$;$$;
