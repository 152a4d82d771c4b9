//! How the program talks, which must be known before anything can be said.

use super::ConfigError;
use super::file::File;
use super::lookup::Lookup;
use super::setting::Setting;

/// For whom the output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    #[default]
    Human,
    Json,
}

/// When diagnostics have colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    Always,
    /// On a terminal, and without `NO_COLOR`.
    #[default]
    Auto,
    Never,
}

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Only how it ended.
    Quiet,
    #[default]
    Usual,
    /// Also every setting that is not the default, and where it came from.
    Verbose,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presentation {
    pub output: Output,
    pub color: Color,
    pub detail: Detail,
}

impl Presentation {
    /// How to talk, and what is wrong with what was said about it: that, too,
    /// must be told in some way. `file` is `None` where it could not be read.
    ///
    /// # Errors
    /// The first value that is none.
    pub fn resolve(lookup: Lookup<'_>, file: Option<&File>) -> (Self, Result<(), ConfigError>) {
        let mut presentation = Self::default();
        let result = presentation.fill(lookup, file);
        (presentation, result)
    }

    fn fill(&mut self, lookup: Lookup<'_>, file: Option<&File>) -> Result<(), ConfigError> {
        let keys = file.map(File::presentation).unwrap_or_default();
        let output = lookup.find("output", keys.output.as_ref())?;
        self.output = output.map_or(self.output, |found| found.value);
        let no_color = lookup.environment.setting("NO_COLOR");
        self.color = match lookup.find("color", keys.color.as_ref())? {
            Some(found) => found.value,
            None if no_color.is_ok_and(|found| found.is_some()) => Color::Never,
            None => Color::Auto,
        };
        let quiet = lookup.find("quiet", keys.quiet.as_ref())?;
        let verbose = lookup.find("verbose", keys.verbose.as_ref())?;
        self.detail = detail(quiet, verbose);
        Ok(())
    }
}

/// What `migrate.toml` says of it.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) color: Option<Setting<Color>>,
    pub(super) output: Option<Setting<Output>>,
    pub(super) quiet: Option<Setting<bool>>,
    pub(super) verbose: Option<Setting<bool>>,
}

/// Where both are wanted, the one counts that was said in the stronger place.
fn detail(quiet: Option<Setting<bool>>, verbose: Option<Setting<bool>>) -> Detail {
    let wanted = |found: Option<Setting<bool>>| found.filter(|found| found.value);
    match (wanted(quiet), wanted(verbose)) {
        (None, None) => Detail::Usual,
        (Some(quiet), Some(verbose)) if verbose.origin.rank() < quiet.origin.rank() => {
            Detail::Verbose
        }
        (Some(_), _) => Detail::Quiet,
        (None, Some(_)) => Detail::Verbose,
    }
}
