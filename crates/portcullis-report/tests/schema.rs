//! The committed JSON Schemas: what the types give. After a change of a format,
//! write them again with
//! `WRITE_SCHEMAS=1 cargo test -p portcullis-report --test schema`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use portcullis_report::schema;

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/schema");
    let write = std::env::var_os("WRITE_SCHEMAS").is_some();
    for published in schema::all().unwrap() {
        let path = folder.join(&published.name);
        if write {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &published.text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let name = &published.name;
        assert!(committed == published.text, "{name} is not what the types give: see schema.rs");
    }
}
