# What CI runs.
ci:
    scripts/test

# Without the image tests.
quick:
    scripts/test --quick

# The buildpack, ready for `pack build --buildpack`, and as one file.
package:
    scripts/package migrate.cnb

# Write anew what the golden tests expect; read the difference before committing it.
golden:
    UPDATE_GOLDEN=1 INSTA_UPDATE=always cargo test --workspace

# The figures of docs/reference/benchmarks.md.
bench:
    scripts/bench-build
    scripts/bench-migrate

# What takes too long for every change: full counts, and every major of PostgreSQL.
thorough:
    scripts/race
    scripts/matrix
