//! Locks as their tools write them: the samples are real, with other hosts and fewer files.

use super::*;

const UV: &str = include_str!("samples/uv.lock");
const POETRY: &str = include_str!("samples/poetry.lock");
const PDM: &str = include_str!("samples/pdm.lock");
const PIPENV: &str = include_str!("samples/Pipfile.lock");

fn read_with(name: &str, text: &str, groups: &[&str], project: &str) -> Result<Locked, LockError> {
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    let tree = read_toml(project).unwrap();
    let (_, read, _) = KINDS.iter().find(|(known, ..)| *known == name).unwrap();
    read(text, Wanted { pyproject: Some(&tree), groups: &groups, member: "." })
}

/// The lines without their hashes.
fn lines(name: &str, text: &str, groups: &[&str], project: &str) -> Vec<String> {
    let locked = read_with(name, text, groups, project).unwrap();
    let parts = parts(&locked, |path| format!("/p/{path}"));
    let lines = parts.iter().flat_map(|part| part.lines());
    let mut lines: Vec<String> =
        lines.map(|line| line.split(" --hash=").next().unwrap().to_owned()).collect();
    lines.sort();
    lines
}

const COMMIT: &str = "65013a7fb267f259f33311ada5208db91a5fde10";

/// What all samples have in common, besides the versions of `asgiref` and others.
fn expect_common(name: &str, lines: &[String]) {
    for line in [
        "asgiref==3.13.0",
        "certifi==2026.10.19.post1",
        "charset-normalizer==3.5.3",
        "idna==3.20",
        "pysocks==1.7.1",
        "requests==2.34.2",
        "urllib3==2.8.0",
    ] {
        let is_it = |known: &&String| known.split(" ;").next() == Some(line);
        assert_eq!(lines.iter().filter(is_it).count(), 1, "{name}: {line} in {lines:#?}");
    }
    let git = format!("gitcode @ git+https://git.example/repo@{COMMIT}");
    assert!(lines.contains(&git), "{name}: {lines:#?}");
}

#[test]
fn a_lock_of_each_tool_gives_what_the_tool_installs() {
    let shop = "[project]\nname = \"shop\"\n";
    let uv = lines("uv.lock", UV, &[], shop);
    expect_common("uv", &uv);
    assert!(uv.contains(&"async-timeout==5.0.1 ; python_full_version < '3.12'".to_owned()));
    assert!(uv.contains(&"colorama==0.4.6 ; sys_platform == 'win32'".to_owned()), "{uv:#?}");
    assert!(uv.contains(&"shared-code @ file:///p/libs/shared".to_owned()), "{uv:#?}");
    assert_eq!(uv.len(), 11, "{uv:#?}");
    let poetry = lines("poetry.lock", POETRY, &[], shop);
    expect_common("poetry", &poetry);
    // Never met, since requirements have no extras.
    assert!(poetry.contains(&"sqlparse==0.6.1 ; extra == \"extra\"".to_owned()), "{poetry:#?}");
    assert!(poetry.contains(&"tzdata==2026.6 ; sys_platform == \"win32\"".to_owned()));
    assert!(poetry.contains(&"--extra-index-url https://index.example/simple".to_owned()));
    assert_eq!(poetry.len(), 12, "{poetry:#?}");
    let pdm = lines("pdm.lock", PDM, &[], shop);
    expect_common("pdm", &pdm);
    assert!(pdm.contains(&"colorama==0.4.6 ; sys_platform == \"win32\"".to_owned()), "{pdm:#?}");
    assert_eq!(pdm.len(), 9, "{pdm:#?}");
    let pipenv = lines("Pipfile.lock", PIPENV, &[], shop);
    expect_common("pipenv", &pipenv);
    // Pipenv has locked no version of it.
    assert!(pipenv.contains(&"colorama".to_owned()), "{pipenv:#?}");
    assert!(pipenv.contains(&"shared-code @ file:///p/./libs/shared".to_owned()), "{pipenv:#?}");
    assert_eq!(pipenv.len(), 10, "{pipenv:#?}");
}

