DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM users) THEN
        RAISE EXCEPTION 'there is no user' USING HINT = 'insert one first', DETAIL = 'users is empty';
    END IF;
END
$$;
