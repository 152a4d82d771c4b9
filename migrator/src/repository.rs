//! The repository that a project is, read from the address that it is pushed to.

/// A repository on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// As in `github.com`.
    pub host: String,
    /// As in `owner/name`.
    pub name: String,
}

impl Repository {
    /// Reads `https://HOST/OWNER/NAME.git`, `ssh://git@HOST/OWNER/NAME` and
    /// `git@HOST:OWNER/NAME.git`; `None` where it is a folder, or nothing of these.
    pub(crate) fn of(address: &str) -> Option<Self> {
        let (host, path) = match address.split_once("://") {
            Some(("file", _)) => return None,
            Some((_, rest)) => rest.split_once('/')?,
            None => address.split_once(':')?,
        };
        // A token may stand behind it, too.
        let path = path.split(['?', '#']).next()?;
        let host = host.rsplit('@').next()?.split(':').next()?.to_lowercase();
        let name = path.trim_matches('/');
        let name = name.strip_suffix(".git").unwrap_or(name);
        let is_name = host.contains('.') && name.split('/').count() >= 2;
        is_name.then(|| Self {
            host,
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_is_read_and_none_tells_a_secret() {
        for address in [
            "https://github.com/owner/name.git",
            "https://user:token@GitHub.com/owner/name",
            "ssh://git@github.com:22/owner/name.git",
            "git@github.com:owner/name.git",
            "https://github.com/owner/name.git?private_token=token#x",
        ] {
            let repository = Repository::of(address).unwrap();
            assert_eq!(
                (repository.host.as_str(), repository.name.as_str()),
                ("github.com", "owner/name")
            );
        }
        for address in [
            "/srv/git/name",
            "file:///srv/name",
            "../name",
            "C:\\name",
            "",
        ] {
            assert_eq!(Repository::of(address), None, "{address}");
        }
    }
}