#[test]
fn groups_and_extras_are_added() {
    for (name, text, groups, added) in [
        ("uv.lock", UV, &["lint"][..], &["pathspec==1.1.1"][..]),
        (
            "uv.lock",
            UV,
            &["dev", "extra"],
            &["iniconfig==2.3.1", "pathspec==1.1.1", "sqlparse==0.6.1"],
        ),
        ("poetry.lock", POETRY, &["dev"], &["iniconfig==2.3.1"]),
        ("poetry.lock", POETRY, &["Extra"], &["sqlparse==0.6.1 ; python_version >= \"3\""]),
        ("pdm.lock", PDM, &["dev", "extra"], &["iniconfig==2.3.1", "sqlparse==0.6.1"]),
        ("Pipfile.lock", PIPENV, &["dev"], &["iniconfig==2.3.1 ; python_version >= '3.10'"]),
    ] {
        let (without, with) = (lines(name, text, &[], ""), lines(name, text, groups, ""));
        for line in added {
            assert!(!without.contains(&(*line).to_owned()), "{name}: {line}");
            assert!(with.contains(&(*line).to_owned()), "{name}: {line} in {with:#?}");
        }
        let error = read_with(name, text, &["dav"], "").unwrap_err();
        assert!(error.to_string().contains("dev"), "{name}: {error}");
    }
}

#[test]
fn a_lock_of_poetry_1_is_walked_from_what_the_project_names() {
    let old: String = POETRY
        .lines()
        .filter(|line| !line.starts_with("groups = ") && !line.starts_with("markers = "))
        .map(|line| format!("{line}\n"))
        .collect();
    let project = "[tool.poetry.dependencies]\npython = \"^3.11\"\nasgiref = \"^3.7\"\n\
        requests = { version = \"^2.31\", extras = [\"socks\"] }\n\
        tzdata = { version = \"*\", markers = \"sys_platform == 'win32'\" }\n\
        gitcode = { git = \"x\" }\nsqlparse = { version = \"*\", optional = true }\n\
        [tool.poetry.group.dev.dependencies]\niniconfig = \"*\"\n";
    let found = lines("poetry.lock", &old, &[], project);
    let socks = |line: &String| line.starts_with("pysocks==");
    let position = found.iter().position(socks).unwrap();
    let mut plain = found.clone();
    plain[position] = "pysocks==1.7.1".to_owned();
    expect_common("poetry 1", &plain);
    assert_eq!(found[position], "pysocks==1.7.1 ; python_version >= \"3\"");
    assert!(found.contains(&"tzdata==2026.6 ; sys_platform == 'win32'".to_owned()), "{found:#?}");
    assert_eq!(found.len(), 10, "{found:#?}");
    let more = lines("poetry.lock", &old, &["dev", "extra"], project);
    assert_eq!(more.len(), 12, "{more:#?}");
    let bare: String = project.lines().skip(6).map(|line| format!("{line}\n")).collect();
    assert_eq!(lines("poetry.lock", &old, &[], &bare), Vec::<String>::new());
}

#[test]
fn packages_with_hashes_are_apart_and_a_private_index_is_not_mixed() {
    let plain = Pinned {
        name: "a".into(),
        source: Source::Index { version: "==1".into(), index: None },
        marker: String::new(),
        hashes: vec!["sha256:00".into(), "sha256:11".into()],
    };
    let private = Source::Index { version: "==2".into(), index: Some("https://p.example".into()) };
    let locked = Locked {
        packages: vec![
            plain.clone(),
            Pinned { name: "b".into(), source: private, hashes: Vec::new(), ..plain.clone() },
            Pinned { name: "c".into(), hashes: Vec::new(), ..plain.clone() },
            Pinned {
                name: "d".into(),
                source: Source::Local("my lib".into()),
                marker: "x or y".into(),
                ..plain
            },
        ],
        indexes: vec!["https://p.example".into(), "wheels".into()],
        ..Locked::default()
    };
    let expected = [
        "--extra-index-url https://p.example\n--find-links file:///r/wheels\n\
         a==1 --hash=sha256:00 --hash=sha256:11\n",
        "c==1\nd @ file:///r/my%20lib ; x or y\n",
        "--index-url https://p.example\nb==2\n",
    ];
    assert_eq!(parts(&locked, |path| format!("/r/{path}")), expected);
}

