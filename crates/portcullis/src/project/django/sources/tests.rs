//! Tests of the choice among the files of a project.

use super::*;

/// A folder with these empty or small files, and its plan.
fn found(files: &[(&str, &str)], root: &str) -> Result<(String, String), SourceError> {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    for (name, text) in files {
        let path = top.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let sources = choose(&top.join(root), top, "shop.settings.production", &[])?;
    let parts = sources.parts.iter().map(|part| part.file().strip_prefix(top).unwrap());
    let names: Vec<String> = parts.map(|path| path.display().to_string()).collect();
    Ok((names.join(" "), sources.why))
}

const PIPFILE: &str = "{\"default\": {\"django\": {\"version\": \"==5\"}}}";
const LIST: &str = "[project]\ndependencies = [\"Django\"]\n";

#[test]
fn a_lock_comes_before_a_list_and_the_nearest_folder_first() {
    let list = "the project's list, without a lock";
    for (files, expected, why) in [
        (
            &[("Pipfile.lock", PIPFILE), ("a/requirements.txt", "")][..],
            "Pipfile.lock",
            "the project's lock",
        ),
        (&[("a/requirements.txt", ""), ("requirements.txt", "")], "a/requirements.txt", list),
        (
            &[("requirements.txt", ""), ("requirements/production.txt", "")],
            "requirements/production.txt",
            list,
        ),
        (
            &[("pyproject.toml", LIST), ("a/pyproject.toml", "[tool.black]\n")],
            "pyproject.toml",
            list,
        ),
        (&[("a/pyproject.toml", LIST), ("requirements.txt", "")], "requirements.txt", list),
        (&[("a/README", "")], "", ""),
    ] {
        let (name, said) = found(files, "a").unwrap();
        assert_eq!((name.as_str(), said.as_str()), (expected, why), "{files:?}");
    }
}

#[test]
fn a_lock_that_cannot_be_used_is_named_with_another_way() {
    let error = found(&[("poetry.lock", "nonsense ["), ("requirements.txt", "")], "").unwrap_err();
    assert!(error.to_string().ends_with("poetry.lock: it cannot be read as a lock"), "{error}");
    assert!(error.advice.unwrap().contains("poetry export"));
}
