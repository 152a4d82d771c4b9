-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION one() RETURNS int AS $$ BEGIN RETURN 1; END $$ LANGUAGE plpgsql;
-- +goose StatementEnd
ALTER TABLE users ADD COLUMN email text; -- nullable; for now

-- +goose Down
ALTER TABLE users DROP COLUMN email;
DROP FUNCTION one();