#[test]
fn what_requirements_cannot_say_is_refused() {
    let beyond = |name: &str, text: &str| match read_with(name, text, &[], "") {
        Err(LockError::Beyond(why)) => why,
        other => panic!("{name}: {other:?}"),
    };
    let old: String =
        PDM.lines().filter(|l| !l.starts_with("groups")).map(|l| format!("{l}\n")).collect();
    assert!(beyond("pdm.lock", &old).contains("inherit_metadata"));
    let conflict = UV.replace(
        "{ name = \"gitcode\" }",
        "{ name = \"gitcode\", marker = \"extra == 'extra-4-shop-a'\" }",
    );
    assert!(beyond("uv.lock", &conflict).contains("exclude"));
    for (name, ..) in KINDS {
        for text in ["", "{", "[[package]]\nversion = \"1\"\n", "[]", "package = 1\n"] {
            let _ = read_with(name, text, &[], "");
        }
    }
    assert_eq!(read_with("uv.lock", "", &[], ""), Err(LockError::Unreadable));
    assert_eq!(read_with("Pipfile.lock", "[]", &[], ""), Err(LockError::Unreadable));
}

#[test]
fn a_member_of_a_workspace_has_its_own_packages() {
    let lock = "version = 1\n\
        [[package]]\nname = \"top\"\nversion = \"0\"\nsource = { virtual = \".\" }\n\
        [[package]]\nname = \"api\"\nversion = \"0\"\nsource = { editable = \"services/api\" }\n\
        dependencies = [{ name = \"x\", version = \"2\" }, { name = \"lib\" }]\n\
        [[package]]\nname = \"lib\"\nversion = \"0\"\nsource = { editable = \"libs/lib\" }\n\
        dependencies = [{ name = \"x\", version = \"1\", marker = \"os_name == 'nt'\" }]\n\
        [[package]]\nname = \"x\"\nversion = \"1\"\nsource = { registry = \"https://i.example\" }\n\
        [[package]]\nname = \"x\"\nversion = \"2\"\nsource = { registry = \"https://i.example\" }\n";
    let of = |member: &str| {
        let wanted = Wanted { pyproject: None, groups: &[], member };
        let locked = uv::read(lock, wanted).unwrap();
        (locked.is_package, parts(&locked, |path| format!("/r/{path}")).concat())
    };
    assert_eq!(of("."), (false, String::new()));
    let api = "lib @ file:///r/libs/lib\nx==1 ; os_name == 'nt'\nx==2\n";
    assert_eq!(of("services/api"), (true, api.to_owned()));
}

#[test]
fn lists_without_a_lock_are_read() {
    let of = |text: &str, groups: &[&str]| {
        let groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
        pyproject::requirements(&read_toml(text).unwrap(), &groups)
    };
    let text = "[project]\ndependencies = [\"Django>=5\", \"a @ https://x/a.whl\"]\n\
        [project.optional-dependencies]\nSQL = [\"psycopg\"]\n\
        [dependency-groups]\ndev = [\"b\", { include-group = \"Lint\" }]\n\
        lint = [\"c\", { include-group = \"dev\" }]\n";
    assert_eq!(of(text, &[]).unwrap().unwrap(), ["Django>=5", "a @ https://x/a.whl"]);
    let all = of(text, &["sql", "dev"]).unwrap().unwrap();
    assert_eq!(all, ["Django>=5", "a @ https://x/a.whl", "psycopg", "b", "c"]);
    let known = of(text, &["x"]).unwrap_err().to_string();
    assert!(known.contains("SQL, dev, lint"), "{known}");
    let poetry = "[tool.poetry.dependencies]\npython = \"^3.11\"\ndjango = \"^5.2\"\n\
        a = \"~1.4\"\nb = \"^0.3.1\"\nc = { version = \"2.0\", extras = [\"x\"], markers = \"m\" }\n\
        d = \"*\"\ne = \">=1,<2\"\nf = { version = \"1\", optional = true }\n\
        [tool.poetry.group.dev.dependencies]\ng = \"1.5.*\"\n";
    assert_eq!(
        of(poetry, &["dev"]).unwrap().unwrap(),
        [
            "django>=5.2,<6",
            "a>=1.4,<1.5",
            "b>=0.3.1,<0.4",
            "c[x]==2.0 ; m",
            "d",
            "e>=1,<2",
            "g==1.5.*"
        ]
    );
    assert_eq!(of("[tool.black]\n", &[]), Ok(None));
    assert_eq!(of("[project]\nname = \"x\"\ndynamic = [\"dependencies\"]\n", &[]), Ok(None));
    assert!(of("[tool.poetry.dependencies]\na = { git = \"x\" }\n", &[]).is_err());
    assert!(pyproject::needs_uv(&read_toml("[tool.uv.sources]\na = { path = \"x\" }\n").unwrap()));
    assert!(!pyproject::needs_uv(&read_toml("[tool.uv]\ndev-dependencies = []\n").unwrap()));
}
