//! What a configuration says, by us and by Alembic itself.

use super::app::environment;
use migrate::formats::alembic::{IniFile, Location, SECTION};
use migrate::text::below;
use std::fs;
use std::process::Command;

/// Prints, for each project of a folder, the folders of its revisions and of its
/// packages, or that its configuration is refused. Alembic is started at the
/// project's root, and the configuration is in the folder of the second argument and
/// in the section of the third.
const ALEMBIC: &str = r#"
import os, sys, warnings
warnings.simplefilter("ignore")
from alembic import util
from alembic.config import Config
root, folder, section = sys.argv[1:]
path = list(sys.path)
for name in sorted(os.listdir(root)):
    here = os.path.join(root, name)
    os.chdir(here)
    sys.path[:] = [here] + path
    for module in [m for m in sys.modules if m.split(".")[0] in ("pkg", "app")]:
        del sys.modules[module]
    try:
        ini = os.path.join(folder, "alembic.ini")
        config = Config(ini, toml_file="pyproject.toml", ini_section=section)
        location = config.get_alembic_option("script_location")
        if location is None:
            print("none")
            continue
        packages = [os.path.relpath(it, here) for it in config.get_prepend_sys_paths_list() or []]
        locations = config.get_version_locations_list()
        if not locations:
            locations = [os.path.join(util.coerce_resource_to_filename(location), "versions")]
        else:
            locations = [util.coerce_resource_to_filename(it) for it in locations]
        recursive = config.get_alembic_boolean_option("recursive_version_locations")
        print([os.path.relpath(it, here) for it in locations], packages, bool(recursive))
    except Exception as error:
        print("refused")
"#;

const CONFIGURATIONS: &[&str] = &[
    "[alembic]\nscript_location = alembic\n",
    "[alembic]\nscript_location: alembic\n",
    "[alembic]\nscript_location=alembic\n",
    "[alembic]\nSCRIPT_LOCATION = alembic\n",
    "[alembic]\nscript_location = %(here)s/alembic\n",
    "[alembic]\nscript_location = alembic ; not a comment\n",
    "[alembic]\nscript_location = alembic # not a comment\n",
    "[alembic]\nscript_location = alembic#one\n",
    "[alembic]\nscript_location = a%%b\n",
    "[alembic]\nscript_location = a%b\n",
    "[alembic]\nscript_location = %(missing)s/a\n",
    "[DEFAULT]\nbase = db\n[alembic]\nscript_location = %(base)s/alembic\n",
    "[DEFAULT]\nscript_location = alembic\n[alembic]\n",
    "[alembic]\nbase = db\nscript_location = %(BASE)s/alembic\n",
    "[alembic]\na = %(b)s\nb = c\nscript_location = %(a)s\n",
    "[alembic]\na = %(b)s\nb = %(a)s\nscript_location = %(a)s\n",
    "[loggers]\nkeys = root\n",
    "[Alembic]\nscript_location = alembic\n",
    "[alembic]\n",
    "script_location = alembic\n",
    "[alembic]\nscript_location = a\nscript_location = b\n",
    "[alembic]\nscript_location = a\n[alembic]\nx = b\n",
    "[alembic]\nscript_location = a\nnonsense\n",
    "[alembic]\nscript_location = a\nversion_locations = alembic/versions;alembic/v2\npath_separator = ;\n",
    "[alembic]\nscript_location = a\nversion_locations = v1:v2\npath_separator = :\n",
    "[alembic]\nscript_location = a\nversion_locations = v1:v2\npath_separator = os\n",
    "[alembic]\nscript_location = a\nversion_locations = v1 v2\npath_separator = space\n",
    "[alembic]\nscript_location = a\nversion_locations =\n  v 1\n  v2\npath_separator = newline\n",
    "[alembic]\nscript_location = a\nversion_locations =\n  v1\n\n  v2\n# comment\n  v3\npath_separator = newline\n",
    "[alembic]\nscript_location = a\nversion_locations = v1, v2\n",
    "[alembic]\nscript_location = a\nversion_locations = v1   v2,v3\n",
    "[alembic]\nscript_location = a\nversion_locations = %(here)s/v1 %(here)s/v2\n",
    "[alembic]\nscript_location = a\nversion_locations = v1;v2\npath_separator = banana\n",
    "[alembic]\nscript_location = a\nversion_locations = v1;v2\nversion_path_separator = ;\n",
    "[alembic]\nscript_location = a\nversion_locations = v1;v2\npath_separator = ;\nversion_path_separator = :\n",
    "[alembic]\nscript_location = pkg:alembic\n",
    "[alembic]\nscript_location = pkg.sub:alembic\n",
    "[alembic]\nscript_location = pkg:a:b\n",
    "[alembic]\nscript_location = a\nversion_locations = pkg:one pkg.sub:two\n",
    "[alembic]\nscript_location = a\nrecursive_version_locations = true\n",
    "[alembic]\nscript_location = a\nrecursive_version_locations = True\n",
    "  [alembic]\n  script_location = alembic\n",
    "[alembic]\nscript_location = one\n  two\n",
    "; comment\n[alembic]\n; comment\nscript_location = alembic\n",
    "[alembic]\r\nscript_location = alembic\r\n",
    "[alembic] ; trailing\nscript_location = alembic\n",
    "[alembic]\nscript_location =\n    alembic\n",
    "[alembic]\nscript_location = ./alembic/\n",
    "[alembic]\nurl = postgresql://u:p%%40@h/d\nscript_location = alembic\n",
    "[alembic]\nscript_location = alembic\nurl = bad%value\n",
    "[alembic]\nscript_location = a\nprepend_sys_path = .\n",
    "[alembic]\nscript_location = a\nprepend_sys_path = one two:three,four\n",
    "[alembic]\nscript_location = a\nprepend_sys_path = one two:three,four\npath_separator = os\n",
    "[alembic]\nscript_location = a\nprepend_sys_path = a:b\nversion_path_separator = ;\n",
    "[alembic]\nscript_location = a\nprepend_sys_path = %(here)s:%(here)s/lib:./src/\n",
    "[alembic]\nscript_location = a\nprepend_sys_path = a\npath_separator = banana\n",
    "[alembic]\nscript_location = a\npath_separator = banana\n",
    "[alembic]\nscript_location = %(here)s\n",
    "[alembic]\nscript_location = .\n",
    "[alembic]\nscript_location = %(here)s/pkg:alembic\n",
    "[alembic]\nscript_location = a\n[billing]\nscript_location = b\nversion_locations = v\n",
    "[alembic]\nscript_location = a\nversion_locations = v\n[billing]\n",
    "[DEFAULT]\nversion_locations = v\n[alembic]\nscript_location = a\n[billing]\nscript_location = b\n",
    "[alembic]\nscript_location = a\n[billing]\nscript_location = %(base)s\nbase = b\n",
    "[alembic]\nbase = a\nscript_location = a\n[billing]\nscript_location = %(base)s\n",
    "[alembic]\nscript_location = a\n[ billing ]\nscript_location = b\n",
];

