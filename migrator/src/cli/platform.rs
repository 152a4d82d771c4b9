//! What can be typed of a platform.

use crate::platforms::{Platform, Road};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

#[derive(Args, Clone, Debug)]
pub(super) struct Spec {
    #[arg(value_parser = one_of(Platform::ALL))]
    pub(super) platform: Platform,
    /// With the jobs that take back a deploy that has failed (digitalocean)
    #[arg(long)]
    pub(super) with_rollback: bool,
    /// How migrate comes into what runs (digitalocean) [default: by the project's files]
    #[arg(long, value_parser = one_of(Road::ALL))]
    pub(super) road: Option<Road>,
}

/// Reads one of a few words.
fn one_of<T, const N: usize>(words: [(&'static str, T); N]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(words.map(|(word, _)| word)).try_map(move |typed| {
        let found = words.iter().find(|(word, _)| *word == typed);
        found.map(|(_, value)| *value).ok_or("it is none of them")
    })
}

impl Spec {
    /// What clap cannot say of what was typed: options that the platform has no use
    /// for.
    ///
    /// # Errors
    /// The first of them, in words.
    pub(super) fn fits(&self) -> Result<(), String> {
        let title = self.platform.title();
        if self.platform == Platform::DigitalOcean {
            Ok(())
        } else if self.with_rollback {
            Err(format!(
                "{title} runs nothing when a deploy has failed, so that there is nothing that \
                 --with-rollback could add; run `migrate down --unconfirmed` where a deploy's \
                 failure is seen, and `migrate confirm` where its success is"
            ))
        } else if self.road.is_some() {
            Err(format!(
                "{title} has one way to run `migrate`: --road is for digitalocean"
            ))
        } else {
            Ok(())
        }
    }
}
