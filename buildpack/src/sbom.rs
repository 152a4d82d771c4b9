//! What the migrator is made of, as `CycloneDX` JSON: the crates that cargo put
//! together and their sums from the lock. No time and no serial number: equal
//! input, equal text.

use crate::compilation::Artifact;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::{fs, io};

#[derive(Debug)]
pub(crate) enum SbomError {
    Lock(toml::de::Error),
    Manifest(toml::de::Error),
    ReadManifest(io::Error),
}

/// A crate of the program, as its own manifest describes it.
struct Component {
    in_program: bool,
    license: Option<String>,
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

/// A member of a workspace may have it from there: then it is no text.
#[derive(Deserialize)]
struct Package {
    license: Option<toml::Value>,
    name: String,
    version: Option<toml::Value>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
    name: String,
    version: String,
}

/// Describes the crates of one compilation; `main` is the name of the program's.
pub(crate) fn describe(main: &str, crates: &[Artifact], lock: &str) -> Result<Vec<u8>, SbomError> {
    let lock: Lock = toml::from_str(lock).map_err(SbomError::Lock)?;
    let mut components = crates
        .iter()
        .map(|artifact| component(artifact, &lock))
        .collect::<Result<Vec<_>, _>>()?;
    components.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(bom(main, &components, &lock).to_string().into_bytes())
}

fn component(artifact: &Artifact, lock: &Lock) -> Result<Component, SbomError> {
    let manifest = fs::read_to_string(&artifact.manifest).map_err(SbomError::ReadManifest)?;
    let Package {
        license,
        name,
        version,
    } = toml::from_str::<Manifest>(&manifest)
        .map_err(SbomError::Manifest)?
        .package;
    let text =
        |value: Option<toml::Value>| value.and_then(|value| Some(value.as_str()?.to_owned()));
    // What has no checksum is no registry's.
    let is_local = |locked: &&Locked| locked.name == name && locked.checksum.is_none();
    let in_lock = || lock.package.iter().find(is_local);
    Ok(Component {
        in_program: artifact.in_program,
        license: text(license),
        version: text(version)
            .or_else(|| in_lock().map(|locked| locked.version.clone()))
            .unwrap_or_else(|| "0.0.0".to_string()),
        name,
    })
}

fn bom(main: &str, components: &[Component], lock: &Lock) -> Value {
    let is_main = |component: &&Component| component.name == main;
    let libraries = components.iter().filter(|component| !is_main(component));
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": components.iter().find(is_main).map(|main| entry(main, "application", lock)),
        },
        "components": libraries.map(|library| entry(library, "library", lock)).collect::<Vec<_>>(),
        "dependencies": edges(components, lock),
    })
}

fn entry(component: &Component, kind: &str, lock: &Lock) -> Value {
    let purl = purl(&component.name, &component.version);
    let mut entry = json!({
        "type": kind,
        "bom-ref": purl,
        "name": component.name,
        "version": component.version,
        "purl": purl,
        // What only helped to compile is named, and named as such.
        "scope": if component.in_program { "required" } else { "excluded" },
    });
    if let Some(license) = &component.license {
        // Before SPDX expressions, crates wrote a slash for "or".
        let expression = license.replace('/', " OR ");
        entry["licenses"] = json!([{ "expression": expression }]);
    }
    let locked = lock
        .package
        .iter()
        .find(|locked| locked.name == component.name && locked.version == component.version);
    if let Some(checksum) = locked.and_then(|locked| locked.checksum.as_ref()) {
        entry["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    entry
}

/// Who needs whom: the lock's lines, as far as both ends were compiled.
fn edges(components: &[Component], lock: &Lock) -> Vec<Value> {
    let compiled: BTreeMap<(&str, &str), String> = components
        .iter()
        .map(|Component { name, version, .. }| {
            ((name.as_str(), version.as_str()), purl(name, version))
        })
        .collect();
    let find = |line: &str| {
        // "name", or "name version" where the lock holds more than one of it.
        let mut words = line.split(' ');
        let (name, version) = (words.next()?, words.next());
        compiled
            .iter()
            .find(|((n, v), _)| *n == name && version.is_none_or(|version| version == *v))
            .map(|(_, purl)| purl.as_str())
    };
    lock.package
        .iter()
        .filter_map(|locked| {
            let purl = compiled.get(&(locked.name.as_str(), locked.version.as_str()))?;
            let needs: Vec<_> = locked
                .dependencies
                .iter()
                .filter_map(|line| find(line))
                .collect();
            Some(json!({ "ref": purl, "dependsOn": needs }))
        })
        .collect()
}

fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn artifact(folder: &Path, name: &str, version: &str, in_program: bool) -> Artifact {
        let manifest = folder.join(format!("{name}-{version}.toml"));
        let text = format!(
            "[package]\nname = \"{name}\"\nversion = \"{version}\"\nlicense = \"MIT/Apache-2.0\"\n"
        );
        fs::write(&manifest, text).unwrap();
        Artifact {
            manifest,
            in_program,
        }
    }

    #[test]
    fn only_what_was_compiled_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let lock = r#"
            [[package]]
            name = "migrator"
            version = "0.1.0"
            dependencies = ["sqlx", "syn 2.0.0", "not-compiled"]
            [[package]]
            name = "not-compiled"
            version = "1.0.0"
            [[package]]
            name = "sqlx"
            version = "0.9.0"
            checksum = "abc"
            [[package]]
            name = "syn"
            version = "1.0.0"
            [[package]]
            name = "syn"
            version = "2.0.0"
        "#;
        let crates = [
            artifact(folder.path(), "syn", "2.0.0", false),
            artifact(folder.path(), "sqlx", "0.9.0", true),
            artifact(folder.path(), "migrator", "0.1.0", true),
        ];
        let bom: Value =
            serde_json::from_slice(&describe("migrator", &crates, lock).unwrap()).unwrap();
        assert_eq!(bom["metadata"]["component"]["name"], "migrator");
        assert_eq!(
            bom["components"],
            json!([
                {
                    "type": "library", "bom-ref": "pkg:cargo/sqlx@0.9.0", "name": "sqlx",
                    "version": "0.9.0", "purl": "pkg:cargo/sqlx@0.9.0", "scope": "required",
                    "licenses": [{ "expression": "MIT OR Apache-2.0" }],
                    "hashes": [{ "alg": "SHA-256", "content": "abc" }],
                },
                {
                    "type": "library", "bom-ref": "pkg:cargo/syn@2.0.0", "name": "syn",
                    "version": "2.0.0", "purl": "pkg:cargo/syn@2.0.0", "scope": "excluded",
                    "licenses": [{ "expression": "MIT OR Apache-2.0" }],
                },
            ])
        );
        assert_eq!(
            bom["dependencies"][0],
            json!({ "ref": "pkg:cargo/migrator@0.1.0", "dependsOn": ["pkg:cargo/sqlx@0.9.0", "pkg:cargo/syn@2.0.0"] })
        );
    }
}
