//! What a run is started with: a name, and what the environment tells of why.

use crate::config::Environment;
use crate::config::environment::{COMMIT, DEPLOYMENT};
use crate::history::Who;

/// The name of this run in the server: the time, and 64 bits of chance for those of
/// the same second, however many there are.
pub(super) fn name() -> String {
    use std::hash::BuildHasher;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let chance = std::hash::RandomState::new().hash_one(now);
    format!("migrate {now:x}-{chance:016x}")
}

/// What the platforms name their deployments by.
const COMMITS: [&str; 8] = [
    COMMIT,
    "COMMIT_HASH",
    "SOURCE_VERSION",
    "HEROKU_SLUG_COMMIT",
    "RENDER_GIT_COMMIT",
    "RAILWAY_GIT_COMMIT_SHA",
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
];
const DEPLOYMENTS: [&str; 3] = [
    DEPLOYMENT,
    "HEROKU_RELEASE_VERSION",
    "RAILWAY_DEPLOYMENT_ID",
];

/// What the environment tells of a run's reason.
pub(super) fn who(environment: &Environment) -> Who {
    let first = |names: &[&str]| {
        let set = |name: &&str| {
            let value = environment.get(name).ok().flatten()?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        names.iter().find_map(set).map(|mut value| {
            value.truncate(value.floor_char_boundary(255));
            value
        })
    };
    Who {
        commit: first(&COMMITS),
        deployment: first(&DEPLOYMENTS),
        host: first(&["HOSTNAME", "HOST"]),
    }
}
