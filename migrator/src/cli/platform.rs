//! What can be typed of a platform.

use crate::platforms::{Platform, Via};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

#[derive(Args, Clone, Debug)]
pub(super) struct Spec {
    #[arg(value_parser = one_of(Platform::ALL))]
    pub(super) platform: Platform,
    /// Also print the jobs that revert a failed deploy (digitalocean)
    #[arg(long)]
    pub(super) with_rollback: bool,
    /// How migrate gets into what runs (digitalocean) [default: chosen by the project's files]
    #[arg(long, value_parser = one_of(Via::ALL))]
    pub(super) via: Option<Via>,
}

/// Reads one of a few words.
fn one_of<T, const N: usize>(words: [(&'static str, T); N]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(words.map(|(word, _)| word)).try_map(move |typed| {
        let found = words.iter().find(|(word, _)| *word == typed);
        found
            .map(|(_, value)| *value)
            .ok_or("it is not one of them")
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
                "{title} runs nothing when a deploy has failed, so --with-rollback could add nothing; \
                 run `migrate down --unconfirmed` where you detect that a deploy failed, and \
                 `migrate confirm` where you detect that it succeeded"
            ))
        } else if self.via.is_some() {
            Err(format!(
                "{title} has one way to run `migrate`: --via is for digitalocean"
            ))
        } else {
            Ok(())
        }
    }
}
