//! Tests of what counts: everything that pip reads, and no place that does not matter.

use portcullis_supervise::environment::Environment;
use tempfile::TempDir;

use super::Requirements;

/// A folder with a project.
struct Folder(TempDir);

/// Both keys, and whether something is unknown.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    key: String,
    content: String,
    unknown: Option<String>,
}

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn with(&self, root: &str, requirements: &[u8], variables: &[(&str, &str)]) -> Found {
        self.write("r.txt", requirements);
        let mut environment = Environment::default();
        environment.set("HOME", self.0.path());
        environment.set("XDG_CONFIG_DIRS", self.0.path().join("xdg"));
        variables.iter().for_each(|(name, value)| environment.set(name, value));
        let root = self.0.path().join(root);
        let mut all = Requirements::new(&root, &environment, &|_| None);
        all.add(&self.0.path().join("r.txt"));
        let Requirements { key, content, unknown, .. } = all;
        Found { key: key.finish(), content: content.finish(), unknown }
    }

    fn of(&self, requirements: &str) -> Found {
        self.with("", requirements.as_bytes(), &[])
    }

    /// Whether both keys change with the content of a file.
    fn counts(&self, file: &str, found: &dyn Fn() -> Found) {
        let of = |content: &str| {
            self.write(file, content);
            found()
        };
        let (before, after) = (of("1"), of("2"));
        assert_eq!((&before.unknown, &after.unknown), (&None, &None));
        assert!(before.key != after.key && before.content != after.content, "{file}");
        assert_eq!(of("1"), before);
    }
}

#[test]
fn a_copy_changes_with_its_code_and_what_is_editable_with_its_place() {
    let folder = Folder::new();
    for root in ["a", "b"] {
        folder.write(&format!("{root}/lib/setup.py"), "setup()");
        folder.write(&format!("{root}/lib/lib.py"), "1");
    }
    let all = |root| ["./lib", "-e ./lib", "lib"].map(|l| folder.with(root, l.as_bytes(), &[]));
    let before = all("a");
    assert_eq!(before, all("a"));
    let other = all("b");
    assert!(before[0].key != other[0].key && before[1].key != other[1].key, "another place");
    assert_eq!(before[1].content, other[1].content, "but the same content");
    assert_eq!(before[2], other[2], "a name has no place");
    folder.write("a/lib/lib.py", "2");
    folder.write("a/lib/build/left.py", "3");
    let after = all("a");
    assert!(before[0].key != after[0].key, "the copy is another one");
    assert_eq!(before[1].key, after[1].key, "it is used where it is");
    assert_ne!(before[1].content, after[1].content, "but the code is another one");
    folder.write("a/lib/lib.py", "1");
    assert_eq!(all("a"), before, "what a build leaves counts for nothing");
    folder.write("a/lib/more.in", "django==5.2");
    assert_ne!(all("a")[1].key, before[1].key, "a build may read it");
}

#[test]
fn an_included_file_counts_whatever_its_line_looks_like() {
    let folder = Folder::new();
    let url = format!("-r file://{}/base%2Etxt", folder.0.path().display());
    let utf_16: Vec<u8> = "\u{feff}-r base.txt".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for line in [
        b"# caf\xe9\n-r base.txt  # shared".to_vec(),
        b"\xef\xbb\xbf-r base.txt".to_vec(),
        utf_16,
        b"--constr=base.txt".to_vec(),
        b"-c \\\n base.txt".to_vec(),
        b"-r ${NAME}.txt".to_vec(),
        b"--no-index --constraint 'base.txt'".to_vec(),
        url.into_bytes(),
    ] {
        folder.counts("base.txt", &|| folder.with("", &line, &[("NAME", "base")]));
    }
    folder.counts("my base.txt", &|| folder.of("-r 'my base.txt'"));
}

#[test]
fn packages_and_projects_on_this_machine_count() {
    let folder = Folder::new();
    folder.counts("x-1.0-py3-none-any.whl", &|| folder.of("x-1.0-py3-none-any.whl"));
    folder.counts("wheels/x.whl", &|| folder.of("--find-links wheels\nx"));
    let url = format!("--extra-index-url file://{}/simple", folder.0.path().display());
    folder.counts("simple/x/index.html", &|| folder.of(&url));
    folder.write("my pkg/setup.py", "setup()");
    folder.counts("my pkg/code.py", &|| folder.of("./my pkg"));
    folder.write("one/pyproject.toml", "common = { path = \"../common\" }");
    folder.counts("common/code.py", &|| folder.of("./one"));
}

#[test]
fn pips_own_configuration_counts_and_what_it_names() {
    let folder = Folder::new();
    let variables = |name| [(name, "1"), (name, "2")].map(|v| folder.with("", b"x", &[v]));
    for name in ["PIP_INDEX_URL", "PIP_ANYTHING", "UV_INDEX"] {
        let [one, other] = variables(name);
        assert!(one.key != other.key && one.content != other.content, "{name}");
    }
    let [one, other] = variables("LC_ALL");
    assert_eq!(one, other);
    let absent = folder.of("x");
    for file in [".pip/pip.conf", ".config/pip/pip.conf", "xdg/pip/pip.conf", "own.conf"] {
        let own = folder.0.path().join("own.conf").display().to_string();
        let variables = [("PIP_CONFIG_FILE", own.as_str())];
        folder.counts(file, &|| folder.with("", b"x", &variables));
    }
    assert_ne!(folder.of("x").key, absent.key);
    folder.counts("c.txt", &|| folder.with("", b"x", &[("PIP_CONSTRAINT", "c.txt")]));
    folder.write(".pip/pip.conf", "[install]\nconstraint =\n    d.txt\n");
    folder.counts("d.txt", &|| folder.of("x"));
}

#[test]
fn what_is_not_known_is_told() {
    let folder = Folder::new();
    for line in [
        "-r https://host/base.txt",
        "-r 'base.txt",
        "--unheard-of x",
        "x @ git+file:///repo@main",
        "-e git+file:///repo#egg=x",
        "-f file://host/wheels",
    ] {
        assert!(folder.of(line).unknown.is_some(), "{line}");
    }
    for line in ["x==1", "-r absent.txt", "git+https://host/x", "-i https://host/simple", ""] {
        assert_eq!(folder.of(line).unknown, None, "{line}");
    }
}
