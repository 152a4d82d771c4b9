//! How platforms run `migrate`: a stanza for each, made of values, with comments
//! that say why. A template a platform; `DigitalOcean`'s jobs are of several kinds,
//! and written by code.

mod digitalocean;
mod template;

use crate::config::Origin;
use crate::repository::Repository;
use std::time::Duration;

/// What a run needs beside its deadline, of which every wait is a part: to cancel
/// and to say so.
const MARGIN: Duration = Duration::from_mins(3);

/// How long a cancelled run may take to end.
const GRACE_SECONDS: u32 = 120;

/// Where an application runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    CloudRun,
    DigitalOcean,
    Fly,
    Heroku,
    Kubernetes,
    Railway,
    Render,
}

/// How `migrate` comes into what `DigitalOcean` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// In an image that the buildpack made.
    Image,
    /// As a dependency of a Python project.
    Wheel,
    /// As a binary of a Rust project.
    Binary,
}

/// What is deployed, as far as a stanza must know it.
#[derive(Clone, Debug)]
pub(crate) struct Deploy {
    /// The application's name, as platforms take one.
    pub app: String,
    pub databases: Vec<Database>,
    /// Variables that migrations ask for.
    pub variables: Vec<String>,
    pub deadline: Duration,
    /// Whether nothing that is deployed says the deadline, so that the stanza must.
    pub says_deadline: bool,
    pub via: Via,
    /// Jobs that take back a deploy that has failed.
    pub with_rollback: bool,
    pub repository: Option<Repository>,
    pub branch: Option<String>,
}

/// A database of the application.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    /// As a platform's component may be called.
    pub component: String,
    /// The variable that holds its URL.
    pub variable: String,
}

/// What is to be written into which file.
#[derive(Clone, Debug)]
pub(crate) struct Stanza {
    pub file: &'static str,
    pub text: String,
}

/// A deadline that a platform does not wait for.
#[derive(Clone, Debug)]
pub struct TooLong {
    pub platform: &'static str,
    /// What it gives at most.
    pub limit: Duration,
    pub deadline: Duration,
    /// What would fit.
    pub fits: Duration,
    pub origin: Option<Origin>,
}

impl Platform {
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("cloud-run", Self::CloudRun),
        ("digitalocean", Self::DigitalOcean),
        ("fly", Self::Fly),
        ("heroku", Self::Heroku),
        ("kubernetes", Self::Kubernetes),
        ("railway", Self::Railway),
        ("render", Self::Render),
    ];

    /// As a person calls it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::CloudRun => "Cloud Run",
            Self::DigitalOcean => "DigitalOcean App Platform",
            Self::Fly => "Fly.io",
            Self::Heroku => "Heroku",
            Self::Kubernetes => "Kubernetes",
            Self::Railway => "Railway",
            Self::Render => "Render",
        }
    }

    /// The longest that it lets a migration run, where that is known and nothing
    /// lengthens it.
    fn limit(self) -> Option<Duration> {
        match self {
            Self::CloudRun => Some(Duration::from_hours(168)),
            Self::Heroku => Some(Duration::from_hours(1)),
            Self::Render => Some(Duration::from_mins(30)),
            Self::DigitalOcean | Self::Fly | Self::Kubernetes | Self::Railway => None,
        }
    }
}

impl Via {
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("image", Self::Image),
        ("wheel", Self::Wheel),
        ("binary", Self::Binary),
    ];
}

impl Deploy {
    /// What a platform must give the run in time.
    fn time(&self) -> Duration {
        self.deadline + MARGIN
    }

    /// The application's image, where it is known where that would be.
    fn image(&self) -> String {
        match &self.repository {
            Some(repository) if repository.host == "github.com" => {
                format!("ghcr.io/{}:latest", repository.name.to_lowercase())
            }
            _ => format!("registry.example.com/{}:latest", self.app),
        }
    }

    /// The deadline as an option, where the stanza must say it.
    fn option(&self) -> Option<String> {
        self.says_deadline.then(|| {
            humantime::format_duration(self.deadline)
                .to_string()
                .replace(' ', "")
        })
    }

    /// A command line with what it must say.
    fn command(&self, program: &str) -> String {
        match self.option() {
            Some(deadline) => format!("{program} up --deadline {deadline}"),
            None => program.to_owned(),
        }
    }
}

/// The stanza of a platform. `origin` is who said the deadline.
///
/// # Errors
/// A deadline that the platform does not wait for.
pub(crate) fn stanza(
    platform: Platform,
    deploy: &Deploy,
    origin: Option<Origin>,
) -> Result<Stanza, TooLong> {
    if let Some(limit) = platform.limit()
        && deploy.time() > limit
    {
        return Err(TooLong {
            platform: platform.title(),
            limit,
            deadline: deploy.deadline,
            fits: limit.saturating_sub(MARGIN),
            origin,
        });
    }
    let (file, template) = match platform {
        Platform::DigitalOcean => {
            return Ok(Stanza {
                file: digitalocean::FILE,
                text: digitalocean::text(deploy),
            });
        }
        Platform::CloudRun => ("migrate-job.yaml", include_str!("cloud-run.txt")),
        Platform::Fly => ("fly.toml", include_str!("fly.txt")),
        Platform::Heroku => ("Procfile", include_str!("heroku.txt")),
        Platform::Kubernetes => ("migrate-job.yaml", include_str!("kubernetes.txt")),
        Platform::Railway => ("railway.toml", include_str!("railway.txt")),
        Platform::Render => ("render.yaml", include_str!("render.txt")),
    };
    let text = template::filled(template, deploy);
    Ok(Stanza { file, text })
}

/// A name that every platform takes: small letters, digits and dashes, 2 to 32 of
/// them, a letter first.
pub(crate) fn component(name: &str, otherwise: &str) -> String {
    let dashed: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let from_letter = dashed.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let short: String = from_letter.chars().take(32).collect();
    let name = short.trim_end_matches('-');
    if name.len() < 2 {
        otherwise.to_owned()
    } else {
        name.to_owned()
    }
}

/// A duration as Go writes it: `1h30m`.
fn go(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 3600, 'h'),
        (seconds % 3600 / 60, 'm'),
        (seconds % 60, 's'),
    ];
    let mut text = String::new();
    for (number, unit) in parts {
        if number > 0 {
            text.push_str(&number.to_string());
            text.push(unit);
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_one_that_platforms_take() {
        for (name, is) in [
            ("shop", "shop"),
            ("My_App 2", "my-app-2"),
            ("1st", "st"),
            ("é", "app"),
            ("", "app"),
            (&"x".repeat(40), &"x".repeat(32)),
        ] {
            assert_eq!(component(name, "app"), is, "{name}");
        }
    }

    #[test]
    fn durations_are_gos() {
        for (seconds, is) in [
            (1680, "28m"),
            (5400, "1h30m"),
            (3600, "1h"),
            (61, "1m1s"),
            (0, "0s"),
        ] {
            assert_eq!(go(Duration::from_secs(seconds)), is);
        }
    }
}
