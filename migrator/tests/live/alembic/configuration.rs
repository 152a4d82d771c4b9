//! What a configuration says, by us and by Alembic itself.

use super::app::environment;
use migrate::formats::alembic::Configuration;
use std::fs;
use std::process::Command;

/// Prints, for each configuration of a folder, the folders of its revisions, or that
/// it is refused.
const ALEMBIC: &str = r#"
import os, sys, warnings
warnings.simplefilter("ignore")
from alembic import util
from alembic.config import Config
root = sys.argv[1]
for name in sorted(os.listdir(root)):
    here = os.path.join(root, name)
    os.chdir(here)
    sys.path[:1] = [here]
    for module in [m for m in sys.modules if m.split(".")[0] in ("pkg", "app")]:
        del sys.modules[module]
    try:
        config = Config("alembic.ini", toml_file="pyproject.toml")
        location = config.get_alembic_option("script_location")
        if location is None:
            print("none")
            continue
        locations = config.get_version_locations_list()
        if not locations:
            locations = [os.path.join(util.coerce_resource_to_filename(location), "versions")]
        else:
            locations = [util.coerce_resource_to_filename(it) for it in locations]
        recursive = config.get_alembic_boolean_option("recursive_version_locations")
        print([os.path.relpath(it, here) for it in locations], bool(recursive))
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
];

#[test]
#[ignore = "needs scripts/python"]
fn a_configuration_is_read_as_alembic_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    for (number, text) in CONFIGURATIONS.iter().enumerate() {
        let here = folder.path().join(format!("{number:03}"));
        fs::create_dir_all(here.join("pkg/sub")).unwrap();
        fs::write(here.join("pkg/__init__.py"), "").unwrap();
        fs::write(here.join("pkg/sub/__init__.py"), "").unwrap();
        fs::write(here.join("alembic.ini"), text).unwrap();
    }
    let output = Command::new(format!("{}/bin/python", environment()))
        .args(["-c", ALEMBIC])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<_> = said.lines().collect();
    assert_eq!(theirs.len(), CONFIGURATIONS.len());
    assert!(CONFIGURATIONS.len() >= 50);
    for (text, theirs) in CONFIGURATIONS.iter().zip(theirs) {
        let ours = match Configuration::of_ini(text) {
            Err(_) => "refused".to_owned(),
            Ok(found) if found.script_location.is_none() => "none".to_owned(),
            Ok(found) => {
                let folders: Vec<_> = found
                    .folders()
                    .iter()
                    .map(|folder| format!("'{}'", folder.replace('\n', "\\n")))
                    .collect();
                let recursive = if found.is_recursive { "True" } else { "False" };
                format!("[{}] {recursive}", folders.join(", "))
            }
        };
        assert_eq!(ours, theirs, "{text}");
    }
}
