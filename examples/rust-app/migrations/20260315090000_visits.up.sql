CREATE TABLE visits (
    guest BIGINT NOT NULL REFERENCES guests (id),
    message TEXT NOT NULL
);

CREATE INDEX visits_guest ON visits (guest);
