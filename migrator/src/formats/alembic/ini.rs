//! An ini file as Python reads it: `configparser.ConfigParser` with its defaults,
//! which is what Alembic uses (Python 3.11, `configparser.py`, `_read` and
//! `BasicInterpolation`).

use std::collections::BTreeMap;

/// A file's sections; options are in small letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ini {
    defaults: BTreeMap<String, String>,
    sections: BTreeMap<String, BTreeMap<String, String>>,
}

/// How deep one value may lead to another.
const DEEPEST: usize = 10;

/// The section whose options every other one has.
const DEFAULT: &str = "DEFAULT";

impl Ini {
    /// Reads a text; `here` is what `%(here)s` means.
    ///
    /// # Errors
    /// What Python would refuse, in its words.
    pub(super) fn read(text: &str, here: &str) -> Result<Self, String> {
        let mut ini = Self {
            defaults: BTreeMap::from([("here".to_owned(), here.to_owned())]),
            sections: BTreeMap::new(),
        };
        // The lines of each value: joined at the end, as Python does.
        let mut values: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        let mut section: Option<String> = None;
        let mut option: Option<String> = None;
        let mut indent = 0;
        for (number, line) in text.lines().enumerate() {
            let number = number + 1;
            let value = line.trim();
            if value.starts_with(['#', ';']) {
                continue;
            }
            if value.is_empty() {
                // An empty line is one of the value, which ends without those at its
                // end.
                if let (Some(section), Some(option)) = (&section, &option)
                    && let Some(lines) = values.get_mut(&(section.clone(), option.clone()))
                {
                    lines.push(String::new());
                }
                continue;
            }
            let now = line.chars().take_while(|c| c.is_whitespace()).count();
            if let (Some(section), Some(option)) = (&section, &option)
                && now > indent
            {
                if let Some(lines) = values.get_mut(&(section.clone(), option.clone())) {
                    lines.push(value.to_owned());
                }
                continue;
            }
            indent = now;
            if let Some(name) = header(value) {
                if name != DEFAULT && ini.sections.contains_key(name) {
                    return Err(format!("line {number}: section '{name}' already exists"));
                }
                if name != DEFAULT {
                    ini.sections.insert(name.to_owned(), BTreeMap::new());
                }
                section = Some(name.to_owned());
                option = None;
                continue;
            }
            let Some(section) = &section else {
                return Err(format!(
                    "line {number}: the file contains no section headers"
                ));
            };
            let Some((name, first)) = value.split_once(['=', ':']) else {
                return Err(format!(
                    "line {number}: a name and a value are expected: {value}"
                ));
            };
            let name = name.trim_end().to_lowercase();
            if name.is_empty() {
                return Err(format!("line {number}: a name is expected: {value}"));
            }
            let key = (section.clone(), name.clone());
            if values.contains_key(&key) {
                return Err(format!(
                    "line {number}: option '{name}' in section '{section}' already exists"
                ));
            }
            values.insert(key, vec![first.trim().to_owned()]);
            option = Some(name);
        }
        for ((section, option), lines) in values {
            let value = lines.join("\n").trim_end().to_owned();
            if section == DEFAULT {
                ini.defaults.insert(option, value);
            } else if let Some(options) = ini.sections.get_mut(&section) {
                options.insert(option, value);
            }
        }
        Ok(ini)
    }

    /// The names of the sections; the defaults are none.
    pub(super) fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// An option's value, with what it refers to filled in; `None` where neither the
    /// section nor the defaults have it, or there is no such section.
    ///
    /// # Errors
    /// A reference that Python would refuse.
    pub(super) fn get(&self, section: &str, option: &str) -> Result<Option<String>, String> {
        let Some(options) = self.sections.get(section) else {
            return Ok(None);
        };
        match options.get(option).or_else(|| self.defaults.get(option)) {
            Some(value) => self.interpolate(options, option, value, 1).map(Some),
            None => Ok(None),
        }
    }

    fn interpolate(
        &self,
        options: &BTreeMap<String, String>,
        option: &str,
        value: &str,
        depth: usize,
    ) -> Result<String, String> {
        if depth > DEEPEST {
            return Err(format!(
                "{option}: the values refer to each other too deeply"
            ));
        }
        let mut filled = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('%') {
            filled.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                filled.push('%');
                rest = after;
                continue;
            }
            let Some((name, after)) = after
                .strip_prefix('(')
                .and_then(|after| after.split_once(")s"))
                .filter(|(name, _)| !name.contains(')'))
            else {
                return Err(format!(
                    "{option}: '%' must be followed by '%' or '(', found: '%{after}'"
                ));
            };
            let name = name.to_lowercase();
            let Some(other) = options.get(&name).or_else(|| self.defaults.get(&name)) else {
                return Err(format!("{option}: the reference %({name})s does not exist"));
            };
            filled.push_str(&if other.contains('%') {
                self.interpolate(options, option, other, depth + 1)?
            } else {
                other.clone()
            });
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// The name in a section's header: to the last bracket.
fn header(line: &str) -> Option<&str> {
    let inside = line.strip_prefix('[')?;
    let end = inside.rfind(']')?;
    inside.get(..end).filter(|name| !name.is_empty())
}