#[test]
#[ignore = "needs scripts/python"]
fn a_configuration_is_read_as_alembic_reads_it() {
    assert!(CONFIGURATIONS.len() >= 60);
    // At the root, and in a folder of which Alembic is not started.
    for (folder, section) in [("", SECTION), ("api", SECTION), ("api", "billing")] {
        let theirs = theirs(folder, section);
        assert_eq!(theirs.len(), CONFIGURATIONS.len());
        for (text, theirs) in CONFIGURATIONS.iter().zip(theirs) {
            assert_eq!(
                ours(text, folder, section),
                theirs,
                "{section} in {folder:?}: {text}"
            );
        }
    }
}

fn theirs(folder: &str, section: &str) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    for (number, text) in CONFIGURATIONS.iter().enumerate() {
        let here = root.path().join(format!("{number:03}"));
        fs::create_dir_all(here.join("pkg/sub")).unwrap();
        fs::write(here.join("pkg/__init__.py"), "").unwrap();
        fs::write(here.join("pkg/sub/__init__.py"), "").unwrap();
        fs::create_dir_all(here.join(folder)).unwrap();
        fs::write(here.join(folder).join("alembic.ini"), text).unwrap();
    }
    let output = Command::new(format!("{}/bin/python", environment()))
        .args(["-c", ALEMBIC])
        .arg(root.path())
        .args([folder, section])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().map(str::to_owned).collect()
}

fn ours(text: &str, folder: &str, section: &str) -> String {
    let found = IniFile::read(text, folder).and_then(|ini| ini.configuration(section));
    let Ok(found) = found else {
        return "refused".to_owned();
    };
    let Some(scripts) = &found.script_location else {
        return "none".to_owned();
    };
    let versions = match &found.version_locations[..] {
        [] => vec![below(&path(scripts), "versions")],
        locations => locations.iter().map(path).collect(),
    };
    let packages: Vec<_> = found.prepend_sys_path.iter().map(path).collect();
    let recursive = if found.is_recursive { "True" } else { "False" };
    format!("{} {} {recursive}", list(&versions), list(&packages))
}

/// A folder as it is seen from the root, where Alembic is started.
fn path(location: &Location) -> String {
    match location {
        Location::Fixed(path) if path.is_empty() => ".".to_owned(),
        Location::Fixed(path) | Location::Started(path) => path.clone(),
        Location::Package(name) => {
            let (package, folders) = name.split_once(':').unwrap();
            below(&package.replace('.', "/"), &folders.replace(':', "/"))
        }
    }
}

fn list(paths: &[String]) -> String {
    let quoted: Vec<_> = paths
        .iter()
        .map(|path| format!("'{}'", path.replace('\n', "\\n")))
        .collect();
    format!("[{}]", quoted.join(", "))
}
